using System.Net.Sockets;

namespace ProofKey.Client.Loopback;

/// <summary>
/// The places for connections, so many and no more. Nobody keeps a place by saying nothing: when all are taken and another connection comes,
/// the oldest one gives way of those that have not brought a request of our sign-in. Each has a moment before that, in which a browser sends its request.
/// </summary>
internal sealed class LoopbackPlaces : IAsyncDisposable
{
    public const int Count = 256;

    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(100);

    private readonly SemaphoreSlim _free = new(Count, Count);
    // Who may have to give way, the oldest first.
    private readonly List<Place> _strangers = [];

    /// <summary>What a connection has from <see cref="TakeAsync"/> to <see cref="Leave"/>.</summary>
    public sealed class Place(Socket connection)
    {
        public Socket Connection => connection;

        public long Since { get; } = TimeProvider.System.GetTimestamp();
    }

    /// <summary>Takes a place for a connection that was just accepted. It is closed when it has to give way.</summary>
    public async Task<Place> TakeAsync(Socket connection, CancellationToken cancel)
    {
        if (!await _free.WaitAsync(MomentOfTheOldest(), cancel))
        {
            CloseTheOldest();
            await _free.WaitAsync(cancel);
        }
        var place = new Place(connection);
        lock (_strangers) _strangers.Add(place);
        return place;
    }

    /// <summary>Keeps the place for one that has brought a request of our sign-in; <see langword="false"/> when it had to give way already.</summary>
    public bool TryKeep(Place place)
    {
        lock (_strangers) return _strangers.Remove(place);
    }

    /// <summary>Frees the place of a connection that is closed.</summary>
    public void Leave(Place place)
    {
        TryKeep(place);
        _free.Release();
    }

    /// <summary>Waits until all places are free, after the last connection was accepted.</summary>
    public async ValueTask DisposeAsync()
    {
        for (var place = 0; place < Count; place++) await _free.WaitAsync();
        _free.Dispose();
    }

    // How much of it is left.
    private TimeSpan MomentOfTheOldest()
    {
        lock (_strangers)
        {
            var left = _strangers is [var oldest, ..] ? Moment - TimeProvider.System.GetElapsedTime(oldest.Since) : Moment;
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    private void CloseTheOldest()
    {
        lock (_strangers)
        {
            if (_strangers is not [var oldest, ..]) return;
            _strangers.RemoveAt(0);
            oldest.Connection.Dispose();
        }
    }
}
