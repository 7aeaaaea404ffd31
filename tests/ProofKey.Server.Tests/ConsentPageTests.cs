using System.Net;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>What a person is told before they agree, and whose yes counts for what.</summary>
public sealed class ConsentPageTests(OneServer shared) : IClassFixture<OneServer>
{
    private readonly RunningServer _server = shared.Server;

    private async Task<RememberedConsent?> RememberedAsync(string userName, RegisteredClient client)
    {
        var account = await _server.Service<AccountStore>().FindByNameAsync(userName, CancellationToken.None);
        return await _server.Service<ConsentStore>().FindAsync(account!.Subject, client.Id, CancellationToken.None);
    }

    private async Task ShouldChangeNothingAsync(Person person, PageForm form, RegisteredClient client, string because, params (string Name, string Value)[] headers)
    {
        await (await person.PostOnceAsync(form, [("decision", "allow")], headers)).ShouldBeFormAgainAsync(because);
        await (await person.PostOnceAsync(form, [("decision", "deny")], headers)).ShouldBeFormAgainAsync(because);
        (await RememberedAsync(RunningServer.UserName, client)).ShouldBeNull(because);
    }

    [Fact]
    [Assertion("UI-17")]
    public async Task The_page_says_who_asks_for_what_in_whose_name()
    {
        using var person = await shared.SignedInAsync();
        var scope = "openid profile email offline_access";
        var page = await (await person.GetAsync(shared.Request(shared.Web).Set("scope", scope).ToString())).PageAsync();
        var text = page.Body!.TextContent;
        text.ShouldContain("Test client");
        text.ShouldContain("app.example");
        text.ShouldContain(RunningServer.UserName);
        page.QuerySelectorAll(".scopes code").Select(code => code.TextContent).ShouldBe(scope.Split(' '));
        foreach (var words in (string[])["know who you are", "see your name", "see your e-mail address", "stay signed in"]) text.ShouldContain(words);
        var buttons = page.QuerySelectorAll("button[name=decision]");
        buttons.Select(button => button.GetAttribute("value")).ShouldBe(["deny", "allow"]);
        buttons.ShouldAllBe(button => button.GetAttribute("type") == "submit");
        page.QuerySelectorAll("[autofocus]").ShouldBeEmpty("a key that was pressed by chance must not agree");
    }

    [Fact]
    [Assertion("UI-17")]
    [Rfc("RFC 8252", "8.6")]
    public async Task A_client_that_its_address_does_not_identify_is_called_that()
    {
        using var person = await shared.SignedInAsync();
        var native = await (await person.GetAsync(shared.Request().ToString())).PageAsync();
        native.Body!.TextContent.ShouldContain("an app on this device");
        native.Body.TextContent.ShouldContain("ProofKey cannot check that");
        var web = await (await person.GetAsync(shared.Request(shared.Web).Set("prompt", "consent").ToString())).PageAsync();
        web.Body!.TextContent.ShouldNotContain("cannot check that");
        var nothing = await (await person.GetAsync(shared.Request().Set("scope", null).ToString())).PageAsync();
        nothing.QuerySelectorAll(".scopes li").ShouldBeEmpty();
    }

    [Fact]
    [Assertion("UI-17")]
    public async Task A_scope_of_the_operator_is_shown_by_its_name()
    {
        var client = await _server.AddClientAsync(change: registration => registration with { Scope = "openid orders.read<b>" });
        using var person = await shared.SignedInAsync();
        var page = await (await person.GetAsync(shared.Request(client).Set("scope", "orders.read<b>").ToString())).PageAsync();
        page.QuerySelectorAll(".scopes code").ShouldHaveSingleItem().TextContent.ShouldBe("orders.read<b>");
    }

    [Theory]
    [Assertion("AZ-24")]
    [InlineData("name")]
    [InlineData("words")]
    public async Task What_was_changed_since_the_page_was_shown_is_asked_again(string what)
    {
        var client = await _server.AddClientAsync(OneServer.WebUri, registration => registration with { Scope = "openid pets.feed" });
        using var person = await shared.SignedInAsync();
        await _server.Registry.DescribeScopeAsync("pets.feed", "feed your pets");
        var form = await person.ConsentFormAsync(shared.Request(client).Set("scope", "openid pets.feed"));
        if (what == "name") await _server.Registry.UpdateClientAsync(client.Id, registration => registration with { Name = "Another name" }, newSecret: false, CancellationToken.None);
        else await _server.Registry.DescribeScopeAsync("pets.feed", "sell your pets");

        var again = await (await person.PostOnceAsync(form, [("decision", "allow")])).ShouldBeFormAgainAsync();
        again.Body!.TextContent.ShouldContain(what == "name" ? "Another name" : "sell your pets");
        (await RememberedAsync(RunningServer.UserName, client)).ShouldBeNull("nobody agreed to that");
        Person.AnswerOf(await person.SubmitAsync(await person.ConsentFormAsync(shared.Request(client).Set("scope", "openid pets.feed")), ("decision", "allow"))).ShouldContainKey("code");
    }

    [Fact]
    [Assertion("AZ-24")]
    [Assertion("AZ-27")]
    public async Task An_address_that_was_not_shown_gets_no_answer()
    {
        // The one address of the client, which its request leaves out.
        var client = await _server.AddClientAsync(OneServer.WebUri, registration => registration with { Scope = "pets.feed" });
        using var person = await shared.SignedInAsync();
        var form = await person.ConsentFormAsync(shared.Request(client).Set("scope", "pets.feed").Set("redirect_uri", null));
        await _server.Registry.UpdateClientAsync(client.Id, registration => registration with { RedirectUris = ["https://moved.example/callback"] }, newSecret: false, CancellationToken.None);
        var again = await (await person.PostOnceAsync(form, [("decision", "allow")])).ShouldBeFormAgainAsync();
        again.Body!.TextContent.ShouldContain("moved.example");
        (await RememberedAsync(RunningServer.UserName, client)).ShouldBeNull();
    }

    [Fact]
    public async Task Another_account_can_be_used_instead()
    {
        await _server.Registry.AddAccountAsync("second", RunningServer.Password, null, isAdmin: false);
        using var person = await shared.SignedInAsync();
        var request = shared.Request();
        var page = await (await person.GetAsync(request.ToString())).PageAsync();
        var link = page.QuerySelectorAll("a").ShouldHaveSingleItem().GetAttribute("href")!;
        link.ShouldStartWith("/signin?");
        var response = await person.SubmitAsync(await Person.FormOf(await person.GetAsync(link)), ("username", "second"), ("password", RunningServer.Password));
        (await response.PageAsync()).Body!.TextContent.ShouldContain("second");
        var code = Person.AnswerOf(await person.SubmitAsync(await Person.FormOf(response), ("decision", "allow")))["code"];
        var tokens = await _server.RedeemAsync(shared.Native, request, code);
        (await _server.UserinfoAsync(tokens.Text("access_token"))).Text("name").ShouldBe("second");
    }

    [Fact]
    [Assertion("UI-07")]
    [Assertion("AZ-24")]
    [Rfc("RFC 6749", "10.12")]
    public async Task A_consent_form_without_its_token_changes_nothing()
    {
        var client = await _server.AddClientAsync(OneServer.WebUri);
        using var person = await shared.SignedInAsync();
        using var attacker = await shared.SignedInAsync();
        var request = shared.Request(client);
        var form = await person.ConsentFormAsync(request);
        var signIn = await person.SignInFormAsync(shared.Request(client).Set("prompt", "login"));
        var foreign = await attacker.ConsentFormAsync(request);
        var other = await person.ConsentFormAsync(shared.Request(client));

        await ShouldChangeNothingAsync(person, form with { Fields = [] }, client, "no token");
        foreach (var token in (string[])["", "x", form.Fields["form_token"] + "A", foreign.Fields["form_token"], other.Fields["form_token"], signIn.Fields["form_token"]])
            await ShouldChangeNothingAsync(person, form with { Fields = new() { ["form_token"] = token } }, client, "a wrong, foreign or other form's token");
        foreach (var (header, value) in new[] { ("Origin", "https://evil.example"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-site") })
            await ShouldChangeNothingAsync(person, form, client, value, (header, value));
        (await person.PostOnceAsync(form, [("decision", "allow")], ("Origin", _server.Issuer))).StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        (await RememberedAsync(RunningServer.UserName, client)).ShouldNotBeNull();
    }

    [Theory]
    [InlineData("state", "x")]
    [InlineData("scope", "openid profile email offline_access")]
    [InlineData("redirect_uri", "http://127.0.0.1:1/callback")]
    [InlineData("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")]
    [InlineData("nonce", null)]
    [Assertion("AZ-24")]
    [Rfc("RFC 6749", "10.6")]
    public async Task A_changed_request_is_shown_again_and_not_agreed_to(string name, string? value)
    {
        using var person = await shared.SignedInAsync();
        var form = await person.ConsentFormAsync(shared.Request());
        var again = await person.PostOnceAsync(form.WithParameter(name, value), [("decision", "allow")]);
        await again.ShouldBeFormAgainAsync();
        (await Person.FormOf(again)).Fields["form_token"].ShouldNotBe(form.Fields["form_token"]);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("ALLOW")]
    [InlineData("yes")]
    [InlineData("allow ")]
    [Assertion("UI-19")]
    public async Task Only_one_of_the_two_buttons_is_an_answer(string? decision)
    {
        using var person = await shared.SignedInAsync();
        var form = await person.ConsentFormAsync(shared.Request());
        await (await person.PostOnceAsync(form, decision is null ? [] : [("decision", decision)])).ShouldBeFormAgainAsync();
        await (await person.SendAsync(HttpMethod.Post, form.Action, [.. form.With(("decision", "allow")), new("decision", "deny")])).ShouldBeFormAgainAsync();
        (await person.GetOnceAsync($"{form.Action}&decision=allow&form_token={form.Fields["form_token"]}")).StatusCode.ShouldBe(HttpStatusCode.OK, "an answer in the address is none");
    }

    [Fact]
    [Assertion("UI-20")]
    [Assertion("AZ-24")]
    public async Task A_page_that_was_shown_to_one_account_does_not_count_for_the_next()
    {
        await _server.Registry.AddAccountAsync("bob", RunningServer.Password, null, isAdmin: false);
        using var person = await shared.SignedInAsync();
        var request = shared.Request(shared.Web).Set("prompt", "consent");
        var shownToAlice = await person.ConsentFormAsync(request);

        await _server.SignInAsync(person, "bob");
        (await Person.FormOf(await person.SubmitAsync(shownToAlice, ("decision", "allow")))).Accounts.ShouldHaveSingleItem("the same browser cookie, and another account, who is asked");
        (await RememberedAsync("bob", shared.Web)).ShouldBeNull();

        // A real sign-in replaces the browser cookie as well.
        using var tab = await shared.SignedInAsync();
        shownToAlice = await tab.ConsentFormAsync(request);
        await tab.SubmitAsync(await tab.SignInFormAsync(shared.Request().Set("prompt", "login")), ("username", "bob"), ("password", RunningServer.Password));
        await (await tab.PostOnceAsync(shownToAlice, [("decision", "allow")])).ShouldBeFormAgainAsync();
        (await RememberedAsync("bob", shared.Web)).ShouldBeNull();
    }

    [Fact]
    [Assertion("UI-20")]
    public async Task People_who_sign_in_at_the_same_time_each_get_their_own_code()
    {
        var names = Enumerable.Range(0, 20).Select(i => $"person{i}").ToList();
        // One hash serves them all: nobody types a password here.
        var accounts = _server.Service<AccountStore>();
        foreach (var name in names)
            (await accounts.AddAsync(new Account { Subject = "subject-" + name, Name = name, Epoch = 1 }, "", new AuditEvent("user-added"))).ShouldBeTrue();
        var subjects = await Task.WhenAll(names.Select(async name =>
        {
            using var person = await shared.SignedInAsync(name);
            var request = shared.Request();
            var tokens = await _server.RedeemAsync(shared.Native, request, (await person.AuthorizeAsync(request))["code"]);
            return (await _server.UserinfoAsync(tokens.Text("access_token"))).Text("sub");
        }));
        subjects.ShouldBe(names.Select(name => "subject-" + name));
    }

    [Theory]
    [InlineData(11, true)]
    [InlineData(13, false)]
    [Assertion("UI-07")]
    public async Task A_consent_page_may_be_open_for_half_a_day(int hours, bool isGood)
    {
        using var person = await shared.SignedInAsync();
        var form = await person.ConsentFormAsync(shared.Request());
        _server.Time.Advance(TimeSpan.FromHours(hours));
        await _server.SignInAsync(person, RunningServer.UserName);
        var response = await person.PostOnceAsync(form, [("decision", "allow")]);
        if (isGood) response.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        else await response.ShouldBeFormAgainAsync();
    }

    [Fact]
    [Assertion("UI-19")]
    public async Task A_page_from_before_the_session_ended_leads_to_sign_in()
    {
        using var person = await shared.SignedInAsync();
        var form = await person.ConsentFormAsync(shared.Request());
        person.SetCookie(_server, Sessions.SessionCookie, Secret.NewText());
        (await Person.FormOf(await person.SubmitAsync(form, ("decision", "allow")))).Fields.ShouldContainKey("username");
    }
}
