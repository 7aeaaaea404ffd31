namespace ProofKey.Chaos;

/// <summary>The program is killed under load, again and again; what its clients were told still holds.</summary>
public sealed class KilledServerTests
{
    [Theory]
    [InlineData("SQLite", "tolerant")]
    [InlineData("SQLite", "strict")]
    [InlineData("PostgreSQL", "tolerant")]
    [InlineData("PostgreSQL", "strict")]
    [Assertion("RT-04")]
    [Assertion("RT-09")]
    [Assertion("TK-06")]
    [Assertion("TK-21")]
    public Task What_clients_were_told_holds_after_every_kill(string database, string rotation) => Rounds.RunAsync(async dice =>
    {
        using var data = await ServerData.NewAsync(database);
        await using var @operator = await Operator.OpenAsync(data.Open());
        await using var server = new ServerProcess(data.Options) { Options = ["--rotation", rotation] };
        using var crowd = new Crowd(server.Address, @operator, dice.Another()) { IsStrict = rotation == "strict" };
        await server.StartAsync();
        for (var kill = 0; kill < 2; kill++)
        {
            // After so many answers that the kill hits any of the steps.
            await crowd.WorkUntilAsync(200 + dice.Below(500), server.KillAsync);
            await crowd.SignInSoonAfterAsync(() => server.StartAsync());
            await crowd.SettleAsync();
        }
    });
}
