namespace ProofKey.Chaos;

/// <summary>The server's clock is set by an hour, forth and back, while everybody works.</summary>
public sealed class ClockJumpTests
{
    [Theory]
    [InlineData("SQLite")]
    [InlineData("PostgreSQL")]
    [Assertion("RT-09")]
    public Task A_clock_that_jumps_by_an_hour_breaks_nothing_and_signs_nobody_out(string database) => Rounds.RunAsync(async dice =>
    {
        var time = new ShiftedTime();
        using var data = await ServerData.NewAsync(database);
        await using var @operator = await Operator.OpenAsync(data.Open(), time);
        await using var server = await HostedServer.StartAsync(data.Open(), time);
        // A code or an access token that was on its way has died when an hour is missing.
        using var crowd = new Crowd(server.Address, @operator, dice.Another()) { TimeMoves = true };
        foreach (var jump in Jumps(dice))
        {
            await crowd.WorkUntilAsync(150 + dice.Below(150), () =>
            {
                time.Shift += jump;
                return Task.CompletedTask;
            });
            await crowd.SignInSoonAfterAsync(() => crowd.WorkUntilAsync(50, () => Task.CompletedTask));
            await crowd.SettleAsync();
        }
    });

    // Twice forth and back, or back and forth, and moments between them in which tokens rotate. Never one and then the other: from an hour back to an
    // hour forth it is two, and who was last seen then has been idle for too long.
    private static IEnumerable<TimeSpan> Jumps(Dice dice)
    {
        var jump = TimeSpan.FromHours(dice.Hits(50) ? 1 : -1);
        for (var pair = 0; pair < 2; pair++)
        {
            yield return jump;
            yield return TimeSpan.FromSeconds(11);
            yield return -jump;
            yield return TimeSpan.FromSeconds(11);
        }
    }
}
