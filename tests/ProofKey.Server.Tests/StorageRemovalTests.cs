using System.Text;
using ProofKey.Cli.Hosting;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>What stays of somebody who was removed.</summary>
public sealed class StorageRemovalTests
{
    [Fact]
    [Assertion("OI-09")]
    public async Task Removing_a_person_leaves_a_subject_and_nothing_else_of_theirs()
    {
        await using var server = await RunningServer.StartAsync();
        await server.Registry.AddAccountAsync("Leaving Person", RunningServer.Password, "leaving@example.com", isAdmin: false);
        var subject = (await server.Service<AccountStore>().FindByNameAsync("leaving person", CancellationToken.None))!.Subject;
        await server.Service<ConsentStore>().RememberAsync(subject, "a client", new RememberedConsent(Scope.Parse("openid"), Scope.Parse("openid")), server.Time.Now);

        (await server.Registry.RemoveAccountAsync("Leaving Person", CancellationToken.None)).ShouldBeTrue();

        var database = server.Service<Database>();
        (await database.ListAsync($"select name, name_key, email from account where subject = {subject}", row => $"{row.GetString(0)}|{row.IsDBNull(1)}|{row.IsDBNull(2)}", CancellationToken.None)).ShouldBe(["|True|True"]);
        (await database.ListAsync($"select kind from credential where subject = {subject}", row => row.GetString(0), CancellationToken.None)).ShouldBeEmpty();
        (await database.ListAsync($"select client_id from consent where subject = {subject}", row => row.GetString(0), CancellationToken.None)).ShouldBeEmpty();
        (await server.Registry.AddAccountAsync("Leaving Person", RunningServer.Password, null, isAdmin: false)).Subject.ShouldNotBe(subject);
    }

    [Fact]
    [Assertion("OI-09")]
    public async Task Of_a_hash_that_was_deleted_no_byte_is_left_in_the_file()
    {
        await using var server = await RunningServer.StartAsync();
        var account = await server.Registry.AddAccountAsync("Leaving Person", RunningServer.Password, "leaving@example.com", isAdmin: false);
        var database = server.Service<Database>();
        var hash = (await database.FindAsync($"select value from credential where subject = {account.Subject}", row => row.GetString(0), CancellationToken.None))!;
        (await FileAsync(server)).AsSpan().IndexOf(Encoding.UTF8.GetBytes(hash)).ShouldBeGreaterThan(0, "what is in the file is found");

        (await server.Registry.RemoveAccountAsync("Leaving Person", CancellationToken.None)).ShouldBeTrue();
        (await FileAsync(server)).AsSpan().IndexOf(Encoding.UTF8.GetBytes(hash)).ShouldBe(-1);
    }

    // All of it, after what is in its log has been put there.
    private static async Task<byte[]> FileAsync(RunningServer server)
    {
        (await server.Service<Database>().FindAsync($"pragma wal_checkpoint(truncate)", row => $"{row.GetInt64(0)}", CancellationToken.None)).ShouldBe("0", "nobody was in its way");
        await using var file = new FileStream(Path.Combine(server.Folder, DataFolder.DatabaseName), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[file.Length];
        await file.ReadExactlyAsync(bytes);
        return bytes;
    }
}
