using ProofKey.Tests.PostgreSql;

namespace ProofKey.Chaos;

/// <summary>
/// The program is killed while a code is redeemed, a token refreshed, a grant revoked: when the statement has run, when the commit has begun, when
/// the answer begins. The database and the wire say where it stands.
/// </summary>
public sealed class KilledAtAPointTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Assertion("RT-12")]
    [Assertion("TK-21")]
    public Task Killed_before_its_commit_nothing_is_kept_and_killed_in_its_commit_all_is_on_PostgreSQL(bool isCommitting) => Rounds.RunAsync(async dice =>
    {
        var connectionString = await PostgreSqlCluster.NewDatabaseAsync();
        using var data = new ServerData(connectionString);
        await using var @operator = await Operator.OpenAsync(data.Open());
        await PostgreSqlHalt.PrepareAsync(connectionString);
        await using var server = new ServerProcess([.. data.Options.Select(option => option == connectionString ? $"{option};Application Name={PostgreSqlHalt.Victim}" : option)]);
        using var crowd = new Crowd(server.Address, @operator, dice.Another()) { MayBeUnavailable = true };
        await server.StartAsync();
        foreach (var write in GrantWrite.OfRound(isCommitting ? 1 : 0))
        {
            await crowd.WorkUntilAsync(100 + dice.Below(200), async () =>
            {
                await using var halt = await PostgreSqlHalt.AtAsync(connectionString, write, isCommitting);
                var before = await halt.KeptAsync(write);
                await server.KillAsync();
                await (isCommitting ? halt.GoOnAsync() : halt.GiveUpAsync());
                if (isCommitting) (await halt.KeptAsync(write)).ShouldBeGreaterThan(before, write.Event);
                else (await halt.KeptAsync(write)).ShouldBe(before, write.Event);
            });
            await crowd.SignInSoonAfterAsync(() => server.StartAsync());
            await crowd.SettleAsync();
        }
    });

    [Fact]
    [Assertion("RT-12")]
    [Assertion("TK-21")]
    public Task Killed_before_its_commit_nothing_is_kept_on_SQLite() => Rounds.RunAsync(async dice =>
    {
        using var data = new ServerData();
        await using var @operator = await Operator.OpenAsync(data.Open());
        await using var server = new ServerProcess(data.Options);
        // Whoever waits for the one that stands there is told to try again in the end.
        using var crowd = new Crowd(server.Address, @operator, dice.Another()) { MayBeUnavailable = true };
        await server.StartAsync();
        foreach (var write in GrantWrite.OfRound(1))
        {
            await crowd.WorkUntilAsync(100 + dice.Below(200), async () =>
            {
                await using var halt = await SqliteHalt.AtAsync(data.Open(), write);
                var before = await halt.KeptAsync(write);
                await server.KillAsync();
                (await halt.KeptAsync(write)).ShouldBe(before, write.Event);
            });
            await crowd.SignInSoonAfterAsync(() => server.StartAsync());
            await crowd.SettleAsync();
        }
    });

    [Theory]
    [InlineData("SQLite")]
    [InlineData("PostgreSQL")]
    [Assertion("RT-04")]
    [Assertion("RT-09")]
    [Assertion("TK-06")]
    public Task Killed_when_its_answer_begins_no_honest_client_is_locked_out(string database) => Rounds.RunAsync(async dice =>
    {
        using var data = await ServerData.NewAsync(database);
        await using var @operator = await Operator.OpenAsync(data.Open());
        await using var server = new ServerProcess(data.Options);
        string? asked = null;
        TaskCompletionSource? killed = null;
        await using var proxy = new CuttingProxy(new Uri(server.Address).Port, (request, answer) =>
        {
            if (asked is not { } awaited || !request.Contains(awaited, StringComparison.Ordinal) || !answer.StartsWith("HTTP/1.1 200", StringComparison.Ordinal)) return false;
            if (Interlocked.CompareExchange(ref asked, null, awaited) != awaited) return false;
            // The process is dead before this returns its first promise.
            _ = server.KillAsync().ContinueWith(_ => killed!.SetResult(), TaskScheduler.Default);
            return true;
        });
        using var crowd = new Crowd(proxy.Address, @operator, dice.Another());
        await server.StartAsync();
        foreach (var write in GrantWrite.OfRound(database == "SQLite" ? 0 : 2))
        {
            await crowd.WorkUntilAsync(100 + dice.Below(200), async () =>
            {
                killed = new TaskCompletionSource();
                Volatile.Write(ref asked, write.Asked);
                await killed.Task;
            });
            await crowd.SignInSoonAfterAsync(() => server.StartAsync());
            await crowd.SettleAsync();
        }
        proxy.Lost.ShouldBe(GrantWrite.OfRound(0).Count);
    });
}
