using System.Diagnostics.Metrics;

namespace ProofKey.Chaos;

/// <summary>Programs that share a session: they spend one refresh token between them, and whichever of them is killed costs nothing.</summary>
public sealed class TwentyProcessesTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Assertion("RT-15")]
    public async Task Twenty_processes_with_an_expired_session_refresh_once_and_say_the_same()
    {
        await using var world = await SharedSession.StartAsync();
        using var refreshes = new RefreshCount();

        var answers = await new OneOfTwenty(world.Vault, world.Start).UndisturbedAsync(Cancel);

        answers.ShouldAllBe(answer => answer.ExitCode == 0, string.Join('\n', answers.Select(answer => answer.Errors)));
        answers.Select(answer => answer.Output).Distinct().ShouldHaveSingleItem().ShouldNotBeEmpty();
        refreshes.Value.ShouldBe(1);
    }

    // Three kills in the short form; PROOFKEY_CHAOS_ROUNDS times eight in the long one.
    [Fact]
    [Assertion("RT-15")]
    [Assertion("RT-16")]
    public async Task A_process_that_is_killed_at_any_moment_ends_no_session()
    {
        var kills = new List<Kill>();
        await Rounds.RunAsync(async dice =>
        {
            await using var world = await SharedSession.StartAsync();
            var twenty = new OneOfTwenty(world.Vault, world.Start);
            await twenty.UndisturbedAsync(Cancel);
            for (var number = 0; number < (Rounds.AreMany ? 8 : 3);)
            {
                var kill = await twenty.KillAsync(dice, whoRenews: number % 2 == 0, Cancel);

                kill.Others.ShouldAllBe(answer => answer.ExitCode == 0, kill.Errors);
                kill.Others.Select(answer => answer.Output).Distinct().Count().ShouldBe(1, $"{kill.Errors}, kill {number + 1} of this world; in its folder: {string.Join(' ', world.Vault.Files)}");
                (await world.Vault.SessionAsync())!.WasInterrupted.ShouldBeFalse();
                if (kill.Moment is null) continue;
                number++;
                kills.Add(kill);
            }
            await world.Vault.ExpireAsync();
            (await world.TokenAsync()).ExitCode.ShouldBe(0);
        });
        Rounds.Tell($"{kills.Count} kills, {Kill.Moments(kills)}");
    }

    [Fact]
    [Assertion("RT-15")]
    [Assertion("RT-16")]
    public async Task An_answer_that_was_lost_after_the_server_rotated_is_healed_without_a_word()
    {
        var loses = false;
        await using var world = await SharedSession.StartAsync(line => line.StartsWith("POST /token", StringComparison.Ordinal) && Volatile.Read(ref loses));
        var before = (await world.Vault.SessionAsync())!.RefreshToken;
        await world.Vault.ExpireAsync();
        Volatile.Write(ref loses, true);
        var lost = await world.TokenAsync();
        lost.ExitCode.ShouldBe(6, lost.Errors);
        (await world.Vault.SessionAsync())!.WasInterrupted.ShouldBeTrue();
        Volatile.Write(ref loses, false);

        var healed = await world.TokenAsync();

        healed.ExitCode.ShouldBe(0, healed.Errors);
        healed.Errors.ShouldBeEmpty();
        var after = (await world.Vault.SessionAsync())!;
        after.RefreshToken.ShouldNotBe(before);
        after.Renewing.ShouldBeNull();
    }

    /// <summary>How many refreshes the server in this process has answered with tokens.</summary>
    private sealed class RefreshCount : IDisposable
    {
        private readonly MeterListener _listener = new();
        private int _value;

        public RefreshCount()
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "proofkey.tokens") listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((_, count, tags, _) =>
            {
                foreach (var (name, value) in tags)
                    if (name == "grant_type" && value is "refresh_token") Interlocked.Add(ref _value, (int)count);
            });
            _listener.Start();
        }

        public int Value => Volatile.Read(ref _value);

        public void Dispose() => _listener.Dispose();
    }
}
