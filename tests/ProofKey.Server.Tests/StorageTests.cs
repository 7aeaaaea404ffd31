using System.Net;
using System.Text;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>One row for each sign-in, nothing secret in any file, and nothing deleted too early.</summary>
public sealed class StorageTests(TokenServer at) : IClassFixture<TokenServer>
{
    [Fact]
    public async Task A_sign_in_leaves_one_row_and_a_refresh_none()
    {
        var before = await CountAsync();
        var code = await at.CodeAsync(scope: "openid offline_access");
        (await CountAsync()).ShouldBe(before, "issuing a code writes nothing");
        await at.RedeemAsync(code, ("code_verifier", CodeVerifier.New().Reveal()));
        (await CountAsync()).ShouldBe(before, "nor does a wrong verifier");

        var token = (await at.RedeemAsync(code)).Text("refresh_token");
        before["authorization_grant"]++;
        (await CountAsync()).ShouldBe(before);
        for (var refresh = 0; refresh < 5; refresh++)
        {
            at.Server.Time.Advance(TimeSpan.FromSeconds(11));
            token = await at.NextAsync(token);
        }
        await at.RedeemAsync(code);
        await at.Server.RevokeAsync(at.Client, token);
        before["audit_event"]++;
        (await CountAsync()).ShouldBe(before, "no refresh, replay or revocation adds one; that the grant ended is one event");
    }

    [Fact]
    [Assertion("TK-19")]
    public async Task No_file_and_no_log_line_holds_anything_that_opens_a_door()
    {
        var (confidential, clientSecret) = await at.AddConfidentialClientAsync();
        var keys = at.Server.Service<KeyRing>();
        using var person = at.Server.NewPerson();
        var code = await at.CodeAsync(confidential, person: person);
        await at.RedeemAsync(code, ("client_secret", "wrong"));
        var tokens = await at.RedeemAsync(code, ("client_secret", clientSecret));
        var unused = await at.CodeAsync(person: person);
        var publicTokens = await at.TokensAsync(person: person);
        var next = await at.NextAsync(publicTokens.Text("refresh_token"));
        await at.RefreshAsync(next[..^1] + "x");
        await at.Server.UserinfoAsync(tokens.Text("access_token"));
        await at.Server.UserinfoAsync(tokens.Text("access_token") + "x");
        await at.RedeemAsync(code, ("client_secret", clientSecret));

        List<string> secrets =
        [
            RunningServer.Password, clientSecret, code.Text, unused.Text, code.Request.Verifier.Reveal(), unused.Request.Verifier.Reveal(), code.Request.State, code.Request.Nonce,
            tokens.Text("access_token"), tokens.Text("refresh_token"), tokens.Text("id_token"), publicTokens.Text("access_token"), publicTokens.Text("refresh_token"), next,
            .. person.Cookies.GetCookies(new Uri(at.Server.Issuer)).Select(cookie => cookie.Value),
            Base64UrlText.Encode(RefreshToken.Open(next, keys)!.RowSecret), Base64UrlText.Encode(at.Server.Settings.Data.RootKey),
        ];
        var files = await FilesAsync();
        files.Count(file => Holds(file, "alice@example.com"u8)).ShouldBeGreaterThan(0, "what is in the files is found");
        foreach (var secret in secrets.SelectMany(Forms))
            files.Count(file => Holds(file, secret)).ShouldBe(0);

        at.Server.Log.Lines.ShouldContain(line => line.Contains("Refused at /token", StringComparison.Ordinal), "what is logged is found");
        // The platform's own log of requests shows whole addresses; the program turns it off. State and nonce are all that it can see.
        var ours = at.Server.Log.Lines.Where(line => !line.Contains(" Microsoft.AspNetCore.Hosting.Diagnostics ", StringComparison.Ordinal)).ToList();
        foreach (var secret in secrets)
        {
            ours.Count(line => line.Contains(secret, StringComparison.Ordinal)).ShouldBe(0);
            if (secret == code.Request.State || secret == code.Request.Nonce) continue;
            at.Server.Log.Lines.Count(line => line.Contains(secret, StringComparison.Ordinal)).ShouldBe(0);
        }
    }

    [Fact]
    [Assertion("TK-06")]
    public async Task Cleanup_deletes_what_ended_more_than_an_hour_ago_and_revives_no_code()
    {
        await using var server = await RunningServer.StartAsync();
        var client = await server.AddClientAsync("https://app.example/callback", registration => registration with { IsFirstParty = true });
        using var person = server.NewPerson();
        var request = new AuthorizeUrl(server, client).Set("scope", "openid");
        var code = (await person.AuthorizeAsync(request))["code"];
        var token = (await server.RedeemAsync(client, request, code)).Text("refresh_token");
        var offline = (await server.SignInAsync(client, "openid offline_access")).Text("refresh_token");
        var revoked = (await server.SignInAsync(client, "openid offline_access")).Text("refresh_token");
        await server.RevokeAsync(client, revoked);

        (await CleanAsync(server)).ShouldBe(0);
        (await server.RefreshAsync(client, token)).Status.ShouldBe(HttpStatusCode.OK);
        server.Time.Advance(TimeSpan.FromHours(13));
        (await CleanAsync(server)).ShouldBe(0, "an hour after its end a row is still there");
        (await server.RedeemAsync(client, request, code)).Error.ShouldBe("invalid_grant");

        server.Time.Advance(TimeSpan.FromMilliseconds(1));
        (await CleanAsync(server)).ShouldBe(4, "one grant, and three sessions");
        (await server.RedeemAsync(client, request, code)).Error.ShouldBe("invalid_grant");
        (await server.RefreshAsync(client, token)).Error.ShouldBe("invalid_grant");
        (await server.RefreshAsync(client, revoked)).Error.ShouldBe("invalid_grant", "revocation is no reason to forget");
        (await server.RefreshAsync(client, offline)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("TK-21")]
    public async Task Writes_that_wait_together_share_a_commit_and_fail_alone()
    {
        var database = at.Server.Service<Database>();
        var subject = Secret.NewText();
        ValueTask<int> Write(int number) => database.WriteAsync($"insert into consent (subject, client_id, scope, given_at) values ({subject}, {$"c{number % 150}"}, {"openid"}, 0)");
        var writes = Enumerable.Range(0, 200).Select(number => Write(number).AsTask()).ToList();
        await Task.WhenAll(writes.Take(150));
        foreach (var doubled in writes.Skip(150))
            (await Should.ThrowAsync<DatabaseException>(doubled)).Failure.ShouldBe(DatabaseFailure.Statement);
        var rows = await database.ListAsync($"select client_id from consent where subject = {subject}", reader => reader.GetString(0), CancellationToken.None);
        rows.Count.ShouldBe(150);
    }

    [Fact]
    [Assertion("TK-21")]
    public async Task A_statement_that_cannot_run_fails_alone()
    {
        var database = at.Server.Service<Database>();
        var subject = Secret.NewText();
        var writes = Enumerable.Range(0, 20).Select(number => number % 2 == 0
            ? database.WriteAsync($"insert into consent (subject, client_id, scope, given_at) values ({subject}, {$"c{number}"}, {"openid"}, 0)").AsTask()
            : database.WriteAsync($"insert into no_such_table values ({subject})").AsTask()).ToList();
        for (var number = 0; number < writes.Count; number++)
            if (number % 2 == 0) (await writes[number]).ShouldBe(1);
            else await Should.ThrowAsync<DatabaseException>(writes[number]);
    }

    // A secret as it stands, and the bytes that it stands for: base64url in a token is binary in a file.
    private static IEnumerable<byte[]> Forms(string secret)
    {
        yield return Encoding.UTF8.GetBytes(secret);
        var text = secret.StartsWith("pk", StringComparison.Ordinal) && secret.Length > 4 && secret[3] == '_' ? secret[4..] : secret;
        foreach (var part in text.Split('.'))
            if (part.Length >= 20 && Base64UrlText.TryDecode(part, out var bytes) && !IsJson(bytes)) yield return bytes;
    }

    private static bool Holds(byte[] file, ReadOnlySpan<byte> value) => file.AsSpan().IndexOf(value) >= 0;

    private static bool IsJson(byte[] bytes) => bytes[0] == '{';

    private async Task<List<byte[]>> FilesAsync()
    {
        var files = new List<byte[]>();
        foreach (var path in Directory.GetFiles(at.Server.Folder, "proofkey.db*"))
        {
            await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[file.Length];
            await file.ReadExactlyAsync(bytes);
            files.Add(bytes);
        }
        files.Count.ShouldBeGreaterThan(1, "the database and its log");
        return files;
    }

    private static Task<int> CleanAsync(RunningServer server) => server.CleanAsync();

    private Task<SortedDictionary<string, long>> CountAsync() => StorageFolder.CountAsync(at.Server.Folder);
}
