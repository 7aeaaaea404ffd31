namespace ProofKey.Chaos;

/// <summary>A backup is made while everybody works, the server is killed some time later, and the backup takes the place of what it had.</summary>
public sealed class RestoreTests
{
    [Fact]
    [Assertion("RT-17")]
    [Assertion("RT-18")]
    public Task What_clients_were_told_holds_after_a_restore_on_SQLite() => Rounds.RunAsync(async dice =>
    {
        using var data = new ServerData();
        var isMarked = dice.Hits(50);
        var backup = data.FileOf("backup.db");
        await RunAsync(
            dice, data, isMarked,
            backUp: () => ServerProcess.RunAsync(["database", "backup", backup, .. data.Options]),
            restore: async mark =>
            {
                if (isMarked)
                {
                    await mark([backup]);
                    return;
                }
                // As somebody does it who does not know better.
                foreach (var beside in (string[])["proofkey.db-wal", "proofkey.db-shm"]) File.Delete(data.FileOf(beside));
                File.Copy(backup, data.FileOf("proofkey.db"), overwrite: true);
            });
    });

    [Fact]
    [Assertion("RT-17")]
    [Assertion("RT-18")]
    public Task What_clients_were_told_holds_after_a_restore_on_PostgreSQL() => Rounds.RunAsync(async dice =>
    {
        await using var database = await DatabaseServer.NewAsync();
        using var data = new ServerData(database.ConnectionString);
        // The short form has it with the mark on one of the two and without on the other.
        var isMarked = !dice.Hits(50);
        await RunAsync(
            dice, data, isMarked,
            backUp: database.BackUpAsync,
            restore: async mark =>
            {
                await database.RestoreAsync();
                if (isMarked) await mark([]);
            });
    });

    // To the letter, so that each refresh takes its client further ahead of the backup.
    private static async Task RunAsync(Dice dice, ServerData data, bool isMarked, Func<Task> backUp, Func<Func<string[], Task>, Task> restore)
    {
        await using var @operator = await Operator.OpenAsync(data.Open());
        await using var server = new ServerProcess(data.Options) { Options = ["--rotation", "strict"] };
        using var crowd = new Crowd(server.Address, @operator, dice.Another()) { IsStrict = true };
        await server.StartAsync();
        await crowd.WorkUntilAsync(300 + dice.Below(300), () => crowd.BackUpAsync(backUp));
        await crowd.WorkUntilAsync(300 + dice.Below(500), server.KillAsync);

        // The trail that --follow would have brought to another machine.
        var audit = data.FileOf("audit.jsonl");
        await File.WriteAllTextAsync(audit, await ServerProcess.RunAsync(["audit-log", "--since", "1d", "--json", .. data.Options]));
        Rounds.Tell(isMarked ? "restored and marked" : "restored by hand");
        Task mark(string[] file) => ServerProcess.RunAsync(["database", "restore", .. file, "--grants", "keep", "--audit", audit, .. data.Options]);
        await @operator.StandAsideAsync(() => restore(mark));
        if (!isMarked)
        {
            var (explained, refused) = (0, 0);
            server.Hears = line => explained += line.Contains("mark it with: proofkey database restore", StringComparison.Ordinal) ? 1 : 0;
            await server.StartAsync();
            refused = await crowd.MeetUnmarkedAsync();
            await server.StopAsync();
            refused.ShouldBeGreaterThan(0);
            explained.ShouldBe(refused, "the log says of each why, and what to do");
            await mark([]);
        }

        await crowd.SignInSoonAfterAsync(() => server.StartAsync());
        await crowd.GoBackAsync();
        await crowd.SettleAsync();
        (await ServerProcess.RunAsync(["audit-log", "--json", .. data.Options])).ShouldContain("refresh-token-ahead");
        await crowd.WorkUntilAsync(200, () => Task.CompletedTask);
        await crowd.SettleAsync();
    }
}
