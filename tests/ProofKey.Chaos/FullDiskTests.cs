namespace ProofKey.Chaos;

/// <summary>The disk takes no more bytes, while everybody works.</summary>
public sealed class FullDiskTests
{
    [Fact]
    [Assertion("TK-21")]
    [Assertion("RT-12")]
    public Task A_disk_that_takes_no_more_bytes_loses_nothing_and_hands_out_nothing() => Rounds.RunAsync(async dice =>
    {
        // Windows has no limit on the length of a process's files.
        if (OperatingSystem.IsWindows()) return;
        using var data = new ServerData();
        await using var @operator = await Operator.OpenAsync(data.Open());
        // To the letter: of what could not be kept, not even a sequence may have moved.
        await using var server = new ServerProcess(data.Options) { Options = ["--rotation", "strict"] };
        using var crowd = new Crowd(server.Address, @operator, dice.Another()) { IsStrict = true, MayBeUnavailable = true };
        await server.StartAsync(fileBlocks: 1000 + dice.Below(1000));
        await crowd.WorkUntilUnavailableAsync(50 + dice.Below(200), server.KillAsync);

        await crowd.SignInSoonAfterAsync(() => server.StartAsync());
        await crowd.SettleAsync();
    });
}
