using System.Net;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>The way of a pushed request through the browser: a reference that one client may use once.</summary>
public sealed class PushedFlowTests(OneServer shared) : IClassFixture<OneServer>
{
    private readonly RunningServer _server = shared.Server;

    private async Task<(AuthorizeUrl Pushed, AuthorizeUrl InAddress)> PushAsync(RegisteredClient? client = null, Action<AuthorizeUrl>? change = null)
    {
        var request = shared.Request(client);
        change?.Invoke(request);
        return (request, await _server.PushedAsync(client ?? shared.Native, request));
    }

    private static async Task ShouldBeSpentAsync(HttpResponseMessage response, string because) =>
        (await response.ShouldBeErrorPageAsync(because)).Body!.TextContent.ShouldContain("invalid_request_uri", customMessage: because);

    [Fact]
    [Assertion("PR-01")]
    [Assertion("AZ-11")]
    [Rfc("RFC 9126", "4")]
    public async Task A_person_signs_in_by_a_pushed_request()
    {
        using var person = _server.NewPerson();
        var (request, inAddress) = await PushAsync();
        var answer = await person.AuthorizeAsync(inAddress);
        (answer["state"], answer["iss"]).ShouldBe((request.State, _server.Issuer));
        var tokens = await _server.RedeemAsync(shared.Native, request, answer["code"]);
        (tokens.Status, tokens.Text("scope")).ShouldBe((HttpStatusCode.OK, "openid profile email"));
    }

    [Fact]
    [Assertion("PR-06")]
    [Rfc("RFC 9126", "7.3")]
    public async Task A_reload_works_until_a_code_was_issued_and_not_after()
    {
        using var person = _server.NewPerson();
        var (request, inAddress) = await PushAsync();
        await person.SignInFormAsync(inAddress);
        var signIn = await person.SignInFormAsync(inAddress);
        await person.GetOnceAsync(signIn.Action);
        var consentPage = await person.SubmitAsync(signIn, ("username", RunningServer.UserName), ("password", RunningServer.Password));
        await person.ConsentFormAsync(inAddress);
        var consent = await Person.FormOf(consentPage);
        var answer = Person.AnswerOf(await person.SubmitAsync(consent, ("decision", "allow")));

        await ShouldBeSpentAsync(await person.GetAsync(inAddress.ToString()), "a second use of the address");
        await ShouldBeSpentAsync(await person.GetAsync(consent.Action), "back to the page");
        await ShouldBeSpentAsync(await person.SubmitAsync(consent, ("decision", "allow")), "the same form again");
        (await _server.RedeemAsync(shared.Native, request, answer["code"])).Status.ShouldBe(HttpStatusCode.OK, "and the code is as good as before");
    }

    [Fact]
    [Assertion("PR-06")]
    public async Task Of_32_who_complete_a_request_at_once_one_gets_a_code()
    {
        var client = await _server.AddClientAsync(OneServer.WebUri, registration => registration with { IsFirstParty = true });
        using var person = await shared.SignedInAsync();
        for (var round = 0; round < 3; round++)
        {
            var (request, inAddress) = await PushAsync(client);
            var responses = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => person.GetOnceAsync(inAddress.ToString())));
            var winner = responses.Where(response => response.StatusCode == HttpStatusCode.SeeOther).ShouldHaveSingleItem();
            foreach (var loser in responses.Where(response => response != winner)) await ShouldBeSpentAsync(loser, "another one won");
            (await _server.RedeemAsync(client, request, Person.AnswerOf(winner)["code"])).Status.ShouldBe(HttpStatusCode.OK);
        }
    }

    [Fact]
    [Assertion("PR-05")]
    [Rfc("RFC 9126", "2.2")]
    public async Task A_reference_of_another_client_a_guessed_and_a_changed_one_are_not_good()
    {
        using var person = await shared.SignedInAsync();
        var (_, inAddress) = await PushAsync();
        var reference = inAddress.Parameters.Single(parameter => parameter.Key == "request_uri").Value;
        await ShouldBeSpentAsync(await person.GetAsync(_server.ByReference(shared.Web, reference).ToString()), "another client");
        foreach (var wrong in (string[])[reference[..^1], reference + "A", reference[..^1] + (reference[^1] == 'A' ? 'B' : 'A'), PushedRequest.NewReference(), PushedRequest.ReferencePrefix, PushedRequest.ReferencePrefix + new string('x', 4000)])
            await ShouldBeSpentAsync(await person.GetAsync(_server.ByReference(shared.Native, wrong).ToString()), wrong);
        await (await person.GetAsync(inAddress.ToString().Replace("client_id", "x", StringComparison.Ordinal))).ShouldBeErrorPageAsync("no client");
        Person.AnswerOf(await person.GetAsync(inAddress + "&request_uri=" + reference))["error"].ShouldBe("invalid_request", "two references");
        await (await person.GetAsync(inAddress + "&client_id=" + shared.Native.Id)).ShouldBeErrorPageAsync("two clients");
        await person.ConsentFormAsync(inAddress);
    }

    [Fact]
    [Assertion("PR-05")]
    [Rfc("RFC 9126", "2.2")]
    public async Task A_reference_must_come_in_time_and_the_pages_may_take_longer()
    {
        using var person = _server.NewPerson();
        var (_, late) = await PushAsync();
        var (request, inAddress) = await PushAsync();
        _server.Time.Advance(TimeSpan.FromSeconds(59));
        var signIn = await person.SignInFormAsync(inAddress);
        _server.Time.Advance(TimeSpan.FromSeconds(1));
        await ShouldBeSpentAsync(await person.GetAsync(late.ToString()), "it comes a minute after it was pushed");
        await ShouldBeSpentAsync(await person.GetAsync(inAddress.ToString()), "so does this one, without its ticket");
        using (var other = _server.NewPerson()) await ShouldBeSpentAsync(await other.GetAsync(signIn.Action), "the ticket of another browser");

        _server.Time.Advance(TimeSpan.FromMinutes(40));
        var consent = await Person.FormOf(await person.SubmitAsync(signIn, ("username", RunningServer.UserName), ("password", RunningServer.Password)));
        var answer = Person.AnswerOf(await person.SubmitAsync(consent, ("decision", "allow")));
        (await _server.RedeemAsync(shared.Native, request, answer["code"])).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("PR-05")]
    public async Task No_page_keeps_a_request_for_more_than_an_hour_behind_its_end()
    {
        using var person = _server.NewPerson();
        var (_, inAddress) = await PushAsync();
        var signIn = await person.SignInFormAsync(inAddress);
        _server.Time.Advance(TimeSpan.FromSeconds(60) + PushedRequest.Kept);
        await ShouldBeSpentAsync(await person.GetAsync(signIn.Action), "it would be pruned at any moment");
    }

    [Theory]
    [InlineData("redirect_uri", "https://evil.example/cb")]
    [InlineData("scope", "openid admin")]
    [InlineData("state", "planted")]
    [InlineData("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")]
    [InlineData("code_challenge_method", "plain")]
    [InlineData("response_mode", "web_message")]
    [InlineData("response_type", "token")]
    [InlineData("prompt", "none")]
    [InlineData("request", "x")]
    [Assertion("PR-07")]
    [Rfc("RFC 9101", "6.3")]
    public async Task What_stands_beside_a_reference_is_ignored(string name, string value)
    {
        using var person = await shared.SignedInAsync();
        var (request, inAddress) = await PushAsync();
        var consent = await person.ConsentFormAsync(inAddress.Set(name, value));
        consent.Action.ShouldNotContain(name + "=");
        var answer = Person.AnswerOf(await person.SubmitAsync(consent, ("decision", "allow")));
        answer["state"].ShouldBe(request.State);
        (await _server.RedeemAsync(shared.Native, request, answer["code"])).Text("scope").ShouldBe("openid profile email");
    }

    [Fact]
    [Assertion("PR-11")]
    [Assertion("AZ-27")]
    public async Task The_client_is_looked_at_again_when_its_reference_comes()
    {
        var client = await _server.AddClientAsync();
        using var person = await shared.SignedInAsync();
        var (_, inAddress) = await PushAsync(client);
        var consent = await person.ConsentFormAsync(inAddress);
        await _server.Registry.RemoveClientAsync(client.Id);
        await (await person.SubmitAsync(consent, ("decision", "allow"))).ShouldBeErrorPageAsync();
    }

    [Fact]
    [Assertion("PR-06")]
    [Assertion("AZ-24")]
    public async Task A_yes_to_one_pushed_request_is_none_to_another_of_the_same_parameters()
    {
        using var person = await shared.SignedInAsync();
        var request = shared.Request();
        var (first, second) = (await _server.PushedAsync(shared.Native, request), await _server.PushedAsync(shared.Native, request));
        var agreed = (await person.PostOnceAsync(await person.ConsentFormAsync(first), [("decision", "allow")])).Headers.Location!.OriginalString;
        var moved = Browsing.WithParameter(agreed, "request_uri", second.Parameters.Single(parameter => parameter.Key == "request_uri").Value);
        (await Person.FormOf(await person.GetAsync(moved))).Action.ShouldContain("/consent?");
        Person.AnswerOf(await person.GetAsync(agreed)).ShouldContainKey("code");
    }

    [Fact]
    [Assertion("PR-12")]
    [Rfc("RFC 9126", "4")]
    public async Task What_was_pushed_is_in_no_address_cookie_or_log()
    {
        using var person = _server.NewPerson();
        var (request, inAddress) = await PushAsync(change: request => request.Set("login_hint", "alice@hint.example"));
        var seen = new List<string>();
        var signInPage = await person.GetAsync(inAddress.ToString());
        seen.Add(signInPage.RequestMessage!.RequestUri!.OriginalString);
        var signIn = await Person.FormOf(signInPage);
        signIn.Fields["username"].ShouldBe("alice@hint.example", "the page knows it all the same");
        var consentPage = await person.SubmitAsync(signIn, ("username", RunningServer.UserName), ("password", RunningServer.Password));
        seen.Add(consentPage.RequestMessage!.RequestUri!.OriginalString);
        var consent = await Person.FormOf(consentPage);
        seen.AddRange([signIn.Action, consent.Action, .. person.Cookies.GetAllCookies().Select(cookie => cookie.Value), .. _server.Log.Lines]);
        foreach (var text in (string[])["hint.example", request.State, request.Nonce, request.Verifier.Challenge.ToString()])
            seen.Count(line => line.Contains(text, StringComparison.Ordinal)).ShouldBe(0, text);
        foreach (var action in (string[])[signIn.Action, consent.Action])
            action[(action.IndexOf('?', StringComparison.Ordinal) + 1)..].Split('&').Select(pair => pair.Split('=')[0]).ShouldBe(["client_id", "request_uri", "step"]);
    }

    [Theory]
    [InlineData("https://evil.example/request.jwt")]
    [InlineData("http://127.0.0.1:1/request.jwt")]
    [InlineData("http://169.254.169.254/latest/meta-data/")]
    [InlineData("file:///etc/passwd")]
    [InlineData("URN:IETF:PARAMS:OAUTH:REQUEST_URI:abc")]
    [Assertion("PR-09")]
    [Assertion("AZ-26")]
    [Rfc("RFC 9101", "10.4")]
    public async Task Any_other_reference_is_refused_and_never_fetched(string reference)
    {
        using var person = await shared.SignedInAsync();
        var request = shared.Request().Set("request_uri", reference);
        (await person.GetOnceAsync(request.ToString())).ShouldRedirectWith("request_uri_not_supported", request, _server.Issuer);
        var several = await _server.AddClientAsync(change: registration => registration with { RedirectUris = [OneServer.NativeUri, OneServer.WebUri] });
        await (await person.GetAsync(_server.ByReference(several, reference).ToString())).ShouldBeErrorPageAsync("no address is known");
    }

    [Fact]
    [Assertion("PR-09")]
    [Rfc("RFC 9101", "10.4")]
    public async Task Nobody_who_listens_hears_of_a_reference()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var person = await shared.SignedInAsync();
        await person.GetOnceAsync(shared.Request().Set("request_uri", $"http://{listener.LocalEndpoint}/request.jwt").ToString());
        await _server.PushAsync(shared.Request().Set("request_uri", $"http://{listener.LocalEndpoint}/request.jwt"));
        listener.Pending().ShouldBeFalse();
    }

    [Fact]
    [Assertion("PR-08")]
    [Rfc("RFC 9126", "6")]
    public async Task A_client_that_must_push_is_refused_when_it_does_not()
    {
        var client = await _server.AddClientAsync(OneServer.WebUri, registration => registration with { RequiresPushedRequests = true });
        using var person = await shared.SignedInAsync();
        var direct = shared.Request(client);
        (await person.GetOnceAsync(direct.ToString())).ShouldRedirectWith("invalid_request", direct, _server.Issuer)["error_description"].ShouldContain("pushed");
        (await person.PostToAuthorizeAsync(direct)).ShouldRedirectWith("invalid_request", direct, _server.Issuer);
        var (request, inAddress) = await PushAsync(client);
        var code = (await person.AuthorizeAsync(inAddress))["code"];
        (await _server.RedeemAsync(client, request, code)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("PR-08")]
    [Rfc("RFC 9126", "5")]
    public async Task A_server_that_wants_every_request_pushed_says_so_and_means_it()
    {
        await using var server = await RunningServer.StartAsync(configure: options => options.RequirePushedRequests = true);
        var client = await server.AddClientAsync();
        using var metadata = new HttpRequestMessage(HttpMethod.Get, server.Issuer + "/.well-known/oauth-authorization-server");
        var document = (await TokenCalls.SendAsync(metadata)).Body;
        document.GetProperty("require_pushed_authorization_requests").GetBoolean().ShouldBeTrue();
        document.GetProperty("pushed_authorization_request_endpoint").GetString().ShouldBe(server.Issuer + "/par");

        using var person = await server.SignedInAsync();
        var request = new AuthorizeUrl(server, client);
        (await person.GetOnceAsync(request.ToString())).ShouldRedirectWith("invalid_request", request, server.Issuer);
        (await person.AuthorizeAsync(await server.PushedAsync(client, request))).ShouldContainKey("code");
    }

    [Fact]
    [Assertion("PR-06")]
    public async Task Who_declines_may_think_again()
    {
        using var person = await shared.SignedInAsync();
        var (request, inAddress) = await PushAsync();
        (await person.AuthorizeAsync(inAddress, decision: "deny"))["error"].ShouldBe("access_denied");
        var code = (await person.AuthorizeAsync(inAddress))["code"];
        (await _server.RedeemAsync(shared.Native, request, code)).Status.ShouldBe(HttpStatusCode.OK);
    }
}
