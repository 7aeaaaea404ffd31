using System.Net;
using ProofKey.Server.Http;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Several people, or one person with several accounts, in one browser.</summary>
public sealed class SeveralAccountsTests(OneServer shared) : IClassFixture<OneServer>, IAsyncLifetime
{
    private readonly RunningServer _server = shared.Server;
    private RegisteredClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _client = await _server.AddClientAsync(OneServer.WebUri);
        if (await _server.Service<AccountStore>().FindByNameAsync("bob", CancellationToken.None) is null)
            await _server.Registry.AddAccountAsync("bob", RunningServer.Password, "bob@example.com", isAdmin: false);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private AuthorizeUrl Request(RegisteredClient? client = null) => shared.Request(client ?? _client).Set("scope", "openid profile");

    private static Task<HttpResponseMessage> SignInAsync(Person person, PageForm form, string name) => person.SubmitAsync(form, ("username", name), ("password", RunningServer.Password));

    /// <summary>A browser in which Alice and then Bob signed in; Bob is active.</summary>
    private async Task<Person> BothAsync()
    {
        var person = _server.NewPerson();
        foreach (var name in (string[])["alice", "bob"])
            await SignInAsync(person, await person.SignInFormAsync(Request().Set("prompt", "login")), name);
        return person;
    }

    private string[] Keys(Person person) => person.CookieOf(_server, Sessions.SessionCookie)!.Split('.');

    private async Task<string> SubjectAsync(string name) => (await _server.Service<AccountStore>().FindByNameAsync(name, CancellationToken.None))!.Subject;

    private static async Task<PageForm> ChooserAsync(Person person, AuthorizeUrl request)
    {
        var form = await Person.FormOf(await person.GetAsync(request.ToString()));
        form.Accounts.ShouldNotBeEmpty();
        return form;
    }

    /// <summary>Who gets the tokens of an answer.</summary>
    private async Task<string> NameAsync(AuthorizeUrl request, HttpResponseMessage answer, RegisteredClient? client = null)
    {
        var tokens = await _server.RedeemAsync(client ?? _client, request, Person.AnswerOf(answer)["code"]);
        tokens.Status.ShouldBe(HttpStatusCode.OK, tokens.Body.ToString());
        return (await _server.UserinfoAsync(tokens.Text("access_token"))).Text("name");
    }

    private async Task<string> AgreedNameAsync(Person person, AuthorizeUrl request, HttpResponseMessage consentPage, RegisteredClient? client = null) =>
        await NameAsync(request, await person.SubmitAsync(await Person.FormOf(consentPage), ("decision", "allow")), client);

    [Fact]
    [Assertion("UI-06")]
    public async Task Signing_in_as_somebody_else_adds_them_and_the_first_stays_signed_in()
    {
        using var person = _server.NewPerson();
        await SignInAsync(person, await person.SignInFormAsync(Request()), "alice");
        var alice = Keys(person).ShouldHaveSingleItem();
        var browser = person.CookieOf(_server, Sessions.BrowserCookie);

        await SignInAsync(person, await person.SignInFormAsync(Request().Set("prompt", "login")), "bob");
        var keys = Keys(person);
        keys.Length.ShouldBe(2);
        keys[1].ShouldBe(alice);
        person.CookieOf(_server, Sessions.BrowserCookie).ShouldNotBe(browser);

        await SignInAsync(person, await person.SignInFormAsync(Request().Set("prompt", "login")), "alice");
        Keys(person)[0].ShouldNotBe(alice, "whoever signs in gets a new key");
        Keys(person)[1..].ShouldBe(keys[..1]);

        using var thief = _server.NewPerson();
        thief.SetCookie(_server, Sessions.SessionCookie, alice);
        (await Person.FormOf(await thief.GetAsync(Request().ToString()))).Fields.ShouldContainKey("username", "and the old one is dead");
    }

    [Fact]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    public async Task Prompt_select_account_shows_everyone_and_goes_on_with_the_chosen_one_without_a_password()
    {
        using var person = await BothAsync();
        var request = Request().Set("prompt", "select_account");
        var response = await person.GetAsync(request.ToString());
        var page = await response.PageAsync();
        page.QuerySelectorAll("button[name=account]").Select(button => button.QuerySelector(".name")!.TextContent).ShouldBe(["bob", "alice"]);
        page.QuerySelectorAll("input[name=password]").ShouldBeEmpty();
        response.Policy("form-action").ShouldBe(["'self'", "https://app.example"]);

        var keys = Keys(person);
        var chosen = await person.SubmitAsync(await Person.FormOf(response), ("account", await SubjectAsync("alice")));
        Keys(person).ShouldBe([keys[1], keys[0]], "nobody signed in: the keys stay, and the active one is first");
        (await chosen.PageAsync()).QuerySelector(".account")!.TextContent.ShouldContain("alice");
        (await AgreedNameAsync(person, request, chosen)).ShouldBe("alice");

        var next = Request();
        (await AgreedNameAsync(person, next, await person.GetAsync(next.Set("prompt", "consent").ToString()))).ShouldBe("alice", "the chosen account is the active one from now on");
    }

    [Fact]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    public async Task Prompt_select_account_shows_one_account_too_and_the_choice_counts_for_one_request()
    {
        using var person = await shared.SignedInAsync();
        for (var round = 0; round < 2; round++)
        {
            var request = Request(shared.FirstParty).Set("prompt", "select_account").Set("response_mode", null);
            var form = await ChooserAsync(person, request);
            form.Accounts.ShouldBe([await SubjectAsync("alice")]);
            (await person.SubmitAsync(form, ("account", form.Accounts[0]))).StatusCode.ShouldBe(HttpStatusCode.OK);
        }
        using var nobody = _server.NewPerson();
        (await Person.FormOf(await nobody.GetAsync(Request().Set("prompt", "select_account").ToString()))).Fields.ShouldContainKey("username", "nobody to choose from");
        (await Person.FormOf(await person.GetAsync(Request().Set("prompt", "select_account login").ToString()))).Fields.ShouldContainKey("username", "login asks who it is");
    }

    [Fact]
    public async Task Somebody_who_is_not_in_the_list_signs_in_from_there()
    {
        await _server.Registry.AddAccountAsync("carol", RunningServer.Password, null, isAdmin: false);
        using var person = await BothAsync();
        var request = Request().Set("prompt", "select_account");
        var another = (await (await person.GetAsync(request.ToString())).PageAsync()).QuerySelectorAll("a").ShouldHaveSingleItem().GetAttribute("href")!;
        var form = await Person.FormOf(await person.GetAsync(another));
        form.Fields["username"].ShouldBe("");
        (await AgreedNameAsync(person, request, await SignInAsync(person, form, "carol"))).ShouldBe("carol");
        Keys(person).Length.ShouldBe(3);
    }

    [Fact]
    [Assertion("UI-17")]
    public async Task The_consent_page_lets_the_person_change_the_account()
    {
        using var person = await BothAsync();
        var request = Request();
        var page = await (await person.GetAsync(request.ToString())).PageAsync();
        page.QuerySelector(".account .name")!.TextContent.ShouldBe("bob");
        var form = await Person.FormOf(await person.GetAsync(page.QuerySelector(".account a")!.GetAttribute("href")!));
        form.Accounts.Count.ShouldBe(2);
        (await AgreedNameAsync(person, request, await person.SubmitAsync(form, ("account", await SubjectAsync("alice"))))).ShouldBe("alice");
    }

    [Theory]
    [InlineData("alice")]
    [InlineData("ALICE")]
    [InlineData("alice@example.com")]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    [Assertion("OI-10")]
    public async Task A_login_hint_chooses_among_those_who_are_signed_in_and_nobody_else(string hint)
    {
        using var person = await BothAsync();
        var request = Request().Set("login_hint", hint).Set("prompt", "none");
        Person.AnswerOf(await person.GetAsync(request.ToString()))["error"].ShouldBe("consent_required");
        request = Request().Set("login_hint", hint);
        (await AgreedNameAsync(person, request, await person.GetAsync(request.ToString()))).ShouldBe("alice");
        request = Request().Set("login_hint", hint).Set("prompt", "none");
        (await NameAsync(request, await person.GetAsync(request.ToString()))).ShouldBe("alice");

        using var other = _server.NewPerson();
        (await SignInAsync(other, await other.SignInFormAsync(Request()), "bob")).StatusCode.ShouldBe(HttpStatusCode.OK);
        request = Request().Set("login_hint", hint);
        (await AgreedNameAsync(other, request, await other.GetAsync(request.ToString()))).ShouldBe("bob", "a hint is no identity");
    }

    [Fact]
    [Assertion("OI-03")]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    public async Task An_id_token_hint_chooses_its_person_without_a_page()
    {
        using var person = await BothAsync();
        var first = Request().Set("login_hint", "alice");
        var code = Person.AnswerOf(await person.SubmitAsync(await person.ConsentFormAsync(first), ("decision", "allow")))["code"];
        var idToken = (await _server.RedeemAsync(_client, first, code)).Text("id_token");

        var silent = Request().Set("prompt", "none").Set("id_token_hint", idToken);
        (await NameAsync(silent, await person.GetAsync(silent.ToString()))).ShouldBe("alice");
        var active = Request().Set("prompt", "none");
        Person.AnswerOf(await person.GetAsync(active.ToString()))["error"].ShouldBe("consent_required", "without a hint it is Bob, who has not agreed");

        // Somebody else is chosen although the client expects Alice: it hears of it, and nobody is sent round.
        var mixed = Request().Set("prompt", "select_account").Set("id_token_hint", idToken);
        Person.AnswerOf(await person.SubmitAsync(await ChooserAsync(person, mixed), ("account", await SubjectAsync("bob"))))["error"].ShouldBe("login_required");
    }

    [Fact]
    [Assertion("UI-20")]
    [Assertion("AZ-24")]
    public async Task Two_tabs_with_two_accounts_each_get_the_code_of_the_account_that_they_show()
    {
        using var person = await BothAsync();
        var (bobs, alices) = (Request(), Request(shared.Web).Set("prompt", "select_account consent"));
        var bobsPage = await person.ConsentFormAsync(bobs);

        // The other tab makes Alice the active account, for another client.
        var alicesPage = await person.SubmitAsync(await ChooserAsync(person, alices), ("account", await SubjectAsync("alice")));
        var alicesForm = await Person.FormOf(alicesPage);

        (await NameAsync(bobs, await person.SubmitAsync(bobsPage, ("decision", "allow")))).ShouldBe("bob", "the page named Bob");
        (await NameAsync(alices, await person.SubmitAsync(alicesForm, ("decision", "allow")), shared.Web)).ShouldBe("alice");

        // The form of one tab, sent with the ticket of the other or without one, is shown again.
        var again = Request().Set("prompt", "consent");
        var form = await person.ConsentFormAsync(again.Set("login_hint", "bob"));
        await (await person.PostOnceAsync(alicesForm with { Action = form.Action }, [("decision", "allow")])).ShouldBeFormAgainAsync();
        var consents = _server.Service<ConsentStore>();
        (await consents.FindAsync(await SubjectAsync("alice"), _client.Id, CancellationToken.None)).ShouldBeNull("Alice agreed to nothing for this client");
    }

    [Fact]
    [Assertion("UI-20")]
    public async Task A_page_for_somebody_who_has_signed_out_since_leads_to_a_choice_among_who_is_left()
    {
        using var person = await BothAsync();
        var request = Request();
        var form = await person.ConsentFormAsync(request);
        await _server.Service<SessionStore>().EndAsync(SessionStore.KeyOf(Keys(person)[0]), _server.Time.Now);
        var chooser = await Person.FormOf(await person.SubmitAsync(form, ("decision", "allow")));
        chooser.Accounts.ShouldBe([await SubjectAsync("alice")]);
        (await AgreedNameAsync(person, request, await person.SubmitAsync(chooser, ("account", chooser.Accounts[0])))).ShouldBe("alice");
    }

    [Fact]
    [Assertion("UI-20")]
    public async Task Nobody_takes_the_place_of_who_was_chosen_for_a_request_and_has_gone()
    {
        using var person = await BothAsync();
        var request = Request();
        var form = await person.ConsentFormAsync(request);
        form.Action.ShouldContain("step=");
        // In another tab Alice becomes the active one, who agreed to this client before.
        await person.SubmitAsync(await ChooserAsync(person, Request(shared.Web).Set("prompt", "select_account")), ("account", await SubjectAsync("alice")));
        await _server.Service<ConsentStore>().RememberAsync(await SubjectAsync("alice"), _client.Id, new RememberedConsent(Scope.Parse("openid profile"), Scope.Parse("openid profile")), _server.Time.Now);
        await _server.Service<SessionStore>().EndAsync(SessionStore.KeyOf(Keys(person)[1]), _server.Time.Now);

        var page = await Person.FormOf(await person.GetAsync(form.Action.Replace("/consent?", "/authorize?", StringComparison.Ordinal)));
        page.Accounts.ShouldBe([await SubjectAsync("alice")], "the page was Bob's, and Alice is asked");
        (await NameAsync(request, await person.SubmitAsync(page, ("account", page.Accounts[0])))).ShouldBe("alice");
    }

    [Theory]
    [Assertion("UI-20")]
    [InlineData("signed out")]
    [InlineData("idle")]
    [InlineData("ended elsewhere")]
    [InlineData("disabled")]
    public async Task When_the_active_account_ends_nobody_takes_its_place_without_a_word(string how)
    {
        var erin = await _server.Service<AccountStore>().FindByNameAsync("erin", CancellationToken.None) ?? await _server.Registry.AddAccountAsync("erin", RunningServer.Password, null, isAdmin: false);
        using var person = await BothAsync();
        await SignInAsync(person, await person.SignInFormAsync(Request().Set("prompt", "login")), "erin");
        // All three have agreed to everything, so that nothing but the choice stands in the way.
        foreach (var name in (string[])["alice", "bob", "erin"])
            await _server.Service<ConsentStore>().RememberAsync(await SubjectAsync(name), _client.Id, new RememberedConsent(Scope.Parse("openid profile"), Scope.Parse("openid profile")), _server.Time.Now);
        var silent = Request().Set("prompt", "none");
        (await NameAsync(silent, await person.GetAsync(silent.ToString()))).ShouldBe("erin");

        if (how == "signed out") await person.SubmitAsync(await Person.FormOf(await person.GetAsync("/logout")), ("account", erin.Subject));
        else if (how == "ended elsewhere") await _server.Service<SessionStore>().EndAsync(SessionStore.KeyOf(Keys(person)[0]), _server.Time.Now);
        else if (how == "disabled") await _server.Service<AccountStore>().DisableAsync(erin.Subject);
        else await SleepAsync(person);

        Person.AnswerOf(await person.GetAsync(Request().Set("prompt", "none").ToString()))["error"].ShouldBe("login_required");
        var hinted = Request().Set("prompt", "none").Set("login_hint", "bob");
        (await NameAsync(hinted, await person.GetAsync(hinted.ToString()))).ShouldBe("bob", "who is named is meant");
        var request = Request();
        var chooser = await ChooserAsync(person, request);
        chooser.Accounts.ShouldBe([await SubjectAsync("bob"), await SubjectAsync("alice")]);
        (await NameAsync(request, await person.SubmitAsync(chooser, ("account", await SubjectAsync("alice"))))).ShouldBe("alice");
        silent = Request().Set("prompt", "none");
        (await NameAsync(silent, await person.GetAsync(silent.ToString()))).ShouldBe("alice", "the chosen one is active from now on");
        if (how == "disabled") await _server.Service<AccountStore>().EnableAsync(erin.Subject);
    }

    /// <summary>Lets everybody's session go idle, but for those of alice and bob.</summary>
    private async Task SleepAsync(Person person)
    {
        for (var minutes = 0; minutes < 130; minutes += 10)
        {
            _server.Time.Advance(TimeSpan.FromMinutes(10));
            foreach (var name in (string[])["alice", "bob"]) (await person.GetAsync(Request().Set("prompt", "none").Set("login_hint", name).ToString())).StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        }
    }

    [Fact]
    [Assertion("UI-07")]
    [Assertion("AZ-24")]
    [Rfc("RFC 6749", "10.12")]
    public async Task A_choice_without_its_token_changes_nothing()
    {
        using var person = await BothAsync();
        using var attacker = await shared.SignedInAsync();
        var request = Request().Set("prompt", "select_account");
        var form = await ChooserAsync(person, request);
        var keys = Keys(person);
        var account = ("account", await SubjectAsync("alice"));
        var signIn = await person.SignInFormAsync(Request().Set("prompt", "login"));
        var foreign = await ChooserAsync(attacker, request);
        foreach (var token in (string[])["", "x", foreign.Fields["form_token"], signIn.Fields["form_token"]])
            await (await person.PostOnceAsync(form with { Fields = new() { ["form_token"] = token } }, [account])).ShouldBeFormAgainAsync(token);
        await (await person.PostOnceAsync(form.WithParameter("state", "another"), [account])).ShouldBeFormAgainAsync();
        foreach (var (header, value) in new[] { ("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site") })
            await (await person.PostOnceAsync(form, [account], (header, value))).ShouldBeFormAgainAsync(value);
        (await person.GetOnceAsync($"{form.Action}&account={account.Item2}&form_token={form.Fields["form_token"]}")).StatusCode.ShouldNotBe(HttpStatusCode.SeeOther);
        Keys(person).ShouldBe(keys);
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("<script>")]
    public async Task Nobody_can_be_chosen_who_is_not_signed_in_here(string account)
    {
        using var person = await shared.SignedInAsync();
        var form = await ChooserAsync(person, Request().Set("prompt", "select_account"));
        var again = await person.PostOnceAsync(form, [("account", account.Length == 0 ? await SubjectAsync("bob") : account)]);
        (await again.ShouldBeFormAgainAsync()).QuerySelectorAll("button[name=account]").Length.ShouldBe(1);
    }

    [Fact]
    [Assertion("UI-20")]
    public async Task A_choice_counts_for_its_request_and_its_browser()
    {
        using var person = await BothAsync();
        var request = Request().Set("prompt", "select_account");
        var form = await ChooserAsync(person, request);
        var chosen = (await person.PostOnceAsync(form, [("account", await SubjectAsync("alice"))])).Headers.Location!.OriginalString;
        (await person.GetOnceAsync(chosen)).Headers.Location!.OriginalString.ShouldStartWith("/consent?");
        (await person.GetOnceAsync(Browsing.WithParameter(chosen, "state", "another"))).Headers.Location!.OriginalString.ShouldStartWith("/signin?");
        using var other = await BothAsync();
        (await other.GetOnceAsync(chosen)).Headers.Location!.OriginalString.ShouldStartWith("/signin?");
    }

    [Fact]
    [Assertion("UI-11")]
    public async Task Who_is_disabled_or_signed_out_is_not_in_the_list()
    {
        var dave = await _server.Registry.AddAccountAsync("dave", RunningServer.Password, null, isAdmin: false);
        using var person = await BothAsync();
        await SignInAsync(person, await person.SignInFormAsync(Request().Set("prompt", "login")), "dave");
        var request = Request().Set("prompt", "select_account");
        (await ChooserAsync(person, request)).Accounts.Count.ShouldBe(3);
        await _server.Service<AccountStore>().DisableAsync(dave.Subject);
        (await ChooserAsync(person, request)).Accounts.ShouldBe([await SubjectAsync("bob"), await SubjectAsync("alice")]);
    }

    [Fact]
    public async Task A_browser_holds_five_accounts_and_the_sixth_signs_out_the_one_that_was_active_longest_ago()
    {
        using var person = _server.NewPerson();
        var names = Enumerable.Range(1, Cookies.MaxSessions + 1).Select(i => $"member{i}").ToList();
        string first = "";
        foreach (var name in names)
        {
            await _server.Registry.AddAccountAsync(name, RunningServer.Password, null, isAdmin: false);
            await SignInAsync(person, await person.SignInFormAsync(Request().Set("prompt", "login")), name);
            if (name == names[0]) first = Keys(person)[0];
        }
        var page = await (await person.GetAsync(Request().Set("prompt", "select_account").ToString())).PageAsync();
        page.QuerySelectorAll("button[name=account] .name").Select(shown => shown.TextContent).ShouldBe(names.Skip(1).Reverse());
        using var old = _server.NewPerson();
        old.SetCookie(_server, Sessions.SessionCookie, first);
        (await Person.FormOf(await old.GetAsync(Request().ToString()))).Fields.ShouldContainKey("username", "its session has ended, wherever its cookie is");
    }

    [Theory]
    [InlineData("{0}.")]
    [InlineData(".{0}")]
    [InlineData("{0}..{1}")]
    [InlineData("{0}:{1}")]
    [InlineData("{0}.{1}x")]
    [InlineData("{0}.{1}.{0}.{1}.{0}.{1}")]
    [Assertion("UI-08")]
    public async Task A_session_cookie_of_another_form_is_none(string form)
    {
        using var both = await BothAsync();
        using var person = _server.NewPerson();
        person.SetCookie(_server, Sessions.SessionCookie, string.Format(System.Globalization.CultureInfo.InvariantCulture, form, Keys(both)[0], Keys(both)[1]));
        (await Person.FormOf(await person.GetAsync(Request().ToString()))).Fields.ShouldContainKey("username");
    }

    [Fact]
    public async Task A_key_that_comes_twice_is_one_account()
    {
        using var person = await shared.SignedInAsync();
        var key = Keys(person)[0];
        person.SetCookie(_server, Sessions.SessionCookie, $"{key}.{key}");
        (await ChooserAsync(person, Request().Set("prompt", "select_account"))).Accounts.Count.ShouldBe(1);
    }
}
