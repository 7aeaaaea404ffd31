using System.Net;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Everything is logged here at every level, and nothing of it is a secret or ends a line.</summary>
public sealed class AuthorizeLogTests
{
    private const string Injection = "eve\r\ninfo: forged \u001b[31m\u2028\u0085\u0000end";

    [Fact]
    [Assertion("TK-19")]
    [Assertion("UI-21")]
    public async Task No_secret_reaches_the_log()
    {
        await using var server = await RunningServer.StartAsync();
        var client = await server.AddClientAsync();
        using var person = server.NewPerson();
        var secrets = new Dictionary<string, string> { ["password"] = RunningServer.Password, ["wrong password"] = "a-wrong-password-to-look-for" };
        void Keep(string name, string? value) => secrets[name] = value.ShouldNotBeNull();

        var request = new AuthorizeUrl(server, client).Set("login_hint", "a-hint-to-look-for");
        Keep("state", request.State);
        Keep("nonce", request.Nonce);
        Keep("verifier", request.Verifier.Reveal());
        var signIn = await person.SignInFormAsync(request);
        Keep("browser cookie", person.CookieOf(server, Sessions.BrowserCookie));
        Keep("form token", signIn.Fields["form_token"]);
        Keep("step ticket", Browsing.Parameter(signIn.Action, "step"));
        await person.SubmitAsync(signIn, ("username", "a-name-to-look-for"), ("password", secrets["wrong password"]));
        Keep("name that failed: it may be a password", "a-name-to-look-for");
        var consent = await Person.FormOf(await person.SubmitAsync(signIn, ("username", RunningServer.UserName), ("password", RunningServer.Password)));
        Keep("session cookie", person.CookieOf(server, Sessions.SessionCookie));
        Keep("second browser cookie", person.CookieOf(server, Sessions.BrowserCookie));
        Keep("second form token", consent.Fields["form_token"]);
        var code = Person.AnswerOf(await person.SubmitAsync(consent, ("decision", "allow")))["code"];
        Keep("code", code);
        (await server.RedeemAsync(client, new AuthorizeUrl(server, client), code)).Error.ShouldBe("invalid_grant");
        var tokens = await server.RedeemAsync(client, request, code);
        foreach (var name in (string[])["access_token", "refresh_token", "id_token"]) Keep(name, tokens.Text(name));
        (await server.UserinfoAsync(tokens.Text("access_token"))).Status.ShouldBe(HttpStatusCode.OK);
        Keep("second refresh token", (await server.RefreshAsync(client, tokens.Text("refresh_token"))).Text("refresh_token"));
        (await server.RefreshAsync(client, tokens.Text("refresh_token") + "A")).Error.ShouldBe("invalid_grant");
        (await server.RevokeAsync(client, secrets["second refresh token"])).Status.ShouldBe(HttpStatusCode.OK);
        await person.GetAsync(new AuthorizeUrl(server, client).Set("state", request.State).Set("scope", "admin").ToString());
        await person.GetAsync("/nowhere?code=" + code);

        server.Log.Lines.Count.ShouldBeGreaterThan(10);
        foreach (var (name, secret) in secrets)
            server.Log.Lines.Where(line => line.Contains(secret, StringComparison.Ordinal) || line.Contains(Uri.EscapeDataString(secret), StringComparison.Ordinal)).ShouldBeEmpty(name);
    }

    [Fact]
    [Assertion("UI-21")]
    public async Task Nothing_that_was_sent_can_end_a_line_of_the_log()
    {
        await using var server = await RunningServer.StartAsync();
        var client = await server.AddClientAsync();
        using var person = server.NewPerson();
        var hostile = Injection.Replace("\0", "", StringComparison.Ordinal);
        var before = server.Log.Lines.Count;

        await person.SubmitAsync(await person.SignInFormAsync(new AuthorizeUrl(server, client)), ("username", hostile), ("password", "x"));
        await person.GetOnceAsync(new AuthorizeUrl(server, client).Set("client_id", hostile).ToString());
        foreach (var name in (string[])["state", "scope", "response_type", "prompt", "nonce"])
            await person.GetAsync(new AuthorizeUrl(server, client).Set(name, hostile).ToString());
        await server.PostFormAsync("/token", [new("grant_type", "authorization_code"), new("client_id", hostile), new("code", hostile)]);
        await server.PostFormAsync("/token", [new("grant_type", hostile), new("client_id", client.Id)]);
        await server.PostFormAsync("/token", [new("grant_type", "authorization_code"), new("client_id", client.Id), new("code", hostile), new("code_verifier", hostile)]);
        await server.PostFormAsync("/revoke", [new("client_id", hostile), new("token", hostile)]);
        await server.PostFormAsync("/token", [new("client_id", client.Id)], message => message.Headers.TryAddWithoutValidation("User-Agent", "x\u0009y"));

        var lines = server.Log.Lines.Skip(before).ToList();
        lines.ShouldNotBeEmpty();
        // A stack trace has lines of its own; a message has one.
        lines.Where(line => line.TrimEnd().Any(character => char.IsControl(character) || character is '\u2028' or '\u2029')).ShouldBeEmpty();
        lines.Where(line => line.Contains("forged", StringComparison.Ordinal)).ShouldBeEmpty();
    }
}
