using System.Net;
using ProofKey.Cli.Hosting;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>The keys live in the database, wrapped by the root key, and change without anyone noticing.</summary>
public sealed class KeysTests
{
    [Fact]
    [Assertion("TK-12")]
    public async Task A_new_sealing_key_comes_after_seven_days_and_old_tokens_stay_good()
    {
        await using var server = await RunningServer.StartAsync();
        var client = await server.AddClientAsync("https://app.example/callback", registration => registration with { IsFirstParty = true });
        var keys = server.Service<KeyRing>();
        var old = (await server.SignInAsync(client, "openid offline_access")).Text("refresh_token");
        var firstId = KeyIdOf(old);

        server.Time.Advance(TimeSpan.FromDays(7) - TimeSpan.FromMilliseconds(1));
        await keys.LoadAsync(TestContext.Current.CancellationToken);
        (await SealingKeysAsync(server)).ShouldBe(1);
        server.Time.Advance(TimeSpan.FromMilliseconds(1));
        await keys.LoadAsync(TestContext.Current.CancellationToken);
        await keys.LoadAsync(TestContext.Current.CancellationToken);
        (await SealingKeysAsync(server)).ShouldBe(2);

        var between = await NextAsync(server, client, old);
        KeyIdOf(between).ShouldBe(firstId, "not before every replica has read it");
        server.Time.Advance(TimeSpan.FromMinutes(20));
        var after = await NextAsync(server, client, between);
        KeyIdOf(after).ShouldNotBe(firstId);

        server.Time.Advance(TimeSpan.FromSeconds(11));
        (await NextAsync(server, client, between)).ShouldNotBe(after, "a predecessor under the old key may return late");
    }

    [Fact]
    public async Task A_sealing_key_goes_when_no_grant_that_it_sealed_for_can_be_alive()
    {
        await using var server = await RunningServer.StartAsync();
        var client = await server.AddClientAsync("https://app.example/callback", registration => registration with { IsFirstParty = true });
        var keys = server.Service<KeyRing>();
        var first = (await server.Service<KeyStore>().ListAsync(TestContext.Current.CancellationToken)).Single(key => key.Purpose == "seal").Id;
        async Task<bool> IsThereAsync() => (await server.Service<KeyStore>().ListAsync(TestContext.Current.CancellationToken)).Any(key => key.Id == first);
        server.Time.Advance(TimeSpan.FromDays(7));
        await keys.LoadAsync(TestContext.Current.CancellationToken);
        server.Time.Advance(TimeSpan.FromMinutes(20));
        var last = (await server.SignInAsync(client, "openid offline_access")).Text("refresh_token");

        server.Time.Advance(TimeSpan.FromDays(6));
        await keys.LoadAsync(TestContext.Current.CancellationToken);
        last = await NextAsync(server, client, last);

        for (var week = 0; week < 4; week++)
        {
            server.Time.Advance(TimeSpan.FromDays(6));
            await keys.LoadAsync(TestContext.Current.CancellationToken);
            if (week < 3) last = await NextAsync(server, client, last);
        }
        (await IsThereAsync()).ShouldBeTrue("thirty days after its last use a token that it sealed may still be alive");
        server.Time.Advance(TimeSpan.FromDays(2));
        await keys.LoadAsync(TestContext.Current.CancellationToken);
        (await IsThereAsync()).ShouldBeFalse();
        (await server.SignInAsync(client)).Text("refresh_token").ShouldNotBeEmpty();
    }

    [Fact]
    [Assertion("PK-17")]
    [Assertion("RT-09")]
    public async Task A_restart_keeps_sessions_codes_tokens_and_keys_and_what_was_used_stays_used()
    {
        var server = await RunningServer.StartAsync();
        try
        {
            var client = await server.AddClientAsync("https://app.example/callback", registration => registration with { IsFirstParty = true });
            using var person = server.NewPerson();
            var (used, fresh, replayed) = (new AuthorizeUrl(server, client), new AuthorizeUrl(server, client), new AuthorizeUrl(server, client));
            var usedCode = (await person.AuthorizeAsync(used))["code"];
            var freshCode = (await person.AuthorizeAsync(fresh))["code"];
            var replayedCode = (await person.AuthorizeAsync(replayed))["code"];
            var tokens = await server.RedeemAsync(client, used, usedCode);
            await server.RedeemAsync(client, replayed, replayedCode);
            var rotated = await server.RefreshAsync(client, tokens.Text("refresh_token"));
            var jwks = server.Service<KeyRing>().PublicKeys.ToJson();

            server = await server.RestartAsync();
            server.Service<KeyRing>().PublicKeys.ToJson().ShouldBe(jwks);
            (await server.RedeemAsync(client, fresh, freshCode)).Status.ShouldBe(HttpStatusCode.OK, "a code is good on any server that has the keys");
            (await server.RedeemAsync(client, replayed, replayedCode)).Error.ShouldBe("invalid_grant");
            (await server.UserinfoAsync(tokens.Text("access_token"))).Status.ShouldBe(HttpStatusCode.OK);
            (await server.RefreshAsync(client, tokens.Text("refresh_token"))).Text("refresh_token").ShouldBe(rotated.Text("refresh_token"), "the leeway survives too");
            var silent = new AuthorizeUrl(server, client).Set("prompt", "none");
            Person.AnswerOf(await person.GetAsync(silent.ToString())).ShouldContainKey("code");

            server.Time.Advance(TimeSpan.FromSeconds(11));
            var next = await NextAsync(server, client, rotated.Text("refresh_token"));
            server = await server.RestartAsync();
            (await server.RefreshAsync(client, tokens.Text("refresh_token"))).Error.ShouldBe("invalid_grant");
            (await server.RefreshAsync(client, next)).Error.ShouldBe("invalid_grant");
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    [Fact]
    [Assertion("PK-17")]
    public async Task A_wrong_root_key_stops_the_start_and_changes_nothing()
    {
        using var folder = await UsedFolderAsync();
        var before = await DumpAsync(folder.Path);
        await File.WriteAllBytesAsync(Path.Combine(folder.Path, "root.key"), Secret.NewBytes(32), TestContext.Current.CancellationToken);
        var refusal = await Should.ThrowAsync<InvalidOperationException>(() => RunningServer.StartAsync(folder.Path));
        refusal.Message.ShouldBe("The root key does not open the keys in the database. Give the root key that belongs to this database; nothing was changed.");
        (await DumpAsync(folder.Path)).ShouldBe(before);
    }

    [Fact]
    public async Task A_lost_root_key_is_never_made_anew_over_an_old_database()
    {
        using var folder = await UsedFolderAsync();
        File.Delete(Path.Combine(folder.Path, "root.key"));
        (await Should.ThrowAsync<DataFolderException>(() => RunningServer.StartAsync(folder.Path))).Message.ShouldContain("put the root key back from its backup");
        File.Exists(Path.Combine(folder.Path, "root.key")).ShouldBeFalse();
        await File.WriteAllBytesAsync(Path.Combine(folder.Path, "root.key"), new byte[31], TestContext.Current.CancellationToken);
        (await Should.ThrowAsync<DataFolderException>(() => RunningServer.StartAsync(folder.Path))).Message.ShouldContain("31 bytes");
    }

    [Theory]
    [InlineData("update key set id = upper(id) where purpose = 'sign'")]
    [InlineData("update key set purpose = 'sign', algorithm = 'ES256' where purpose = 'seal'")]
    [InlineData("update key set not_before = not_before - 1")]
    [InlineData("update key set sealed = zeroblob(60)")]
    [InlineData("update key set sealed = zeroblob(1)")]
    public async Task A_changed_key_row_stops_the_start(string change)
    {
        using var folder = await UsedFolderAsync();
        await ExecuteAsync(folder.Path, change);
        (await Should.ThrowAsync<InvalidOperationException>(() => RunningServer.StartAsync(folder.Path))).Message.ShouldStartWith("The root key does not open the keys");
    }

    [Fact]
    public async Task A_database_of_a_newer_program_is_refused_and_left_alone()
    {
        using var folder = await UsedFolderAsync();
        await ExecuteAsync(folder.Path, "insert into schema_version (version, applied_at) values (99, 0)");
        var before = await DumpAsync(folder.Path);
        (await Should.ThrowAsync<Storage.DatabaseException>(() => RunningServer.StartAsync(folder.Path))).Message.ShouldContain("run a newer program");
        (await DumpAsync(folder.Path)).ShouldBe(before);
    }

    [Fact]
    public async Task A_file_that_is_no_database_stops_the_start_with_one_sentence()
    {
        using var folder = await UsedFolderAsync();
        foreach (var file in Directory.GetFiles(folder.Path, "proofkey.db*")) File.Delete(file);
        await File.WriteAllBytesAsync(Path.Combine(folder.Path, "proofkey.db"), Secret.NewBytes(8192), TestContext.Current.CancellationToken);
        var refusal = await Should.ThrowAsync<DatabaseException>(() => RunningServer.StartAsync(folder.Path));
        (refusal.Failure, refusal.Message).ShouldBe((DatabaseFailure.Damaged, "The file is not a ProofKey database, or it is damaged; restore it from a backup."));
    }

    private static string KeyIdOf(string refreshToken)
    {
        Base64UrlText.TryDecode(refreshToken.AsSpan(RefreshToken.Prefix.Length), out var bytes).ShouldBeTrue();
        return Convert.ToHexStringLower(SealingKey.KeyIdOf(bytes));
    }

    private static async Task<string> NextAsync(RunningServer server, RegisteredClient client, string refreshToken)
    {
        var answer = await server.RefreshAsync(client, refreshToken);
        answer.Status.ShouldBe(HttpStatusCode.OK, answer.Body.ToString());
        return answer.Text("refresh_token");
    }

    private static async Task<int> SealingKeysAsync(RunningServer server) =>
        (await server.Service<KeyStore>().ListAsync(CancellationToken.None)).Count(key => key.Purpose == "seal");

    private static async Task<StorageFolder> UsedFolderAsync()
    {
        var folder = new StorageFolder();
        await using var server = await RunningServer.StartAsync(folder.Path);
        return folder;
    }

    private static async Task ExecuteAsync(string folder, string sql)
    {
        await using var connection = await StorageFolder.OpenAsync(folder);
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // the statements are the test's own
        command.CommandText = sql;
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<string> DumpAsync(string folder)
    {
        await using var connection = await StorageFolder.OpenAsync(folder);
        return await StorageFolder.DumpAsync(connection);
    }
}
