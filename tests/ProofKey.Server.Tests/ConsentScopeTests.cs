using System.Net;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>A person agrees to some of what a client asks for, and gets asked no more often for it.</summary>
public sealed class ConsentScopeTests(OneServer shared) : IClassFixture<OneServer>
{
    private const string All = "openid profile email offline_access";

    private readonly RunningServer _server = shared.Server;

    private Task<RegisteredClient> NewClientAsync(string? scope = null) =>
        _server.AddClientAsync(OneServer.WebUri, registration => registration with { Scope = scope ?? registration.Scope });

    private async Task<JsonAnswer> TokensAsync(RegisteredClient client, AuthorizeUrl request, HttpResponseMessage answer)
    {
        var tokens = await _server.RedeemAsync(client, request, Person.AnswerOf(answer)["code"]);
        tokens.Status.ShouldBe(HttpStatusCode.OK, tokens.Body.ToString());
        return tokens;
    }

    [Fact]
    [Rfc("RFC 6749", "3.3")]
    [Assertion("UI-17")]
    public async Task A_scope_whose_box_is_not_ticked_is_not_granted_and_the_client_is_told()
    {
        var client = await NewClientAsync();
        using var person = await shared.SignedInAsync();
        var request = shared.Request(client).Set("scope", All);
        var page = await (await person.GetAsync(request.ToString())).PageAsync();
        page.QuerySelectorAll("input[type=checkbox][checked]").Select(box => box.GetAttribute("name")).ShouldBe(["scope:profile", "scope:email", "scope:offline_access"]);
        page.QuerySelectorAll(".scopes li.given code").ShouldHaveSingleItem().TextContent.ShouldBe("openid");

        var form = await person.ConsentFormAsync(request);
        var tokens = await TokensAsync(client, request, await person.SubmitAsync(form.Without("scope:email").Without("scope:offline_access"), ("decision", "allow")));
        tokens.Text("scope").ShouldBe("openid profile");
        var claims = (await _server.UserinfoAsync(tokens.Text("access_token"))).Body;
        claims.TryGetProperty("name", out _).ShouldBeTrue();
        claims.TryGetProperty("email", out _).ShouldBeFalse();
        (await _server.RefreshAsync(client, tokens.Text("refresh_token"), "openid email")).Error.ShouldBe("invalid_scope", "what was declined cannot be had later");
        (await _server.RefreshAsync(client, tokens.Text("refresh_token"))).Text("scope").ShouldBe("openid profile");
    }

    [Fact]
    public async Task The_same_request_is_not_asked_again_and_grants_what_was_agreed_to()
    {
        var client = await NewClientAsync();
        using var person = await shared.SignedInAsync();
        var first = shared.Request(client).Set("scope", "openid email");
        await TokensAsync(client, first, await person.SubmitAsync((await person.ConsentFormAsync(first)).Without("scope:email"), ("decision", "allow")));

        var again = shared.Request(client).Set("scope", "openid email").Set("prompt", "none");
        (await TokensAsync(client, again, await person.GetAsync(again.ToString()))).Text("scope").ShouldBe("openid");
        var declinedOnly = shared.Request(client).Set("scope", "email");
        (await person.ConsentFormAsync(declinedOnly)).Fields.ShouldContainKey("scope:email", "a request for nothing but that is asked again");

        var more = shared.Request(client).Set("scope", "openid email profile");
        var changed = await TokensAsync(client, more, await person.SubmitAsync(await person.ConsentFormAsync(more), ("decision", "allow")));
        changed.Text("scope").ShouldBe("openid email profile", "the last answer counts");
        (await TokensAsync(client, again, await person.GetAsync(again.ToString()))).Text("scope").ShouldBe("openid email");
        (await person.ConsentFormAsync(shared.Request(client).Set("scope", "openid email").Set("prompt", "consent"))).Fields.ShouldContainKey("scope:email");
    }

    [Fact]
    [Assertion("RT-13")]
    [Rfc("OpenID Connect Core", "11")]
    public async Task Who_declines_offline_access_ends_the_grant_with_the_session()
    {
        var client = await NewClientAsync();
        foreach (var isDeclined in (bool[])[true, false])
        {
            using var person = await shared.SignedInAsync();
            var request = shared.Request(client).Set("scope", "openid offline_access").Set("prompt", "consent");
            var form = await person.ConsentFormAsync(request);
            var tokens = await TokensAsync(client, request, await person.SubmitAsync(isDeclined ? form.Without("scope:offline_access") : form, ("decision", "allow")));
            await _server.Service<SessionStore>().EndAsync(SessionStore.KeyOf(person.CookieOf(_server, Sessions.SessionCookie)!), _server.Time.Now);
            var refreshed = await _server.RefreshAsync(client, tokens.Text("refresh_token"));
            if (isDeclined) refreshed.Error.ShouldBe("invalid_grant");
            else refreshed.Status.ShouldBe(HttpStatusCode.OK);
        }
    }

    [Fact]
    public async Task Nobody_is_signed_in_for_nothing_at_all()
    {
        var client = await NewClientAsync("openid orders.read orders.write");
        using var person = await shared.SignedInAsync();
        var signIn = shared.Request(client).Set("scope", "openid orders.read");
        var tokens = await TokensAsync(client, signIn, await person.SubmitAsync((await person.ConsentFormAsync(signIn)).Without("scope:orders.read"), ("decision", "allow")));
        tokens.Text("scope").ShouldBe("openid");

        var access = shared.Request(client).Set("scope", "orders.read orders.write");
        var none = (await person.ConsentFormAsync(access)).Without("scope:orders.read").Without("scope:orders.write");
        (await (await person.PostOnceAsync(none, [("decision", "allow")])).ShouldBeFormAgainAsync()).QuerySelector("#problem")!.TextContent.ShouldContain("Deny");
        Person.AnswerOf(await person.SubmitAsync(none, ("decision", "deny")))["error"].ShouldBe("access_denied");
    }

    [Fact]
    [Assertion("AZ-21")]
    [Assertion("AZ-24")]
    public async Task No_box_grants_more_than_was_asked_for()
    {
        var client = await NewClientAsync();
        using var person = await shared.SignedInAsync();
        var request = shared.Request(client).Set("scope", "openid profile");
        var form = await person.ConsentFormAsync(request);
        form.Fields["scope:email"] = "yes";
        form.Fields["scope:offline_access"] = "yes";
        form.Fields["scope"] = All;
        form.Fields["offered"] = "email offline_access profile openid";
        (await TokensAsync(client, request, await person.SubmitAsync(form, ("decision", "allow")))).Text("scope").ShouldBe("openid profile");
    }

    [Fact]
    [Rfc("OpenID Connect Core", "5.5")]
    public async Task A_claim_goes_with_the_scope_that_has_it()
    {
        var client = await NewClientAsync();
        using var person = await shared.SignedInAsync();
        var request = shared.Request(client).Set("scope", "openid").Set("claims", "{\"userinfo\":{\"email\":null,\"name\":null}}");
        var form = await person.ConsentFormAsync(request);
        var tokens = await TokensAsync(client, request, await person.SubmitAsync(form.Without("scope:email"), ("decision", "allow")));
        tokens.Text("scope").ShouldBe("openid");
        var claims = (await _server.UserinfoAsync(tokens.Text("access_token"))).Body;
        claims.TryGetProperty("name", out _).ShouldBeTrue();
        claims.TryGetProperty("email", out _).ShouldBeFalse("it was declined");
    }

    [Fact]
    public async Task A_form_that_says_nothing_of_boxes_answers_for_all_of_it()
    {
        var client = await NewClientAsync();
        using var person = await shared.SignedInAsync();
        var request = shared.Request(client).Set("scope", All);
        var form = await person.ConsentFormAsync(request);
        form = form with { Fields = new() { ["form_token"] = form.Fields["form_token"] } };
        (await TokensAsync(client, request, await person.SubmitAsync(form, ("decision", "allow")))).Text("scope").ShouldBe(All);
    }

    [Theory]
    [InlineData(null), InlineData("prof\"ile"), InlineData("prof\\ile")]
    [Assertion("UI-17")]
    public async Task A_form_whose_boxes_are_not_known_agrees_to_nothing(string? offered)
    {
        var client = await NewClientAsync();
        using var person = await shared.SignedInAsync();
        var form = (await person.ConsentFormAsync(shared.Request(client).Set("scope", All))).Without("offered").Without("scope:email");
        if (offered is not null) form.Fields["offered"] = offered;
        var page = await (await person.PostOnceAsync(form, [("decision", "allow")])).ShouldBeFormAgainAsync();
        page.QuerySelector("#problem")!.TextContent.ShouldContain("look at the lines again");
    }

    [Fact]
    [Assertion("UI-17")]
    public async Task What_a_client_was_once_registered_for_does_not_pile_up()
    {
        var client = await NewClientAsync("openid " + string.Join(' ', Enumerable.Range(0, 60).Select(number => $"first{number}")));
        using var person = await shared.SignedInAsync();
        foreach (var scope in (string[])[client.Scope.ToString(), "openid " + string.Join(' ', Enumerable.Range(0, 60).Select(number => $"second{number}"))])
        {
            await _server.Registry.UpdateClientAsync(client.Id, registration => registration with { Scope = scope }, newSecret: false, CancellationToken.None);
            (await person.AuthorizeAsync(shared.Request(client).Set("scope", scope))).ShouldContainKey("code");
            (await person.AuthorizeAsync(shared.Request(client).Set("scope", scope).Set("prompt", "none"))).ShouldContainKey("code", "it is remembered");
        }
    }

    [Fact]
    [Assertion("UI-17")]
    public async Task The_operators_words_stand_for_a_scope_and_without_them_its_name()
    {
        var client = await NewClientAsync("openid stock.read stock.write email");
        await _server.Registry.DescribeScopeAsync("stock.read", "see what is <b>in</b> stock");
        await _server.Registry.DescribeScopeAsync("email", "write to you");
        using var person = await shared.SignedInAsync();
        async Task<string[]> LinesAsync()
        {
            var page = await (await person.GetAsync(shared.Request(client).Set("scope", "openid stock.read stock.write email").ToString())).PageAsync();
            return [.. page.QuerySelectorAll(".scopes li").Select(line => line.TextContent.Trim())];
        }

        (await LinesAsync()).ShouldBe(["know who you are openid", "see what is <b>in</b> stock stock.read", "act for you within stock.write", "write to you email"]);
        (await _server.Registry.RemoveScopeAsync("email")).ShouldBeTrue();
        (await _server.Registry.RemoveScopeAsync("email")).ShouldBeFalse();
        (await LinesAsync())[3].ShouldBe("see your e-mail address email");
        (await _server.Registry.ListScopesAsync(TestContext.Current.CancellationToken)).Select(scope => scope.Name).ShouldBe(["stock.read"]);
        foreach (var (name, words) in new[] { ("two words", "x"), ("", "x"), ("quo\"te", "x"), ("orders", ""), ("orders", "line\nbreak"), ("orders", new string('x', 201)) })
            await Should.ThrowAsync<FormatException>(() => _server.Registry.DescribeScopeAsync(name, words));
    }

    [Fact]
    [Assertion("AZ-27")]
    public async Task A_client_that_was_removed_while_the_page_was_open_gets_nothing()
    {
        var client = await NewClientAsync();
        using var person = await shared.SignedInAsync();
        using var another = _server.NewPerson();
        var consent = await person.ConsentFormAsync(shared.Request(client));
        var signIn = await another.SignInFormAsync(shared.Request(client));
        var agreed = (await person.PostOnceAsync(consent, [("decision", "allow")])).Headers.Location!.OriginalString;
        (await _server.Registry.RemoveClientAsync(client.Id)).ShouldBeTrue();

        await (await person.GetAsync(agreed)).ShouldBeErrorPageAsync("a yes from before");
        foreach (var decision in (string[])["allow", "deny"])
            await (await person.SubmitAsync(consent, ("decision", decision))).ShouldBeErrorPageAsync(decision);
        await (await another.SubmitAsync(signIn, ("username", RunningServer.UserName), ("password", RunningServer.Password))).ShouldBeErrorPageAsync("a password");
    }

    [Theory]
    [InlineData("Orders", false)]
    [InlineData("Бухгалтерия Acme", false)]
    [InlineData("Ωmega", true)]
    [InlineData("Micrоsoft", true)]
    [InlineData("Αpple", true)]
    [InlineData("Ｇoogle", true)]
    [InlineData("𝐆oogle", true)]
    [Assertion("UI-17")]
    public async Task A_name_of_letters_that_only_look_alike_is_called_that(string name, bool isDoubtful)
    {
        var client = await _server.AddClientAsync(OneServer.WebUri, registration => registration with { Name = name });
        using var person = await shared.SignedInAsync();
        var page = await (await person.GetAsync(shared.Request(client).ToString())).PageAsync();
        page.QuerySelector("h1 .name")!.TextContent.ShouldBe(name);
        page.Body!.TextContent.Contains("letters of several alphabets", StringComparison.Ordinal).ShouldBe(isDoubtful);
        page.Body.TextContent.ShouldContain("app.example", Case.Sensitive, "its host is the name that counts");
    }

    [Fact]
    [Assertion("UI-22")]
    public async Task What_was_agreed_to_is_in_the_audit_trail()
    {
        var client = await NewClientAsync();
        using var person = await shared.SignedInAsync();
        var form = await person.ConsentFormAsync(shared.Request(client).Set("scope", "openid email"));
        await person.SubmitAsync(form.Without("scope:email"), ("decision", "allow"));
        var events = await _server.Service<Database>().ListAsync($"select subject, address, detail from audit_event where kind = 'consent-given' and client_id = {client.Id}",
            row => $"{row.GetString(0)} {row.GetString(1)} {row.GetString(2)}", TestContext.Current.CancellationToken);
        var subject = (await _server.Service<AccountStore>().FindByNameAsync(RunningServer.UserName, TestContext.Current.CancellationToken))!.Subject;
        events.ShouldBe([$"{subject} 127.0.0.1 openid"]);
    }
}
