using Microsoft.Extensions.Hosting;

namespace ProofKey.Server.Storage;

/// <summary>Deletes what has ended, by index and in small steps, so that no request waits long for the writer.</summary>
internal sealed class Cleanup(Database database, ServerOptions options, TimeProvider time, ILogger<Cleanup> logger) : BackgroundService
{
    /// <summary>How long an ended row stays: far longer than any code lives, so that no code can be redeemed a second time.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromHours(1);

    private static readonly TimeSpan FirstWait = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    // Where writers take turns, whoever comes during a step waits for all of it: so many rows take less than a millisecond. Elsewhere a step costs a round trip and stands in nobody's way.
    private long StepSize { get; } = database.Dialect.HasManyWriters ? 50 : 10;

    /// <summary>How much longer than a step the pause after it is: nine tenths of the time the database has no more to do than without.</summary>
    private const int PauseForStep = 9;

    // A database so busy that steps are slow must not grow without end for it.
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(100);

    // So many steps write half of what SQLite lets its log grow to.
    private const int StepsForMove = 5;
    private const int MostMoves = 4;

    /// <summary>Deletes everything that has ended.</summary>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        var before = (time.GetUtcNow() - Margin).ToUnixTimeMilliseconds();
        // A client that wants to hear of its session's end is known by this row alone, and a session may be renewed beyond the grant's end.
        var deleted = await RepeatAsync(() => database.WriteAsync(
            $"""
            delete from authorization_grant where id in (
                select g.id from authorization_grant g
                where g.expires_at < {before} and (g.notify is null or not exists (
                    select 1 from session s where s.id = g.session_id and s.ended_at is null and s.expires_at >= {before}))
                order by g.expires_at limit {StepSize})
            """), cancellation);
        deleted += await RepeatAsync(() => database.WriteAsync(
            $"delete from pushed_request where id in (select id from pushed_request where expires_at < {before} order by expires_at limit {StepSize})"), cancellation);
        deleted += await RepeatAsync(() => database.WriteAsync(
            $"delete from device_code where id in (select id from device_code where expires_at < {before} order by expires_at limit {StepSize})"), cancellation);
        deleted += await RepeatAsync(() => database.WriteAsync(
            $"delete from user_code_try where asker in (select asker from user_code_try where tried_at < {before} order by tried_at limit {StepSize})"), cancellation);
        var recordedBefore = (time.GetUtcNow() - options.AuditRetention).ToUnixTimeMilliseconds();
        deleted += await RepeatAsync(() => database.WriteAsync(
            $"delete from audit_event where id in (select id from audit_event where at < {recordedBefore} order by at limit {StepSize})"), cancellation);
        deleted += await RepeatAsync(() => database.WriteAsync(
            $"delete from used_assertion where id in (select id from used_assertion where expires_at < {before} order by expires_at limit {StepSize})"), cancellation);
        return deleted + await RepeatAsync(() => database.WriteAsync(
            $"delete from session where id in (select id from session where expires_at < {before} order by expires_at limit {StepSize})"), cancellation);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The first time soon after the start: a server that never runs for ten minutes prunes as well.
        for (var wait = FirstWait; ; wait = Interval)
        {
            await Task.Delay(wait, time, stoppingToken);
            try
            {
                var deleted = await RunAsync(stoppingToken);
                if (deleted > 0) Log.CleanedUp(logger, deleted);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                Log.CleanupFailed(logger, exception.Message);
            }
        }
    }

    private async Task<int> RepeatAsync(Func<ValueTask<int>> step, CancellationToken cancellation)
    {
        var total = 0;
        for (var steps = 1; ; steps++)
        {
            var begun = time.GetTimestamp();
            var deleted = await step();
            total += deleted;
            if (deleted < StepSize) return total;
            if (steps % StepsForMove == 0) await MoveLogAsync(cancellation);
            var pause = time.GetElapsedTime(begun) * PauseForStep;
            await Task.Delay(pause < LongestPause ? pause : LongestPause, time, cancellation);
        }
    }

    // SQLite moves a long log into its file during the commit of whoever made it too long. Here it is moved beside the commits, and nobody waits. The log
    // begins anew once all of it was moved: what was written meanwhile is moved by the next try, which is short.
    private async Task MoveLogAsync(CancellationToken cancellation)
    {
        if (database.Dialect.HasManyWriters) return;
        for (var tries = MostMoves; tries > 0; tries--)
        {
            var moved = await database.ListAsync($"pragma wal_checkpoint(passive)", row => row.GetInt64(1) == row.GetInt64(2), cancellation);
            if (moved.TrueForAll(all => all)) return;
        }
    }
}
