using System.Net;
using ProofKey.Server.Accounts;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests.Attacks;

/// <summary>Attacks on accounts, sessions and the steps of a sign-in. A name ends with a case of its kind, where one was published.</summary>
public sealed class AccountAttackTests(OneServer shared) : IClassFixture<OneServer>
{
    private readonly RunningServer _server = shared.Server;

    [Fact]
    [Assertion("UI-09")]
    public async Task Nobody_learns_who_has_an_account_CVE_2026_4633_CVE_2024_41952()
    {
        using var person = _server.NewPerson();
        var form = await person.SignInFormAsync(shared.Request(shared.Web));
        var answers = new List<string>();
        foreach (var name in (string[])["alice", "nobody", "ALICE", "a' or 1=1", "*"])
            foreach (var password in (string[])["wrong password", "", new string('p', 300)])
            {
                var answer = await person.PostOnceAsync(form, [("username", name), ("password", password)]);
                answers.Add($"{answer.StatusCode} {(await answer.PageAsync()).QuerySelector("#problem")!.TextContent}");
            }
        answers.Distinct().ShouldHaveSingleItem();
    }

    [Fact]
    [Assertion("UI-10")]
    public async Task Guesses_that_race_each_other_are_all_counted_CVE_2023_33170_CVE_2024_4629()
    {
        await using var server = await RunningServer.StartAsync();
        using var person = server.NewPerson();
        var form = await person.SignInFormAsync(new AuthorizeUrl(server, await server.AddClientAsync()));
        // The right password is among fifty, and comes when ten have been looked at.
        await Task.WhenAll(Enumerable.Range(0, 49).Select(number => person.PostOnceAsync(form, [("username", number % 2 == 0 ? "Alice" : " alice"), ("password", $"guess {number}")])));
        (await person.PostOnceAsync(form, [("username", "alice"), ("password", RunningServer.Password)])).StatusCode.ShouldNotBe(HttpStatusCode.SeeOther);
        server.Log.Lines.Count(line => line.Contains("wrong password", StringComparison.Ordinal)).ShouldBeLessThanOrEqualTo(PasswordSignIn.MaxTries);
    }

    [Fact]
    [Assertion("UI-06")]
    public async Task A_session_that_somebody_else_planted_never_becomes_a_persons_CVE_2026_7507_CVE_2024_28197()
    {
        using var attacker = _server.NewPerson();
        await attacker.SignInFormAsync(shared.Request(shared.Web));
        var planted = (Session: Secret.NewText(), Browser: attacker.CookieOf(_server, Sessions.BrowserCookie)!);
        using var victim = _server.NewPerson();
        victim.SetCookie(_server, Sessions.SessionCookie, planted.Session);
        victim.SetCookie(_server, Sessions.BrowserCookie, planted.Browser);
        await victim.AuthorizeAsync(shared.Request(shared.Web));
        victim.CookieOf(_server, Sessions.SessionCookie).ShouldNotBe(planted.Session);
        victim.CookieOf(_server, Sessions.BrowserCookie).ShouldNotBe(planted.Browser);

        attacker.SetCookie(_server, Sessions.SessionCookie, planted.Session);
        var silent = shared.Request(shared.Web).Set("prompt", "none");
        (await attacker.GetOnceAsync(silent.ToString())).ShouldRedirectWith("login_required", silent, _server.Issuer);
    }

    [Fact]
    [Assertion("UI-19")]
    public async Task No_step_can_be_jumped_over_or_done_in_another_order_CVE_2026_49443_CVE_2026_32246()
    {
        using var person = _server.NewPerson();
        var request = shared.Request(shared.Web).Set("prompt", "login consent");
        // Consent first, by the address of its page and by a form of our own making.
        var query = request.ToString()[request.ToString().IndexOf('?', StringComparison.Ordinal)..];
        foreach (var answer in (HttpResponseMessage[])
            [await person.GetOnceAsync("/consent" + query), await person.SendAsync(HttpMethod.Post, "/consent" + query, [new("decision", "allow")]), await person.SendAsync(HttpMethod.Post, "/signin" + query, [])])
            answer.Headers.Location?.OriginalString.ShouldNotContain("code=", Case.Sensitive);

        // With a session, but without the password that this request asks for: each way leads back to the sign-in page.
        using var signedIn = await shared.SignedInAsync();
        _server.Time.Advance(TimeSpan.FromMinutes(1));
        var form = await signedIn.SignInFormAsync(request);
        foreach (var address in (string[])[request.ToString(), "/consent" + query, form.Action.Replace("/signin", "/authorize", StringComparison.Ordinal), form.Action.Replace("/signin", "/consent", StringComparison.Ordinal)])
        {
            var answer = await signedIn.GetAsync(address);
            answer.Headers.Location?.OriginalString.ShouldNotContain("code=", Case.Sensitive);
            if (answer.StatusCode != HttpStatusCode.OK) continue;
            var page = await Person.FormOf(answer);
            // Whoever says yes before the password has been asked is asked for it then.
            if (!page.Fields.ContainsKey("username")) page = await Person.FormOf(await signedIn.SubmitAsync(page, ("decision", "allow")));
            page.Fields.ShouldContainKey("username", address);
        }
    }

    [Fact]
    [Assertion("UI-20")]
    public async Task Of_many_people_at_once_each_gets_tokens_of_their_own_CVE_2026_33544()
    {
        var names = Enumerable.Range(0, 24).Select(number => $"crowd{number}").ToList();
        var subjects = new Dictionary<string, string>();
        foreach (var name in names) subjects[name] = (await _server.Registry.AddAccountAsync(name, RunningServer.Password, null, isAdmin: false)).Subject;
        await Task.WhenAll(names.Select(async name =>
        {
            using var person = await shared.SignedInAsync(name);
            var client = names.IndexOf(name) % 2 == 0 ? shared.Web : shared.Native;
            var request = shared.Request(client).Set("scope", "openid profile");
            var code = (await person.AuthorizeAsync(request))["code"];
            var userinfo = await _server.UserinfoAsync((await _server.RedeemAsync(client, request, code)).Text("access_token"));
            (userinfo.Text("sub"), userinfo.Text("name")).ShouldBe((subjects[name], name));
        }));
    }

    [Fact]
    [Assertion("UI-20")]
    public async Task Who_signs_in_while_somebody_elses_consent_is_open_agrees_to_nothing_for_them()
    {
        await _server.Registry.AddAccountAsync("bystander", RunningServer.Password, null, isAdmin: false);
        using var person = await shared.SignedInAsync();
        var form = await person.ConsentFormAsync(shared.Request(shared.Web).Set("prompt", "consent"));
        await _server.SignInAsync(person, "bystander");
        (await Person.FormOf(await person.SubmitAsync(form, ("decision", "allow")))).Accounts.ShouldHaveSingleItem("whoever is signed in now is asked whether it is for them");
    }

    [Theory]
    [InlineData("proofkey%2Dsession")]
    [InlineData("%70roofkey-session")]
    [InlineData("Proofkey-Session")]
    [InlineData("__Host-proofkey-session")]
    [Assertion("UI-08")]
    public async Task A_cookie_of_nearly_the_name_is_no_session_and_two_of_it_are_none_CVE_2020_1045(string name)
    {
        using var person = await shared.SignedInAsync();
        var session = person.CookieOf(_server, Sessions.SessionCookie)!;
        var silent = shared.Request(shared.FirstParty).Set("prompt", "none").ToString();
        foreach (var cookies in (string[])[$"{name}={session}", $"{Sessions.SessionCookie}={session}; {Sessions.SessionCookie}={Secret.NewText()}", $"{Sessions.SessionCookie}={Secret.NewText()}; {Sessions.SessionCookie}={session}"])
            (await _server.SendRawAsync(silent, "GET", $"Cookie: {cookies}")).Text.ShouldContain("login_required");
        (await _server.SendRawAsync(silent, "GET", $"Cookie: {Sessions.SessionCookie}={session}")).Text.ShouldNotContain("login_required");
    }

    [Fact]
    [Assertion("AZ-22")]
    [Rfc("RFC 8252", "8.6")]
    public async Task A_program_that_uses_anothers_client_id_on_this_device_gets_no_silent_yes_CVE_2023_34246()
    {
        using var person = await shared.SignedInAsync();
        await person.AuthorizeAsync(shared.Request(shared.Native));
        // The impostor listens on a port of its own, with the id and the scopes that were agreed to a moment ago.
        var request = shared.Request(shared.Native).Set("redirect_uri", "http://127.0.0.1:50123/callback");
        (await Person.FormOf(await person.GetAsync(request.ToString()))).Action.ShouldContain("/consent?");
        var silent = new AuthorizeUrl(_server, shared.Native, "http://127.0.0.1:50123/callback").Set("prompt", "none");
        (await person.GetOnceAsync(silent.ToString())).ShouldRedirectWith("consent_required", silent, _server.Issuer);
    }
}
