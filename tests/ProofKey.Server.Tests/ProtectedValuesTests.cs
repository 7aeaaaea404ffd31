using System.Net;
using ProofKey.Server.Accounts;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Everything that the server hands out and takes back, with one bit changed: it is worth nothing, and the right one still is.</summary>
[Assertion("UI-23")]
public sealed class ProtectedValuesTests(OneServer shared) : IClassFixture<OneServer>
{
    private const string KnownCookie = "proofkey-known";

    private readonly RunningServer _server = shared.Server;

    /// <summary>The value with one bit changed, at a few places from its first byte to its last.</summary>
    private static IEnumerable<string> Altered(string value, string prefix = "")
    {
        Base64UrlText.TryDecode(value.AsSpan(prefix.Length), out var bytes).ShouldBeTrue();
        for (var place = 0; place < 6; place++)
        {
            var altered = bytes!.ToArray();
            altered[place * (altered.Length - 1) / 5] ^= (byte)(1 << place);
            yield return prefix + Base64UrlText.Encode(altered);
        }
    }

    [Fact]
    public async Task A_session_cookie()
    {
        using var person = await shared.SignedInAsync();
        var right = person.CookieOf(_server, Sessions.SessionCookie)!;
        foreach (var altered in Altered(right))
        {
            person.SetCookie(_server, Sessions.SessionCookie, altered);
            (await Person.FormOf(await person.GetAsync(shared.Request().ToString()))).Fields.ShouldContainKey("username");
        }
        person.SetCookie(_server, Sessions.SessionCookie, right);
        (await person.ConsentFormAsync(shared.Request())).Fields.ShouldContainKey("form_token");
    }

    [Fact]
    public async Task A_browser_cookie_a_form_token_and_a_step_ticket()
    {
        using var person = await shared.SignedInAsync();
        var form = await person.ConsentFormAsync(shared.Request());
        foreach (var altered in Altered(form.Fields["form_token"]))
            await (await person.PostOnceAsync(form, [("decision", "allow"), ("form_token", altered)])).ShouldBeFormAgainAsync("form token");
        var browser = person.CookieOf(_server, Sessions.BrowserCookie)!;
        foreach (var altered in Altered(browser))
        {
            person.SetCookie(_server, Sessions.BrowserCookie, altered);
            await (await person.PostOnceAsync(form, [("decision", "allow")])).ShouldBeFormAgainAsync("browser cookie");
        }
        person.SetCookie(_server, Sessions.BrowserCookie, browser);
        var agreed = (await person.PostOnceAsync(form, [("decision", "allow")])).Headers.Location!.OriginalString;
        foreach (var altered in Altered(Browsing.Parameter(agreed, "step")!))
            (await person.GetOnceAsync(Browsing.WithParameter(agreed, "step", altered))).Headers.Location!.OriginalString.ShouldStartWith("/consent?", customMessage: "step ticket");
        Person.AnswerOf(await person.GetAsync(agreed)).ShouldContainKey("code");
    }

    [Fact]
    public async Task The_cookie_of_a_browser_that_knows_an_account()
    {
        await _server.Registry.AddAccountAsync("known", RunningServer.Password, null, isAdmin: false);
        using var person = _server.NewPerson();
        async Task<bool> SignsInAsync() =>
            (await person.SubmitAsync(await person.SignInFormAsync(shared.Request().Set("prompt", "login")), ("username", "known"), ("password", RunningServer.Password))).StatusCode == HttpStatusCode.OK;
        (await SignsInAsync()).ShouldBeTrue();
        var right = person.CookieOf(_server, KnownCookie)!;
        for (var tries = 0; tries <= PasswordSignIn.MaxTries; tries++)
            await _server.Service<PasswordSignIn>().TryAsync("known", "wrong password", _ => false, TestContext.Current.CancellationToken);
        foreach (var altered in Altered(right).Take(3))
        {
            person.SetCookie(_server, KnownCookie, altered);
            (await SignsInAsync()).ShouldBeFalse("the account takes no tries of strangers now");
        }
        person.SetCookie(_server, KnownCookie, right);
        (await SignsInAsync()).ShouldBeTrue();
    }

    [Fact]
    public async Task A_code_and_the_tokens()
    {
        var request = shared.Request().Set("scope", "openid offline_access");
        var code = await shared.CodeAsync(request);
        foreach (var altered in Altered(code, "pkc_"))
            (await _server.RedeemAsync(shared.Native, request, altered)).Error.ShouldBe("invalid_grant");
        var tokens = await _server.RedeemAsync(shared.Native, request, code);
        var (refreshToken, accessToken) = (tokens.Text("refresh_token"), tokens.Text("access_token"));
        foreach (var altered in Altered(refreshToken, "pkr_"))
            (await _server.RefreshAsync(shared.Native, altered)).Error.ShouldBe("invalid_grant");
        var parts = accessToken.Split('.');
        for (var part = 0; part < 3; part++)
            foreach (var altered in Altered(parts[part]))
                (await _server.UserinfoAsync(string.Join('.', parts.Index().Select(each => each.Index == part ? altered : each.Item)))).Status.ShouldBe(HttpStatusCode.Unauthorized);
        (await _server.UserinfoAsync(accessToken)).Status.ShouldBe(HttpStatusCode.OK);
        (await _server.RefreshAsync(shared.Native, refreshToken)).Status.ShouldBe(HttpStatusCode.OK);
    }
}
