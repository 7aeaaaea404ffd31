using ProofKey.Server.Storage;

namespace ProofKey.Chaos;

/// <summary>PostgreSQL dies under load, while its server goes on to answer.</summary>
public sealed class KilledDatabaseTests
{
    [Fact]
    [Assertion("TK-21")]
    [Assertion("RT-04")]
    [Assertion("RT-12")]
    public Task What_clients_were_told_holds_after_the_database_was_killed() => Rounds.RunAsync(async dice =>
    {
        await using var database = await DatabaseServer.NewAsync();
        using var data = new ServerData(database.ConnectionString);
        await using var @operator = await Operator.OpenAsync(data.Open());
        await using var server = new ServerProcess(data.Options);
        using var crowd = new Crowd(server.Address, @operator, dice.Another()) { MayBeUnavailable = true };
        await server.StartAsync();
        for (var kill = 0; kill < 2; kill++)
        {
            await crowd.WorkUntilAsync(200 + dice.Below(500), database.KillAsync);
            await crowd.WorkUntilUnavailableAsync(50, () => Task.CompletedTask);
            await crowd.SignInSoonAfterAsync(database.StartAsync);
            await crowd.SettleAsync();
        }
    });

    [Fact]
    [Assertion("TK-21")]
    [Assertion("RT-04")]
    [Assertion("RT-12")]
    public Task What_clients_were_told_holds_when_the_standby_takes_over() => Rounds.RunAsync(async dice =>
    {
        await using var primary = await DatabaseServer.NewAsync();
        await using var standby = await primary.NewStandbyAsync();
        using var data = new ServerData(DatabaseServer.ConnectionStringOf(primary, standby));
        await using var @operator = await Operator.OpenAsync(data.Open());
        await using var server = new ServerProcess(data.Options);
        using var crowd = new Crowd(server.Address, @operator, dice.Another()) { MayBeUnavailable = true };
        await server.StartAsync();
        await crowd.WorkUntilAsync(200 + dice.Below(500), async () =>
        {
            await primary.KillAsync();
            await standby.PromoteAsync();
        });
        await crowd.SignInSoonAfterAsync(() => crowd.WorkUntilAsync(300, () => Task.CompletedTask));
        await crowd.SettleAsync();
    });

    [Fact]
    [Assertion("RT-12")]
    public async Task A_commit_that_the_standby_never_got_is_told_as_unknown()
    {
        await using var primary = await DatabaseServer.NewAsync();
        await using var standby = await primary.NewStandbyAsync();
        // As long as the driver waits, or the test would.
        using var data = new ServerData(primary.ConnectionString + ";Command Timeout=1");
        await using var @operator = await Operator.OpenAsync(data.Open());
        await standby.KillAsync();
        (await Should.ThrowAsync<DatabaseException>(() => @operator.AddClientAsync())).Failure.ShouldBe(DatabaseFailure.Unknown);
    }
}
