namespace ProofKey.Chaos;

/// <summary>The server has done and kept what it was asked, and the answer never arrives.</summary>
public sealed class LostAnswerTests
{
    [Theory]
    [InlineData("SQLite")]
    [InlineData("PostgreSQL")]
    [Assertion("RT-04")]
    [Assertion("TK-06")]
    public Task Answers_that_are_lost_after_the_commit_lock_no_honest_client_out(string database) => Rounds.RunAsync(async dice =>
    {
        var (time, wire, isBroken) = (new ShiftedTime(), dice.Another(), true);
        using var data = await ServerData.NewAsync(database);
        await using var @operator = await Operator.OpenAsync(data.Open(), time);
        await using var server = await HostedServer.StartAsync(data.Open(), time);
        await using var proxy = new CuttingProxy(new Uri(server.Address).Port, (asked, _) =>
        {
            lock (wire) return asked.StartsWith("POST ", StringComparison.Ordinal) && isBroken && wire.Hits(20);
        });
        // A code that waits to be sent again dies while time is moved on.
        using var crowd = new Crowd(proxy.Address, @operator, dice.Another()) { TimeMoves = true };
        for (var pass = 0; pass < 4; pass++)
        {
            // Past the leeway: what was lost before comes back late.
            await crowd.WorkUntilAsync(300 + dice.Below(300), () =>
            {
                time.Shift += TimeSpan.FromSeconds(pass % 2 == 0 ? 11 : 300);
                return Task.CompletedTask;
            });
        }
        proxy.Lost.ShouldBeGreaterThan(100);
        isBroken = false;
        await crowd.SettleAsync();
    });
}
