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
}
