using System.Buffers.Text;
using System.Diagnostics.Metrics;
using System.Text;
using System.Text.RegularExpressions;

namespace ProofKey.Chaos;

/// <summary>Programs that share a session: they spend one refresh token between them, and whichever of them is killed costs nothing.</summary>
public sealed class TwentyProcessesTests
{
    private const int Many = 20;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Assertion("RT-15")]
    public async Task Twenty_processes_with_an_expired_session_refresh_once_and_say_the_same()
    {
        await using var world = await SharedSession.StartAsync();
        await world.ExpireAsync();
        using var refreshes = new RefreshCount();

        var answers = await Task.WhenAll(Enumerable.Range(0, Many).Select(_ => world.TokenAsync()));

        answers.ShouldAllBe(answer => answer.ExitCode == 0, string.Join('\n', answers.Select(answer => answer.Errors)));
        answers.Select(answer => answer.Output).Distinct().ShouldHaveSingleItem().ShouldNotBeEmpty();
        refreshes.Value.ShouldBe(1);
    }

    // Three kills in the short form; PROOFKEY_CHAOS_ROUNDS times eight in the long one.
    [Fact]
    [Assertion("RT-15")]
    [Assertion("RT-16")]
    public Task A_process_that_is_killed_at_any_moment_ends_no_session() => Rounds.RunAsync(async dice =>
    {
        await using var world = await SharedSession.StartAsync();
        using var refreshes = new RefreshCount();
        for (var kill = 0; kill < (Rounds.AreMany ? 8 : 3); kill++)
        {
            await world.ExpireAsync();
            var running = Enumerable.Range(0, Many).Select(_ => world.Start()).ToList();
            var victim = running[dice.Below(Many)];
            // They start one after another on few processors: a long while, so that a kill hits any of the steps.
            var moment = TimeSpan.FromMilliseconds(dice.Below(4000));
            await Task.WhenAny(Task.Delay(moment, TimeProvider.System, Cancel), victim.Ended);
            victim.Kill();

            var answers = await Task.WhenAll(running.Where(process => process != victim).Select(process => process.EndAsync()));
            var killed = await victim.EndAsync();

            answers.ShouldAllBe(answer => answer.ExitCode == 0, string.Join('\n', answers.Select(answer => answer.Errors)));
            answers.Select(answer => answer.Output).Distinct().Count().ShouldBe(1,
                $"number {running.IndexOf(victim)} was killed after {moment.TotalMilliseconds:0} ms, the {kill + 1}. of this world, exit code {killed.ExitCode}; {refreshes.Value} refreshes so far; issued: {string.Join(' ', answers.Select(answer => IssuedAt(answer.Output)))}; in its folder: {string.Join(' ', world.Files)}");
            (await world.SessionAsync())!.WasInterrupted.ShouldBeFalse();
        }
        await world.ExpireAsync();
        (await world.TokenAsync()).ExitCode.ShouldBe(0);
    });

    [Fact]
    [Assertion("RT-15")]
    [Assertion("RT-16")]
    public async Task An_answer_that_was_lost_after_the_server_rotated_is_healed_without_a_word()
    {
        var loses = false;
        await using var world = await SharedSession.StartAsync(line => line.StartsWith("POST /token", StringComparison.Ordinal) && Volatile.Read(ref loses));
        var before = (await world.SessionAsync())!.RefreshToken;
        await world.ExpireAsync();
        Volatile.Write(ref loses, true);
        var lost = await world.TokenAsync();
        lost.ExitCode.ShouldBe(6, lost.Errors);
        (await world.SessionAsync())!.WasInterrupted.ShouldBeTrue();
        Volatile.Write(ref loses, false);

        var healed = await world.TokenAsync();

        healed.ExitCode.ShouldBe(0, healed.Errors);
        healed.Errors.ShouldBeEmpty();
        var after = (await world.SessionAsync())!;
        after.RefreshToken.ShouldNotBe(before);
        after.Renewing.ShouldBeNull();
    }

    private static string IssuedAt(string token) => Regex.Match(Encoding.UTF8.GetString(Base64Url.DecodeFromChars(token.Split('.')[1])), "\"iat\":[0-9]+").Value;

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
