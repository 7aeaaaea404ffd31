using System.Net;
using System.Text.Json;
using ProofKey.Jose;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Signing out at a client's wish, or one's own.</summary>
[Rfc("OpenID Connect RP-Initiated Logout", "2")]
public sealed class LogoutTests(OneServer shared) : IClassFixture<OneServer>, IAsyncLifetime
{
    private const string Bye = "https://app.example/bye";

    private readonly RunningServer _server = shared.Server;
    private RegisteredClient _client = null!;
    private Person _person = null!;

    public async ValueTask InitializeAsync()
    {
        _client = await _server.AddClientAsync(OneServer.WebUri, registration => registration with { IsFirstParty = true, PostLogoutRedirectUris = [Bye] });
        if (await _server.Service<AccountStore>().FindByNameAsync("bob", CancellationToken.None) is null)
            await _server.Registry.AddAccountAsync("bob", RunningServer.Password, "bob@example.com", isAdmin: false);
        _person = await shared.SignedInAsync();
    }

    public ValueTask DisposeAsync()
    {
        _person.Dispose();
        return ValueTask.CompletedTask;
    }

    [Theory]
    [Assertion("LO-01")]
    [Rfc("OpenID Connect RP-Initiated Logout", "3")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_that_shows_the_ID_token_of_the_session_has_it_ended_and_gets_its_state_back(bool isPost)
    {
        var tokens = await TokensAsync();
        var left = isPost ? await PostAsync(("id_token_hint", tokens.Text("id_token")), ("post_logout_redirect_uri", Bye), ("state", "a b&c"))
            : await GetAsync(("id_token_hint", tokens.Text("id_token")), ("post_logout_redirect_uri", Bye), ("state", "a b&c"));
        left.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        left.Headers.Location!.OriginalString.ShouldBe($"{Bye}?state=a%20b%26c");
        left.Header("Cache-Control").ShouldBe("no-store");
        _person.CookieOf(_server, Sessions.SessionCookie).ShouldBeNull();
        (await SilentErrorAsync(_person)).ShouldBe("login_required");
    }

    [Theory]
    [Assertion("LO-02")]
    [InlineData("https://app.example/bye?x=1")]
    [InlineData("https://app.example/bye2")]
    [InlineData("http://app.example/bye")]
    [InlineData(OneServer.WebUri)]
    public async Task An_address_that_is_not_registered_is_never_gone_to_and_the_person_is_signed_out_all_the_same(string uri)
    {
        var tokens = await TokensAsync();
        var page = await GetAsync(("id_token_hint", tokens.Text("id_token")), ("post_logout_redirect_uri", uri), ("state", "s"));
        await ShouldSayAsync(page, "You are signed out");
        (await page.PageAsync()).QuerySelectorAll("a, form, meta[http-equiv], script").ShouldBeEmpty();
        (await SilentErrorAsync(_person)).ShouldBe("login_required");
    }

    [Fact]
    [Assertion("LO-02")]
    public async Task Without_hint_and_client_id_no_address_is_gone_to()
    {
        var form = await AskedAsync(await GetAsync(("post_logout_redirect_uri", Bye)));
        await ShouldSayAsync(await _person.SubmitAsync(form, ("account", await SubjectAsync("alice"))), "You are signed out");
        await ShouldSayAsync(await GetAsync(("post_logout_redirect_uri", Bye)), "You are signed out");
    }

    [Fact]
    [Assertion("LO-01")]
    [Assertion("LO-03")]
    public async Task With_a_client_id_alone_the_person_is_asked_and_then_goes_back()
    {
        var page = await GetAsync(("client_id", _client.Id), ("post_logout_redirect_uri", Bye), ("state", "s"));
        page.Policy("form-action").ShouldBe(["'self'", "https://app.example"]);
        (await page.PageAsync()).QuerySelector("main")!.TextContent.ShouldContain("app.example");
        var form = await AskedAsync(page);
        (await SilentErrorAsync(_person)).ShouldBeNull();
        var left = await _person.SubmitAsync(form, ("account", await SubjectAsync("alice")));
        left.Headers.Location!.OriginalString.ShouldBe($"{Bye}?state=s");
        (await SilentErrorAsync(_person)).ShouldBe("login_required");
        (await GetAsync(("client_id", _client.Id), ("post_logout_redirect_uri", Bye))).Headers.Location!.OriginalString.ShouldBe(Bye, "nobody is there to ask");
    }

    [Fact]
    [Assertion("LO-03")]
    [Rfc("OpenID Connect RP-Initiated Logout", "4")]
    public async Task An_ID_token_that_has_expired_or_was_signed_by_an_older_key_is_a_good_hint()
    {
        var tokens = await TokensAsync();
        _server.Time.Advance(TimeSpan.FromHours(1));
        await _server.Service<KeyRegistry>().RotateAsync(atOnce: true, TestContext.Current.CancellationToken);
        await _server.Service<KeyRing>().LoadAsync(TestContext.Current.CancellationToken);
        (await GetAsync(("id_token_hint", tokens.Text("id_token")), ("post_logout_redirect_uri", Bye))).Headers.Location!.OriginalString.ShouldBe(Bye);
        (await SilentErrorAsync(_person)).ShouldBe("login_required");
    }

    [Theory]
    [Assertion("LO-03")]
    [Rfc("OpenID Connect RP-Initiated Logout", "6")]
    [InlineData("none")]
    [InlineData("another key")]
    [InlineData("another issuer")]
    [InlineData("access token")]
    [InlineData("logout token")]
    [InlineData("changed")]
    [InlineData("garbage")]
    public async Task A_hint_that_is_none_of_ours_proves_nothing_and_leads_nowhere(string kind)
    {
        var tokens = await TokensAsync();
        var hint = await HintAsync(kind, tokens);
        var form = await AskedAsync(await GetAsync(("id_token_hint", hint), ("client_id", _client.Id), ("post_logout_redirect_uri", Bye)));
        (await SilentErrorAsync(_person)).ShouldBeNull("nobody was signed out");
        await ShouldSayAsync(await _person.SubmitAsync(form, ("account", await SubjectAsync("alice"))), "You are signed out");
    }

    [Fact]
    [Assertion("LO-03")]
    [Rfc("OpenID Connect RP-Initiated Logout", "6")]
    public async Task An_ID_token_that_names_no_session_ends_none_that_began_after_it()
    {
        var unnamed = await _server.AddClientAsync(OneServer.WebUri, registration => registration with { IsFirstParty = true });
        var older = (await TokensAsync(client: unnamed)).Text("id_token");
        _server.Time.Advance(TimeSpan.FromMinutes(1));
        await _server.SignInAsync(_person, RunningServer.UserName);
        var newer = (await TokensAsync(client: unnamed)).Text("id_token");
        await AskedAsync(await GetAsync(("id_token_hint", older)));
        (await SilentErrorAsync(_person)).ShouldBeNull("nobody was signed out");
        await ShouldSayAsync(await GetAsync(("id_token_hint", newer)), "You are signed out");
    }

    [Fact]
    [Assertion("LO-03")]
    public async Task The_ID_token_of_another_person_session_or_client_does_not_sign_anybody_out_by_itself()
    {
        using var bob = await shared.SignedInAsync("bob");
        using var elsewhere = await shared.SignedInAsync();
        var other = await _server.AddClientAsync(OneServer.WebUri, registration => registration with { IsFirstParty = true });
        var mine = (await TokensAsync()).Text("id_token");
        foreach (var hint in (string[])[(await TokensAsync(bob)).Text("id_token"), (await TokensAsync(elsewhere)).Text("id_token")])
            await AskedAsync(await GetAsync(("id_token_hint", hint), ("post_logout_redirect_uri", Bye)));
        await AskedAsync(await GetAsync(("id_token_hint", mine), ("client_id", other.Id), ("post_logout_redirect_uri", Bye)));
        await AskedAsync(await GetAsync(("id_token_hint", mine), ("id_token_hint", mine)));
        foreach (var person in (Person[])[_person, bob, elsewhere]) (await SilentErrorAsync(person)).ShouldBeNull();
    }

    [Fact]
    [Assertion("LO-04")]
    public async Task After_signing_out_the_old_cookie_is_worth_nothing_and_no_page_that_was_open_goes_on()
    {
        var native = await _server.AddClientAsync();
        var consent = await _person.ConsentFormAsync(new AuthorizeUrl(_server, native));
        var (session, browser) = (_person.CookieOf(_server, Sessions.SessionCookie)!, _person.CookieOf(_server, Sessions.BrowserCookie)!);
        await SignOutAsync(_person);
        using var replay = _server.NewPerson();
        replay.SetCookie(_server, Sessions.SessionCookie, session);
        replay.SetCookie(_server, Sessions.BrowserCookie, browser);
        (await SilentErrorAsync(replay)).ShouldBe("login_required");
        foreach (var person in (Person[])[replay, _person])
            (await Person.FormOf(await person.SubmitAsync(consent, ("decision", "allow")))).Fields.ShouldContainKey("username");
    }

    [Fact]
    [Assertion("LO-05")]
    public async Task A_picture_on_another_page_signs_nobody_out()
    {
        // A browser sends no cookie with it: SameSite=Lax.
        var set = (await _person.GetOnceAsync("/logout")).Headers.TryGetValues("Set-Cookie", out var cookies) ? cookies : [];
        set.ShouldAllBe(cookie => cookie.Contains("SameSite=Lax", StringComparison.Ordinal));
        using var picture = _server.NewPerson();
        await ShouldSayAsync(await picture.GetOnceAsync("/logout", ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Dest", "image")), "You are signed out");
        // One that did would be shown a question.
        await AskedAsync(await _person.GetOnceAsync("/logout", ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Dest", "image")));
        (await SilentErrorAsync(_person)).ShouldBeNull();
    }

    [Fact]
    [Assertion("LO-05")]
    public async Task The_question_is_answered_from_our_own_page_in_the_same_browser_only()
    {
        var form = await AskedAsync(await GetAsync(("client_id", _client.Id)));
        var answer = ("account", await SubjectAsync("alice"));
        await (await _person.PostOnceAsync(form, [answer], ("Origin", "https://evil.example"))).ShouldBeFormAgainAsync();
        await (await _person.PostOnceAsync(form, [answer, ("form_token", "x")])).ShouldBeFormAgainAsync();
        await (await _person.PostOnceAsync(form.WithParameter("state", "other"), [answer])).ShouldBeFormAgainAsync("another request");
        await (await _person.PostOnceAsync(form, [("account", "somebody")])).ShouldBeFormAgainAsync();
        await (await _person.PostOnceAsync(form, [])).ShouldBeFormAgainAsync();
        using var other = await shared.SignedInAsync();
        await AskedAsync(await other.GetAsync("/logout"));
        await (await other.PostOnceAsync(form, [answer])).ShouldBeFormAgainAsync("another browser");
        foreach (var person in (Person[])[_person, other]) (await SilentErrorAsync(person)).ShouldBeNull();

        await ShouldSayAsync(await _person.SubmitAsync(form, ("stay", "1")), "You are still signed in");
        (await SilentErrorAsync(_person)).ShouldBeNull();
        await ShouldSayAsync(await _person.SubmitAsync(form, answer), "You are signed out");
        await ShouldSayAsync(await _person.SubmitAsync(form, answer), "You are signed out");
    }

    [Fact]
    public async Task Of_several_people_in_a_browser_the_meant_one_is_signed_out()
    {
        var alices = (await TokensAsync()).Text("id_token");
        await _person.SubmitAsync(await _person.SignInFormAsync(Request().Set("prompt", "login")), ("username", "bob"), ("password", RunningServer.Password));
        (await GetAsync(("id_token_hint", alices), ("post_logout_redirect_uri", Bye))).Headers.Location!.OriginalString.ShouldBe(Bye);
        (await NameAsync()).ShouldBe("bob");

        await _person.SubmitAsync(await _person.SignInFormAsync(Request().Set("prompt", "login")), ("username", "alice"), ("password", RunningServer.Password));
        var page = await _person.GetAsync("/logout");
        (await page.PageAsync()).QuerySelectorAll("button[name=account] .name").Select(name => name.TextContent).ShouldBe(["alice", "bob"]);
        var form = await Person.FormOf(page);
        await ShouldSayAsync(await _person.SubmitAsync(form, ("account", await SubjectAsync("bob"))), "You are signed out");
        (await NameAsync()).ShouldBe("alice");

        await _person.SubmitAsync(await _person.SignInFormAsync(Request().Set("prompt", "login")), ("username", "bob"), ("password", RunningServer.Password));
        await ShouldSayAsync(await _person.SubmitAsync(await Person.FormOf(await _person.GetAsync("/logout")), ("everyone", "1")), "You are signed out");
        _person.CookieOf(_server, Sessions.SessionCookie).ShouldBeNull();
        (await SilentErrorAsync(_person)).ShouldBe("login_required");
    }

    [Fact]
    [Assertion("LO-08")]
    [Assertion("RT-13")]
    [Rfc("OpenID Connect Back-Channel Logout", "2.7")]
    public async Task Signing_out_ends_the_grants_of_the_session_except_those_that_outlive_it()
    {
        var (online, offline) = (await TokensAsync(), await TokensAsync(scope: "openid offline_access"));
        using var elsewhere = await shared.SignedInAsync();
        var other = await TokensAsync(elsewhere);
        await SignOutAsync(_person);
        (await _server.RefreshAsync(_client, online.Text("refresh_token"))).Error.ShouldBe("invalid_grant");
        (await _server.UserinfoAsync(online.Text("access_token"))).Status.ShouldBe(HttpStatusCode.Unauthorized);
        (await _server.RefreshAsync(_client, offline.Text("refresh_token"))).Status.ShouldBe(HttpStatusCode.OK);
        (await _server.RefreshAsync(_client, other.Text("refresh_token"))).Status.ShouldBe(HttpStatusCode.OK, "another browser's session goes on");
    }

    [Fact]
    [Rfc("OpenID Connect Back-Channel Logout", "2.1")]
    public async Task An_ID_token_names_its_session_to_clients_that_take_part_in_signing_out_and_the_name_opens_nothing()
    {
        var tokens = await TokensAsync();
        var sid = Claim(tokens.Text("id_token"), "sid")!;
        var refreshed = await _server.RefreshAsync(_client, tokens.Text("refresh_token"));
        Claim(refreshed.Text("id_token"), "sid").ShouldBe(sid);
        using var elsewhere = await shared.SignedInAsync();
        Claim((await TokensAsync(elsewhere)).Text("id_token"), "sid").ShouldNotBe(sid);
        var cookie = _person.CookieOf(_server, Sessions.SessionCookie)!;
        sid.ShouldNotBe(Base64UrlText.Encode(SessionStore.KeyOf(cookie)));
        cookie.ShouldNotContain(sid);

        var plain = await _server.AddClientAsync(OneServer.WebUri, registration => registration with { IsFirstParty = true });
        var request = new AuthorizeUrl(_server, plain);
        var without = await _server.RedeemAsync(plain, request, (await _person.AuthorizeAsync(request))["code"]);
        Claim(without.Text("id_token"), "sid").ShouldBeNull("who never asks for it gets no longer tokens");
        await ShouldSayAsync(await GetAsync(("id_token_hint", without.Text("id_token"))), "You are signed out");
    }

    [Fact]
    [Assertion("LO-11")]
    [Assertion("RT-08")]
    public async Task A_new_password_a_disabled_account_and_signing_out_everywhere_end_every_session_and_grant()
    {
        var accounts = _server.Service<AccountStore>();
        foreach (var (name, end) in ((string, Func<string, Task>)[])[("password", subject => accounts.SetPasswordAsync(subject, "x")), ("disabled", subject => accounts.DisableAsync(subject).AsTask()), ("everywhere", subject => accounts.RaiseEpochAsync(subject).AsTask())])
        {
            var account = await _server.Registry.AddAccountAsync("p" + Secret.NewText(8), RunningServer.Password, null, isAdmin: false);
            using var here = await shared.SignedInAsync(account.Name);
            using var there = await shared.SignedInAsync(account.Name);
            var grants = new[] { await TokensAsync(here), await TokensAsync(there, "openid offline_access") };
            await end(account.Subject);
            foreach (var person in (Person[])[here, there]) (await SilentErrorAsync(person)).ShouldBe("login_required", name);
            foreach (var tokens in grants) (await _server.RefreshAsync(_client, tokens.Text("refresh_token"))).Error.ShouldBe("invalid_grant", name);
        }
    }

    [Fact]
    [Assertion("LO-12")]
    public async Task A_session_ends_when_it_is_idle_or_old_and_refreshing_does_not_keep_it()
    {
        var tokens = await TokensAsync(scope: "openid offline_access");
        var refreshToken = tokens.Text("refresh_token");
        for (var quarter = 0; quarter < 8; quarter++)
        {
            _server.Time.Advance(TimeSpan.FromMinutes(15));
            refreshToken = (await _server.RefreshAsync(_client, refreshToken)).Text("refresh_token");
        }
        (await SilentErrorAsync(_person)).ShouldBe("login_required", "two hours without the person");

        using var busy = await shared.SignedInAsync();
        for (var hour = 1; hour < 12; hour++)
        {
            _server.Time.Advance(TimeSpan.FromHours(1));
            (await SilentErrorAsync(busy)).ShouldBeNull($"hour {hour}");
        }
        _server.Time.Advance(TimeSpan.FromHours(1));
        (await SilentErrorAsync(busy)).ShouldBe("login_required", "twelve hours, however busy");
    }

    [Fact]
    [Assertion("LO-08")]
    [Assertion("LO-12")]
    public async Task Signing_out_ends_an_idle_session_too_with_its_grants()
    {
        var online = await TokensAsync();
        _server.Time.Advance(TimeSpan.FromHours(3));
        (await SilentErrorAsync(_person)).ShouldBe("login_required");
        (await _server.RefreshAsync(_client, online.Text("refresh_token"))).Status.ShouldBe(HttpStatusCode.OK, "the grant of an idle session goes on");
        (await GetAsync(("id_token_hint", online.Text("id_token")), ("post_logout_redirect_uri", Bye))).Headers.Location!.OriginalString.ShouldBe(Bye);
        await ShouldBeDeadAsync(online);
        _person.CookieOf(_server, Sessions.SessionCookie).ShouldBeNull();

        using var asked = await shared.SignedInAsync();
        var theirs = await TokensAsync(asked);
        _server.Time.Advance(TimeSpan.FromHours(3));
        var form = await AskedAsync(await asked.GetAsync("/logout"));
        await ShouldSayAsync(await asked.SubmitAsync(form, ("everyone", "1")), "You are signed out");
        await ShouldBeDeadAsync(theirs);
    }

    [Fact]
    [Assertion("LO-08")]
    public async Task An_idle_session_stays_in_the_cookie_when_somebody_else_signs_in_and_is_ended_from_there()
    {
        var alices = await TokensAsync();
        _server.Time.Advance(TimeSpan.FromHours(3));
        await _person.SubmitAsync(await _person.SignInFormAsync(Request()), ("username", "bob"), ("password", RunningServer.Password));
        (await GetAsync(("id_token_hint", alices.Text("id_token")), ("post_logout_redirect_uri", Bye))).Headers.Location!.OriginalString.ShouldBe(Bye);
        await ShouldBeDeadAsync(alices);
        (await NameAsync()).ShouldBe("bob");
    }

    private async Task ShouldBeDeadAsync(JsonAnswer tokens) => (await _server.RefreshAsync(_client, tokens.Text("refresh_token"))).Error.ShouldBe("invalid_grant");

    [Fact]
    [Assertion("LO-12")]
    public async Task Looking_at_everybody_keeps_nobody_awake_but_the_one_whom_the_request_is_for()
    {
        await _person.SubmitAsync(await _person.SignInFormAsync(Request().Set("prompt", "login")), ("username", "bob"), ("password", RunningServer.Password));
        for (var half = 0; half < 5; half++)
        {
            _server.Time.Advance(TimeSpan.FromMinutes(30));
            (await SilentErrorAsync(_person, "alice")).ShouldBeNull();
            (await _person.GetAsync("/logout")).StatusCode.ShouldBe(HttpStatusCode.OK);
            (await Person.FormOf(await _person.GetAsync(Request().Set("prompt", "select_account").Set("login_hint", "alice").ToString()))).Accounts.Count.ShouldBe(half < 3 ? 2 : 1);
        }
    }

    private async Task<string?> SilentErrorAsync(Person person, string hint) =>
        Person.AnswerOf(await person.GetAsync(Request().Set("prompt", "none").Set("login_hint", hint).ToString())).GetValueOrDefault("error");

    [Fact]
    [Assertion("LO-05")]
    [Rfc("OpenID Connect RP-Initiated Logout", "2")]
    public async Task A_POST_with_a_query_is_a_clients_request_too_and_never_says_that_somebody_was_signed_out()
    {
        // A browser sends no Lax cookie with a POST from another site; with the GET that follows it does.
        using var crossSite = _server.NewPerson();
        var moved = await crossSite.SendAsync(HttpMethod.Post, "/logout?x=y", [KeyValuePair.Create("client_id", _client.Id)], ("Sec-Fetch-Site", "cross-site"));
        moved.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        moved.Headers.Location!.OriginalString.ShouldBe($"/logout?x=y&client_id={_client.Id}");
        await AskedAsync(await _person.GetAsync(moved.Headers.Location.OriginalString));
    }

    [Fact]
    public async Task Each_sign_out_is_in_the_audit_trail()
    {
        await SignOutAsync(_person);
        await using var connection = await StorageFolder.OpenAsync(_server.Folder);
        await using var command = connection.CreateCommand();
        command.CommandText = "select subject, client_id, address from audit_event where kind = 'signed-out' and client_id = @client";
        var client = command.CreateParameter();
        (client.ParameterName, client.Value) = ("@client", _client.Id);
        command.Parameters.Add(client);
        await using var row = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        (await row.ReadAsync(TestContext.Current.CancellationToken)).ShouldBeTrue();
        (row.GetString(0), row.GetString(1), row.GetString(2)).ShouldBe((await SubjectAsync("alice"), _client.Id, "127.0.0.1"));
    }

    [Fact]
    public async Task Whatever_is_sent_the_answer_is_a_page()
    {
        foreach (var query in (string[])["?%zz", "?state=%00", "?id_token_hint=" + new string('x', 9000), "?client_id=" + new string('x', 300), "?=", "?" + string.Join('&', Enumerable.Range(0, 200).Select(i => $"a{i}=1"))])
            await AskedAsync(await _person.GetOnceAsync("/logout" + query));
        using var json = new StringContent("{}", System.Text.Encoding.UTF8, "application/json");
        (await _person.Http.PostAsync(new Uri("/logout", UriKind.Relative), json, TestContext.Current.CancellationToken)).Headers.Location!.OriginalString.ShouldBe("/logout");
        (await _person.SendAsync(HttpMethod.Put, "/logout")).StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed);
        (await SilentErrorAsync(_person)).ShouldBeNull();
        var page = await _person.GetOnceAsync("/logout");
        page.Policy("frame-ancestors").ShouldBe(["'none'"]);
        page.Policy("form-action").ShouldBe(["'self'"]);
        page.Header("Cache-Control").ShouldBe("no-store");
        page.Headers.Contains("Access-Control-Allow-Origin").ShouldBeFalse();
    }

    private AuthorizeUrl Request() => new(_server, _client);

    private Task<HttpResponseMessage> GetAsync(params (string Name, string Value)[] parameters) => _person.GetAsync($"/logout?{Query(parameters)}");

    private async Task<HttpResponseMessage> PostAsync(params (string Name, string Value)[] parameters)
    {
        var moved = await _person.SendAsync(HttpMethod.Post, "/logout", parameters.Select(pair => KeyValuePair.Create(pair.Name, pair.Value)));
        moved.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        return await _person.GetAsync(moved.Headers.Location!.OriginalString);
    }

    private static string Query((string Name, string Value)[] parameters) => Parameters.Of(parameters.Select(pair => KeyValuePair.Create(pair.Name, pair.Value))).ToQuery();

    private async Task<JsonAnswer> TokensAsync(Person? person = null, string scope = "openid", RegisteredClient? client = null)
    {
        var request = (client is null ? Request() : shared.Request(client)).Set("scope", scope);
        var tokens = await _server.RedeemAsync(client ?? _client, request, (await (person ?? _person).AuthorizeAsync(request))["code"]);
        tokens.Status.ShouldBe(HttpStatusCode.OK, tokens.Body.ToString());
        return tokens;
    }

    private async Task SignOutAsync(Person person) =>
        await ShouldSayAsync(await person.GetAsync($"/logout?{Query([("id_token_hint", (await TokensAsync(person)).Text("id_token"))])}"), "You are signed out");

    private async Task<string?> SilentErrorAsync(Person person) => Person.AnswerOf(await person.GetAsync(Request().Set("prompt", "none").ToString())).GetValueOrDefault("error");

    private async Task<string> NameAsync() => (await _server.UserinfoAsync((await TokensAsync(scope: "openid profile")).Text("access_token"))).Text("name");

    private async Task<string> SubjectAsync(string name) => (await _server.Service<AccountStore>().FindByNameAsync(name, CancellationToken.None))!.Subject;

    private static async Task<PageForm> AskedAsync(HttpResponseMessage response)
    {
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await response.PageAsync()).QuerySelector("h1")!.TextContent.ShouldBe("Sign out?");
        return await Person.FormOf(response);
    }

    private static async Task ShouldSayAsync(HttpResponseMessage response, string title)
    {
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await response.PageAsync()).QuerySelector("h1")!.TextContent.ShouldBe(title);
    }

    private async Task<string> HintAsync(string kind, JsonAnswer tokens)
    {
        var idToken = tokens.Text("id_token");
        var parts = idToken.Split('.');
        using var foreign = SigningKey.New(SignatureAlgorithm.ES256);
        var ours = _server.Service<KeyRing>().SigningKeyFor(SignatureAlgorithm.ES256);
        Base64UrlText.TryDecode(parts[1], out var claims).ShouldBeTrue();
        return kind switch
        {
            "none" => $"{Base64UrlText.Encode("{\"alg\":\"none\",\"typ\":\"JWT\"}"u8)}.{parts[1]}.",
            "another key" => Jws.Sign(foreign, "JWT", claims),
            "another issuer" => Jws.Sign(ours, "JWT", System.Text.Encoding.UTF8.GetBytes(System.Text.Encoding.UTF8.GetString(claims!).Replace(_server.Issuer, "https://other.example", StringComparison.Ordinal))),
            "access token" => tokens.Text("access_token"),
            "logout token" => LogoutToken.Sign(ours, _server.Issuer, _client.Id, await SubjectAsync("alice"), Claim(idToken, "sid")!, _server.Time.Now),
            "changed" => $"{parts[0]}.{Base64UrlText.Encode(System.Text.Encoding.UTF8.GetBytes(System.Text.Encoding.UTF8.GetString(claims!).Replace("\"exp\":", "\"exp\":1", StringComparison.Ordinal)))}.{parts[2]}",
            _ => "x.y",
        };
    }

    private static string? Claim(string token, string name)
    {
        Base64UrlText.TryDecode(token.Split('.')[1], out var claims).ShouldBeTrue();
        using var json = JsonDocument.Parse(claims, new JsonDocumentOptions { AllowDuplicateProperties = false });
        return json.RootElement.TryGetProperty(name, out var value) ? value.GetString() : null;
    }
}
