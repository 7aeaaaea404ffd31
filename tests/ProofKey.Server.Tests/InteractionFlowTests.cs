using System.Net;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>What a person is asked, page after page: as often as needed, and never in a circle.</summary>
public sealed class InteractionFlowTests(OneServer shared) : IClassFixture<OneServer>
{
    private readonly RunningServer _server = shared.Server;

    /// <summary>Walks through all pages, and says which there were.</summary>
    private static async Task<(string[] Pages, Dictionary<string, string> Answer)> WalkAsync(Person person, string address)
    {
        var pages = new List<string>();
        var response = await person.GetAsync(address);
        while (response.StatusCode == HttpStatusCode.OK && pages.Count < 6)
        {
            var form = await Person.FormOf(response);
            pages.Add(form.Action.Split('?')[0]);
            response = form.Accounts.Count > 0
                ? await person.SubmitAsync(form, ("account", form.Accounts[0]))
                : await person.SubmitAsync(form, ("username", RunningServer.UserName), ("password", RunningServer.Password), ("decision", "allow"));
        }
        return ([.. pages], Person.AnswerOf(response));
    }

    [Theory]
    [InlineData(null, null, "/consent")]
    [InlineData("prompt", "consent", "/consent")]
    [InlineData("prompt", "login", "/signin", "/consent")]
    [InlineData("prompt", "select_account", "/signin", "/consent")]
    [InlineData("prompt", "login consent", "/signin", "/consent")]
    [InlineData("max_age", "0", "/signin", "/consent")]
    [InlineData("max_age", "60", "/signin", "/consent")]
    [InlineData("max_age", "3600", "/consent")]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    [Rfc("RFC 8252", "8.6")]
    [Assertion("AZ-22")]
    public async Task Each_page_comes_once_for_a_request_and_again_for_the_next(string? name, string? value, params string[] pages)
    {
        using var person = await shared.SignedInAsync();
        _server.Time.Advance(TimeSpan.FromMinutes(2));
        for (var round = 0; round < 2; round++)
        {
            var request = name is null ? shared.Request() : shared.Request().Set(name, value);
            var (seen, answer) = await WalkAsync(person, request.ToString());
            seen.ShouldBe(name == "max_age" && value == "60" && round == 1 ? ["/consent"] : pages, "a session that is young again is not asked for a password");
            (await _server.RedeemAsync(shared.Native, request, answer["code"])).Status.ShouldBe(HttpStatusCode.OK);
        }
    }

    [Fact]
    public async Task A_client_on_an_https_address_is_agreed_to_once_and_for_more_once_more()
    {
        var client = await _server.AddClientAsync(OneServer.WebUri);
        using var person = await shared.SignedInAsync();
        (await WalkAsync(person, shared.Request(client).Set("scope", "openid").ToString())).Pages.ShouldBe(["/consent"]);
        (await WalkAsync(person, shared.Request(client).Set("scope", "openid").ToString())).Pages.ShouldBeEmpty();
        (await WalkAsync(person, shared.Request(client).Set("scope", "openid email").ToString())).Pages.ShouldBe(["/consent"]);
        (await WalkAsync(person, shared.Request(client).Set("scope", "email openid").ToString())).Pages.ShouldBeEmpty();
        (await WalkAsync(person, shared.Request(client).Set("prompt", "none").Set("scope", "email").ToString())).Answer.ShouldContainKey("code");
        (await WalkAsync(person, shared.Request(client).Set("prompt", "consent").ToString())).Pages.ShouldBe(["/consent"]);
    }

    [Fact]
    [Assertion("AZ-23")]
    [Rfc("RFC 6749", "4.1.2.1")]
    public async Task Who_declines_sends_access_denied_and_nothing_is_remembered()
    {
        var client = await _server.AddClientAsync(OneServer.WebUri);
        using var person = await shared.SignedInAsync();
        for (var round = 0; round < 2; round++)
        {
            var request = shared.Request(client);
            var response = await person.SubmitAsync(await person.ConsentFormAsync(request), ("decision", "deny"));
            response.ShouldRedirectWith("access_denied", request, _server.Issuer)["state"].ShouldBe(request.State);
        }
        var account = await _server.Service<AccountStore>().FindByNameAsync(RunningServer.UserName, TestContext.Current.CancellationToken);
        (await _server.Service<ConsentStore>().FindAsync(account!.Subject, client.Id, TestContext.Current.CancellationToken)).ShouldBeNull();
    }

    [Fact]
    [Assertion("AZ-22")]
    [Rfc("OpenID Connect Core", "3.1.2.6")]
    public async Task A_silent_request_shows_no_page_and_says_what_it_lacks()
    {
        using var nobody = _server.NewPerson();
        using var person = await shared.SignedInAsync();
        (await WalkAsync(nobody, shared.Request().Set("prompt", "none").ToString())).Answer["error"].ShouldBe("login_required");
        (await WalkAsync(person, shared.Request().ToString())).Pages.ShouldBe(["/consent"]);
        (await WalkAsync(person, shared.Request().Set("prompt", "none").ToString())).Answer["error"].ShouldBe("consent_required");
        (await WalkAsync(person, shared.Request().Set("prompt", "none").Set("max_age", "0").ToString())).Answer["error"].ShouldBe("login_required");
    }

    [Fact]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    public async Task An_ID_token_hints_at_its_subject_even_when_it_has_expired()
    {
        await _server.Registry.AddAccountAsync("hinted", RunningServer.Password, null, isAdmin: false);
        var client = await _server.AddClientAsync(OneServer.WebUri);
        using var person = await shared.SignedInAsync("hinted");
        var request = shared.Request(client);
        var (_, answer) = await WalkAsync(person, request.ToString());
        var idToken = (await _server.RedeemAsync(client, request, answer["code"])).Text("id_token");
        _server.Time.Advance(TimeSpan.FromMinutes(30));

        (await WalkAsync(person, shared.Request(client).Set("prompt", "none").Set("id_token_hint", idToken).ToString())).Answer.ShouldContainKey("code");
        using var other = await shared.SignedInAsync();
        (await WalkAsync(other, shared.Request(client).Set("prompt", "none").Set("id_token_hint", idToken).ToString())).Answer["error"].ShouldBe("login_required");
        // Signed by the same key for the same person and client, and no ID token.
        var subject = (await _server.Service<AccountStore>().FindByNameAsync("hinted", TestContext.Current.CancellationToken))!.Subject;
        var logoutToken = LogoutToken.Sign(_server.Service<KeyRing>().SigningKeyFor(client.IdTokenAlgorithm), _server.Issuer, client.Id, subject, "session", _server.Time.Now);
        foreach (var bad in (string[])[idToken + "A", "x", "..", idToken[..^10] + "AAAAAAAAAA", logoutToken])
            (await WalkAsync(person, shared.Request(client).Set("prompt", "none").Set("id_token_hint", bad).ToString())).Answer["error"].ShouldBe("login_required");
    }

    [Fact]
    [Assertion("UI-16")]
    [Rfc("RFC 9700", "4.11")]
    public async Task Every_way_back_is_our_own_path_with_the_same_request()
    {
        using var person = _server.NewPerson();
        var request = shared.Request().Set("return_url", "https://evil.example").Set("next", "//evil.example").Set("state", "/\\evil");
        var toSignIn = (await person.GetOnceAsync(request.ToString())).Headers.Location!.OriginalString;
        toSignIn.ShouldStartWith("/signin?");
        SameRequest(toSignIn, request);

        var signIn = await Person.FormOf(await person.GetOnceAsync(toSignIn));
        SameRequest(signIn.Action, request);
        (string, string)[] fields = [("username", RunningServer.UserName), ("password", RunningServer.Password), ("return_url", "https://evil.example"), ("action", "//evil"), ("redirect_uri", "https://evil.example")];
        var back = (await person.PostOnceAsync(signIn, fields, ("Referer", "https://evil.example/"), ("X-Forwarded-Host", "evil.example"))).Headers.Location!.OriginalString;
        back.ShouldStartWith("/authorize?");
        SameRequest(back, request);

        var toConsent = (await person.GetOnceAsync(back)).Headers.Location!.OriginalString;
        var consent = await Person.FormOf(await person.GetOnceAsync(toConsent));
        SameRequest(consent.Action, request);
        var agreed = (await person.PostOnceAsync(consent, [("decision", "allow"), ("return_url", "javascript:alert(1)")])).Headers.Location!.OriginalString;
        agreed.ShouldStartWith("/authorize?");
        SameRequest(agreed, request);
    }

    private static void SameRequest(string address, AuthorizeUrl request) =>
        Browsing.WithParameter(address, "step", null).Split('?')[1].ShouldBe(request.ToString().Split('?')[1]);

    [Fact]
    [Assertion("UI-19")]
    public async Task No_step_can_be_left_out()
    {
        using var nobody = _server.NewPerson();
        var request = shared.Request();
        var consent = request.ToString().Replace("/authorize", "/consent", StringComparison.Ordinal);
        (await nobody.SignInFormAsync(request)).Fields.ShouldContainKey("form_token");

        (await Person.FormOf(await nobody.GetAsync(consent))).Fields.ShouldContainKey("username", "a consent page before sign-in is the sign-in page");
        using var planted = await shared.SignedInAsync();
        var form = await planted.ConsentFormAsync(request);
        foreach (var post in (PageForm[])[new PageForm(consent, []), form, form.WithParameter("step", null)])
            (await Person.FormOf(await nobody.SubmitAsync(post, ("decision", "allow")))).Fields.ShouldContainKey("username", "a consent before sign-in is none");
        await (await planted.SubmitAsync(form with { Fields = [] })).ShouldBeFormAgainAsync("an empty post is no answer");
    }
}
