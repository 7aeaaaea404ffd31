using System.Net;
using System.Text.RegularExpressions;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>What is wrong with a request of a known client is told to the client, with its state and our name.</summary>
public sealed partial class AuthorizeErrorRedirectTests(OneServer shared) : IClassFixture<OneServer>
{
    private readonly RunningServer _server = shared.Server;

    private async Task<Dictionary<string, string>> RefusalOfAsync(AuthorizeUrl request, string error)
    {
        using var person = _server.NewPerson();
        return (await person.GetOnceAsync(request.ToString())).ShouldRedirectWith(error, request, _server.Issuer);
    }

    [Theory]
    [InlineData("response_type")]
    [InlineData("scope")]
    [InlineData("state")]
    [InlineData("code_challenge")]
    [InlineData("code_challenge_method")]
    [InlineData("nonce")]
    [InlineData("response_mode", "query")]
    [InlineData("prompt", "login")]
    [InlineData("max_age", "1")]
    [InlineData("request_uri", "https://collector.example/x")]
    [InlineData("unheard_of", "1")]
    [Assertion("AZ-03")]
    [Rfc("RFC 6749", "3.1")]
    public async Task A_parameter_that_comes_twice_is_refused_with_equal_values_too(string name, string? value = null)
    {
        foreach (var second in (string?[])[null, "other", ""])
        {
            var request = shared.Request();
            value ??= request.Parameters.Single(pair => pair.Key == name).Value;
            request.Set(name, value).Repeat(name, second ?? value);
            var answer = await RefusalOfAsync(request, "invalid_request");
            answer.GetValueOrDefault("state").ShouldBe(name == "state" ? null : request.State, "a state that came twice is nobody's");
        }
    }

    [Theory]
    [InlineData("code_challenge", "invalid_request")]
    [InlineData("code_challenge_method", "invalid_request")]
    [InlineData("response_type", "invalid_request")]
    [Assertion("AZ-04")]
    [Rfc("RFC 6749", "3.1")]
    public async Task An_empty_value_counts_as_absent(string name, string error)
    {
        var missing = await RefusalOfAsync(shared.Request().Set(name, null), error);
        var empty = await RefusalOfAsync(shared.Request().Set(name, ""), error);
        empty["error_description"].ShouldBe(missing["error_description"]);
    }

    [Fact]
    [Assertion("AZ-04")]
    [Assertion("AZ-10")]
    public async Task An_empty_state_is_not_sent_back()
    {
        (await RefusalOfAsync(shared.Request().Set("state", "").Set("response_type", "x"), "unsupported_response_type")).ShouldNotContainKey("state");
        (await RefusalOfAsync(shared.Request().Set("state", null).Set("response_type", "x"), "unsupported_response_type")).ShouldNotContainKey("state");
    }

    [Theory]
    [InlineData(null, "invalid_request")]
    [InlineData("banana", "unsupported_response_type")]
    [InlineData("CODE", "unsupported_response_type")]
    [InlineData("code ", "unsupported_response_type")]
    [Assertion("AZ-06")]
    [Rfc("RFC 6749", "4.1.2.1")]
    public async Task A_missing_or_unknown_response_type_is_told_to_the_client(string? responseType, string error)
    {
        var request = shared.Request().Set("response_type", responseType);
        (await RefusalOfAsync(request, error))["state"].ShouldBe(request.State);
    }

    [Theory]
    [InlineData("token")]
    [InlineData("id_token")]
    [InlineData("none")]
    [InlineData("code token")]
    [InlineData("code id_token")]
    [InlineData("id_token token")]
    [InlineData("code id_token token")]
    [Assertion("AZ-07")]
    [Rfc("RFC 9700", "2.1.2")]
    public async Task No_response_type_brings_a_token_into_an_address(string responseType)
    {
        using var person = await shared.SignedInAsync();
        foreach (var client in (Storage.RegisteredClient[])[shared.Native, shared.Web])
        {
            var request = shared.Request(client).Set("response_type", responseType);
            var answer = (await person.GetOnceAsync(request.ToString())).ShouldRedirectWith("unsupported_response_type", request, _server.Issuer);
            answer.Keys.ShouldBe(["error", "error_description", "state", "iss"], ignoreOrder: true);
        }
    }

    public static TheoryData<string, string, string> Provoked => new()
    {
        { "response_type", "token", "unsupported_response_type" },
        { "response_mode", "fragment", "invalid_request" },
        { "code_challenge", "short", "invalid_request" },
        { "code_challenge_method", "plain", "invalid_request" },
        { "scope", "admin", "invalid_scope" },
        { "nonce", new string('n', 129), "invalid_request" },
        { "prompt", "none login", "invalid_request" },
        { "prompt", "create", "invalid_request" },
        { "prompt", "\"", "invalid_request" },
        { "prompt", "none", "login_required" },
        { "max_age", "-1", "invalid_request" },
        { "max_age", "99999999999", "invalid_request" },
        { "max_age", "1e3", "invalid_request" },
        { "max_age", " 1", "invalid_request" },
        { "resource", "https://api.example", "invalid_target" },
        { "request", "eyJ.e30.", "request_not_supported" },
        { "request_uri", "https://collector.example/x", "request_uri_not_supported" },
        { "registration", "{}", "registration_not_supported" },
    };

    [Theory]
    [MemberData(nameof(Provoked))]
    [Assertion("AZ-11")]
    [Assertion("AZ-12")]
    [Assertion("AZ-26")]
    [Rfc("RFC 6749", "4.1.2.1")]
    [Rfc("RFC 9207", "2")]
    [Rfc("OpenID Connect Core", "3.1.2.6")]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    [Rfc("RFC 8707", "2")]
    public async Task Each_error_names_the_issuer_and_says_why_without_repeating_what_was_sent(string name, string value, string error)
    {
        var request = shared.Request().Set(name, value).Set("state", "my-own-state");
        var answer = await RefusalOfAsync(request, error);
        answer["state"].ShouldBe("my-own-state");
        PrintableText().IsMatch(answer["error_description"]).ShouldBeTrue(answer["error_description"]);
        if (value.Length > 8 && !value.Contains(' ', StringComparison.Ordinal)) answer["error_description"].ShouldNotContain(value);
        answer.Keys.ShouldBe(["error", "error_description", "state", "iss"], ignoreOrder: true);
    }

    [Fact]
    [Assertion("AZ-11")]
    [Rfc("RFC 9207", "2")]
    public async Task The_issuer_in_an_answer_is_the_one_of_the_metadata_to_the_character()
    {
        await using var below = await RunningServer.StartAsync(issuerPath: "/tenant");
        var client = await below.AddClientAsync();
        using var person = below.NewPerson();
        var metadata = await person.Http.GetStringAsync("/.well-known/oauth-authorization-server/tenant", TestContext.Current.CancellationToken);
        using var document = System.Text.Json.JsonDocument.Parse(metadata);
        var issuer = document.RootElement.GetProperty("issuer").GetString();
        issuer.ShouldEndWith("/tenant");

        var refused = new AuthorizeUrl(below, client).Set("scope", "admin");
        (await person.GetOnceAsync(refused.ToString())).ShouldRedirectWith("invalid_scope", refused, issuer!);
        var answer = await person.AuthorizeAsync(new AuthorizeUrl(below, client));
        answer["iss"].ShouldBe(issuer);
        answer.ShouldContainKey("code");
        (await person.AuthorizeAsync(new AuthorizeUrl(below, client), decision: "deny"))["iss"].ShouldBe(issuer);
    }

    [Theory]
    [InlineData("fragment")]
    [InlineData("query.jwt")]
    [InlineData("jwt")]
    [InlineData("web_message")]
    [InlineData("x")]
    [InlineData("QUERY")]
    [Assertion("AZ-19")]
    public async Task A_response_mode_that_is_not_registered_is_refused(string mode) => await RefusalOfAsync(shared.Request().Set("response_mode", mode), "invalid_request");

    [Fact]
    [Assertion("AZ-19")]
    public async Task The_response_modes_are_a_list_of_each_client()
    {
        var onlyQuery = await _server.AddClientAsync(change: registration => registration with { ResponseModes = ["query"] });
        await RefusalOfAsync(shared.Request(onlyQuery).Set("response_mode", "form_post"), "invalid_request");

        using var person = _server.NewPerson();
        var response = await person.GetOnceAsync(shared.Request(shared.FirstParty).Set("response_mode", "query").ToString());
        response.StatusCode.ShouldBe(HttpStatusCode.OK, "a client that is locked to form_post is told by form_post");
        (await Person.FormOf(response)).Fields["error"].ShouldBe("invalid_request");
    }

    [Theory]
    [InlineData("state", "x")]
    [InlineData("response_type", "token")]
    [InlineData("request", "x")]
    [Assertion("AZ-19")]
    [Assertion("AZ-20")]
    public async Task An_early_error_travels_in_the_mode_that_was_asked_for(string name, string value)
    {
        using var person = _server.NewPerson();
        var request = shared.Request().Repeat(name, value).Set("response_mode", "form_post");
        var response = await person.GetOnceAsync(request.ToString());
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await Person.FormOf(response)).Fields.ShouldContainKey("error");

        await RefusalOfAsync(request.Set("response_mode", "query").Repeat("response_mode", "form_post"), "invalid_request");
    }

    [Fact]
    [Assertion("AZ-19")]
    [Assertion("AZ-11")]
    public async Task A_client_that_is_registered_for_it_gets_its_answers_in_the_fragment()
    {
        var client = await _server.AddClientAsync("https://app.example/cb?tenant=1", registration => registration with { ResponseModes = ["query", "fragment"] });
        using var person = await shared.SignedInAsync();
        Dictionary<string, string> FragmentOf(HttpResponseMessage response)
        {
            response.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
            var parts = response.Headers.Location!.OriginalString.Split('#');
            parts[0].ShouldBe("https://app.example/cb?tenant=1", "nothing is in the query");
            Parameters.TryParse(parts[1], out var answer, out _).ShouldBeTrue();
            return answer!.Pairs.ToDictionary();
        }

        var request = shared.Request(client).Set("response_mode", "fragment").Set("state", "#&=+%");
        var answer = FragmentOf(await person.SubmitAsync(await person.ConsentFormAsync(request), ("decision", "allow")));
        (answer["state"], answer["iss"]).ShouldBe(("#&=+%", _server.Issuer));
        (await _server.RedeemAsync(client, request, answer["code"])).Status.ShouldBe(HttpStatusCode.OK);
        FragmentOf(await person.GetOnceAsync(request.Set("scope", "admin").ToString()))["error"].ShouldBe("invalid_scope");
        Person.AnswerOf(await person.GetOnceAsync(request.Set("response_mode", null).ToString()))["error"].ShouldBe("invalid_scope", "the default is the first one");

        foreach (var mode in (string[])["web_message", "query.jwt", "Fragment", ""])
            await Should.ThrowAsync<FormatException>(() => _server.AddClientAsync("https://app.example/cb", registration => registration with { ResponseModes = [mode] }));
    }

    [Fact]
    [Assertion("AZ-19")]
    public async Task No_answer_is_posted_to_a_private_use_scheme()
    {
        var client = await _server.AddClientAsync("com.example.app:/cb");
        await RefusalOfAsync(shared.Request(client).Set("response_mode", "form_post"), "invalid_request");
    }

    public static TheoryData<string> BadScopes =>
        ["openid unknown", "openid admin", "openid\tprofile", "openid\nprofile", "\"openid\"", "open\\id", "openid é", "OPENID", string.Join(' ', Enumerable.Range(0, 2000).Select(i => $"s{i}"))];

    [Theory]
    [MemberData(nameof(BadScopes))]
    [Assertion("AZ-21")]
    [Rfc("RFC 6749", "3.3")]
    public async Task A_scope_that_is_unknown_malformed_or_endless_is_refused(string scope) => await RefusalOfAsync(shared.Request().Set("scope", scope), "invalid_scope");

    [Fact]
    [Assertion("AZ-21")]
    [Rfc("RFC 6749", "3.3")]
    public async Task Never_more_is_granted_than_was_asked()
    {
        var request = shared.Request().Set("scope", "openid  email openid ");
        var tokens = await _server.RedeemAsync(shared.Native, request, await shared.CodeAsync(request));
        tokens.Status.ShouldBe(HttpStatusCode.OK, tokens.Body.ToString());
        tokens.Text("scope").ShouldBe("openid email");
    }

    [Theory]
    [InlineData("foo", "bar")]
    [InlineData("ui_locales", "xx-XX zz")]
    [InlineData("display", "hologram")]
    [InlineData("acr_values", "urn:unknown")]
    [InlineData("claims_locales", "de")]
    [Assertion("AZ-05")]
    [Rfc("RFC 6749", "3.1")]
    public async Task A_parameter_that_nobody_knows_is_ignored(string name, string value)
    {
        using var person = await shared.SignedInAsync();
        (await person.AuthorizeAsync(shared.Request().Set(name, value))).ShouldContainKey("code");
    }

    [Fact]
    [Assertion("AZ-18")]
    [Rfc("RFC 9700", "4.2.4")]
    public async Task No_redirect_may_be_kept_or_named_as_a_referrer_or_repeats_itself_in_a_body()
    {
        using var person = await shared.SignedInAsync();
        var refused = await person.GetOnceAsync(shared.Request().Set("scope", "admin").ToString());
        var agreed = await person.SubmitAsync(await person.ConsentFormAsync(shared.Request()), ("decision", "allow"));
        var declined = await person.SubmitAsync(await person.ConsentFormAsync(shared.Request()), ("decision", "deny"));
        foreach (var response in (HttpResponseMessage[])[refused, agreed, declined])
        {
            response.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
            response.Header("Cache-Control").ShouldBe("no-store");
            response.Header("Referrer-Policy").ShouldBe("no-referrer");
            (await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).ShouldBeEmpty();
        }
    }

    // RFC 6749 section 4.1.2.1: %x20-21 / %x23-5B / %x5D-7E
    [GeneratedRegex(@"^[\x20-\x21\x23-\x5B\x5D-\x7E]+$")]
    private static partial Regex PrintableText();
}
