using System.Net;
using Microsoft.Extensions.Logging;
using ProofKey.Cli.Hosting;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>The two cookies: when they change, when they die, and which of them are believed.</summary>
public sealed class SignInPageSessionTests(OneServer shared) : IClassFixture<OneServer>
{
    private readonly RunningServer _server = shared.Server;

    /// <summary>Whether a session cookie, alone in a new browser, still is somebody's.</summary>
    private async Task<bool> IsAliveAsync(string? session)
    {
        using var person = _server.NewPerson();
        if (session is not null) person.SetCookie(_server, Sessions.SessionCookie, session);
        return (await Person.FormOf(await person.GetAsync(shared.Request().ToString()))).Action.StartsWith("/consent", StringComparison.Ordinal);
    }

    private static Task<HttpResponseMessage> SignInAsync(Person person, PageForm form, string name = RunningServer.UserName) =>
        person.SubmitAsync(form, ("username", name), ("password", RunningServer.Password));

    [Fact]
    [Assertion("UI-06")]
    public async Task Signing_in_replaces_both_cookies_and_kills_the_old_session()
    {
        using var person = await shared.SignedInAsync();
        var planted = Secret.NewText();
        person.SetCookie(_server, Sessions.BrowserCookie, planted);
        var old = person.CookieOf(_server, Sessions.SessionCookie);
        (await IsAliveAsync(old)).ShouldBeTrue();

        var form = await person.SignInFormAsync(shared.Request().Set("prompt", "login"));
        person.CookieOf(_server, Sessions.BrowserCookie).ShouldBe(planted);
        await SignInAsync(person, form);

        var fresh = person.CookieOf(_server, Sessions.SessionCookie);
        fresh.ShouldNotBe(old);
        person.CookieOf(_server, Sessions.BrowserCookie).ShouldNotBe(planted);
        (await IsAliveAsync(fresh)).ShouldBeTrue();
        (await IsAliveAsync(old)).ShouldBeFalse("the old session is dead, wherever its cookie is");
        await (await SignInAsync(person, form)).ShouldBeFormAgainAsync("the page from before the sign-in belongs to the old browser cookie");
    }

    [Fact]
    [Assertion("UI-06")]
    public async Task A_cookie_that_was_planted_before_never_becomes_a_session()
    {
        var planted = Secret.NewText();
        using var person = _server.NewPerson();
        person.SetCookie(_server, Sessions.SessionCookie, planted);
        await SignInAsync(person, await person.SignInFormAsync(shared.Request()));
        person.CookieOf(_server, Sessions.SessionCookie).ShouldNotBe(planted);
        (await IsAliveAsync(planted)).ShouldBeFalse();
        foreach (var odd in (string[])["x", new string('A', 43), new string('A', 42), new string('A', 44), planted + "A"])
            (await IsAliveAsync(odd)).ShouldBeFalse();
    }

    [Fact]
    [Assertion("UI-08")]
    public async Task A_cookie_that_comes_twice_or_by_another_name_counts_as_absent()
    {
        using var person = await shared.SignedInAsync();
        var session = person.CookieOf(_server, Sessions.SessionCookie)!;
        var target = shared.Request().ToString();
        (await LocationAsync(target, $"Cookie: proofkey-session={session}")).ShouldStartWith("/consent?");
        (await LocationAsync(target, $"Cookie: a=b; proofkey-session={session}; c=d")).ShouldStartWith("/consent?");
        foreach (var cookies in (string[][])
            [
                [$"Cookie: proofkey-session={session}; proofkey-session={session}"],
                [$"Cookie: proofkey-session={session}; proofkey-session={Secret.NewText()}"],
                [$"Cookie: proofkey-session={Secret.NewText()}; proofkey-session={session}"],
                [$"Cookie: proofkey-session={session}", $"Cookie: proofkey-session=x"],
                [$"Cookie: proofkey-sess%69on={session}"],
                [$"Cookie: Proofkey-Session={session}"],
                [$"Cookie: __Host-proofkey-session={session}"],
                [$"Cookie: proofkey-session=\"{session}\""],
                [$"Cookie: proofkey-session={session[..42]}%41"],
                [$"Cookie: proofkey-sessionx={session}"],
                ["Cookie: proofkey-session"],
            ])
            (await LocationAsync(target, cookies)).ShouldStartWith("/signin?", Case.Sensitive, cookies[0]);
    }

    private async Task<string> LocationAsync(string target, params string[] headers)
    {
        var (status, text) = await _server.SendRawAsync(target, "GET", headers);
        status.ShouldBe(303);
        return text.Split("\r\n").Single(line => line.StartsWith("Location:", StringComparison.Ordinal))["Location: ".Length..];
    }

    [Fact]
    [Assertion("UI-11")]
    public async Task A_session_ends_after_two_idle_hours_and_after_twelve_in_any_case()
    {
        using var idle = await shared.SignedInAsync();
        using var busy = await shared.SignedInAsync();
        var (idleCookie, busyCookie) = (idle.CookieOf(_server, Sessions.SessionCookie), busy.CookieOf(_server, Sessions.SessionCookie));
        _server.Time.Advance(TimeSpan.FromMinutes(119));
        (await IsAliveAsync(busyCookie)).ShouldBeTrue();
        _server.Time.Advance(TimeSpan.FromMinutes(1));
        (await IsAliveAsync(idleCookie)).ShouldBeFalse("idle for two hours");
        for (var hours = 2; hours < 11; hours++)
        {
            _server.Time.Advance(TimeSpan.FromHours(1));
            (await IsAliveAsync(busyCookie)).ShouldBeTrue($"{hours} h");
        }
        _server.Time.Advance(TimeSpan.FromMinutes(59));
        (await IsAliveAsync(busyCookie)).ShouldBeTrue();
        _server.Time.Advance(TimeSpan.FromMinutes(1));
        (await IsAliveAsync(busyCookie)).ShouldBeFalse("twelve hours old");
    }

    [Fact]
    [Assertion("UI-11")]
    public async Task A_session_ends_with_its_account()
    {
        var accounts = _server.Service<AccountStore>();
        foreach (var (name, end) in new (string, Func<string, Task>)[]
        {
            ("removed", async subject => (await accounts.RemoveAsync(subject, new AuditEvent("user-removed"))).ShouldBeTrue()),
            ("disabled", async subject => await accounts.DisableAsync(subject)),
            ("ended", async subject => await accounts.RaiseEpochAsync(subject)),
        })
        {
            var account = await _server.Registry.AddAccountAsync(name, RunningServer.Password, null, isAdmin: false);
            using var person = await shared.SignedInAsync(name);
            var session = person.CookieOf(_server, Sessions.SessionCookie);
            (await IsAliveAsync(session)).ShouldBeTrue();
            await end(account.Subject);
            (await IsAliveAsync(session)).ShouldBeFalse(name);
            if (name == "ended") continue;
            await (await SignInAsync(person, await person.SignInFormAsync(shared.Request()), name)).ShouldBeFormAgainAsync(name);
        }
    }

    [Fact]
    [Assertion("UI-05")]
    public async Task Cookies_on_loopback_are_for_this_host_and_no_script()
    {
        using var person = _server.NewPerson();
        var shown = await person.GetOnceAsync(shared.Request().ToString());
        var signedIn = await person.PostOnceAsync(await person.SignInFormAsync(shared.Request()), [("username", RunningServer.UserName), ("password", RunningServer.Password)]);
        string[] cookies = [.. shown.Headers.GetValues("Set-Cookie"), .. signedIn.Headers.GetValues("Set-Cookie")];
        cookies.Length.ShouldBe(4);
        cookies.ShouldAllBe(cookie => System.Text.RegularExpressions.Regex.IsMatch(cookie, "^(proofkey-(browser|session)=[A-Za-z0-9_-]{43}; Path=/; HttpOnly; SameSite=Lax|proofkey-known=[A-Za-z0-9_-]+; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000)$"));
    }

    [Fact]
    [Assertion("UI-05")]
    public async Task Cookies_on_https_cannot_be_planted_by_a_sibling_host()
    {
        var folder = Directory.CreateTempSubdirectory("proofkey-test-");
        var settings = new ServeSettings { Data = DataFolder.Open(folder.FullName), Urls = ["http://127.0.0.1:0"], Issuer = "https://login.example", Time = new ManualTime { RunsTimers = false } };
        await using (var app = ServerHost.Build(settings, builder => builder.Logging.ClearProviders()))
        {
            await app.StartAsync(TestContext.Current.CancellationToken);
            var registry = (Registry)app.Services.GetService(typeof(Registry))!;
            var client = (await registry.AddClientAsync(new ClientRegistration { Name = "Client", IsPublic = true, RedirectUris = [OneServer.WebUri] })).Client;
            using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = new Uri(app.Urls.Single()) };
            var shown = await http.GetAsync(shared.Request(client).ToString(), TestContext.Current.CancellationToken);
            shown.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
            shown.Headers.GetValues("Set-Cookie").ShouldHaveSingleItem().ShouldMatch("^__Host-proofkey-browser=[A-Za-z0-9_-]{43}; Path=/; HttpOnly; SameSite=Lax; Secure$");
            (await http.GetAsync("/authorize", TestContext.Current.CancellationToken)).Header("Strict-Transport-Security").ShouldNotBeNull();
            await app.StopAsync(TestContext.Current.CancellationToken);
        }
        folder.Delete(recursive: true);
    }
}
