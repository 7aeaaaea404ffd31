using Microsoft.Extensions.Hosting;

namespace ProofKey.Server.Storage;

/// <summary>Deletes what has ended, by index and in small steps, so that no request waits long for the writer.</summary>
internal sealed class Cleanup(Database database, ServerOptions options, TimeProvider time, ILogger<Cleanup> logger) : BackgroundService
{
    /// <summary>How long an ended row stays: far longer than any code lives, so that no code can be redeemed a second time.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromHours(1);

    private const long StepSize = 500;

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
                limit {StepSize})
            """), cancellation);
        deleted += await RepeatAsync(() => database.WriteAsync(
            $"delete from pushed_request where id in (select id from pushed_request where expires_at < {before} limit {StepSize})"), cancellation);
        deleted += await RepeatAsync(() => database.WriteAsync(
            $"delete from device_code where id in (select id from device_code where expires_at < {before} limit {StepSize})"), cancellation);
        deleted += await RepeatAsync(() => database.WriteAsync(
            $"delete from user_code_try where asker in (select asker from user_code_try where tried_at < {before} limit {StepSize})"), cancellation);
        var recordedBefore = (time.GetUtcNow() - options.AuditRetention).ToUnixTimeMilliseconds();
        deleted += await RepeatAsync(() => database.WriteAsync(
            $"delete from audit_event where id in (select id from audit_event where at < {recordedBefore} limit {StepSize})"), cancellation);
        deleted += await RepeatAsync(() => database.WriteAsync(
            $"delete from used_assertion where id in (select id from used_assertion where expires_at < {before} limit {StepSize})"), cancellation);
        return deleted + await RepeatAsync(() => database.WriteAsync(
            $"delete from session where id in (select id from session where expires_at < {before} limit {StepSize})"), cancellation);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMinutes(10), time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
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

    private static async Task<int> RepeatAsync(Func<ValueTask<int>> step, CancellationToken cancellation)
    {
        var total = 0;
        int deleted;
        do total += deleted = await step();
        while (deleted == StepSize && !cancellation.IsCancellationRequested);
        return total;
    }
}
