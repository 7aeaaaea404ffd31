using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace ProofKey.Testing;

/// <summary>The connections of a server that are open, to be ended by it.</summary>
internal sealed class OpenConnections
{
    private readonly ConcurrentDictionary<ConnectionContext, Task> _ends = new();

    /// <summary>Watches a connection.</summary>
    public ConnectionDelegate WatchAsync(ConnectionDelegate next) => connection =>
    {
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _ends[connection] = end.Task;
        connection.ConnectionClosed.Register(() =>
        {
            _ends.TryRemove(connection, out _);
            end.SetResult();
        });
        return next(connection);
    };

    /// <summary>Asks those that are open now to end, and waits until they have.</summary>
    public Task EndAsync(CancellationToken cancel)
    {
        var open = _ends.ToArray();
        foreach (var (connection, _) in open) connection.Features.GetRequiredFeature<IConnectionLifetimeNotificationFeature>().RequestClose();
        return Task.WhenAll(open.Select(one => one.Value)).WaitAsync(cancel);
    }
}
