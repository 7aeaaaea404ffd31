namespace ProofKey.Jose;

/// <summary>
/// Open handles of one key, at most one idle per processor. The platform promises nothing about one handle used by several threads at
/// once, so each operation borrows a handle for itself.
/// </summary>
internal sealed class KeyPool<TKey>(Func<TKey> open)
    where TKey : class, IDisposable
{
    private readonly TKey?[] _idle = new TKey?[Environment.ProcessorCount];
    private volatile bool _closed;

    public TKey Borrow()
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        var start = (int)((uint)Thread.GetCurrentProcessorId() % (uint)_idle.Length);
        for (var i = start; i < start + _idle.Length; i++)
            if (Interlocked.Exchange(ref _idle[i % _idle.Length], null) is { } key) return key;
        return open();
    }

    public void Return(TKey key)
    {
        var start = (int)((uint)Thread.GetCurrentProcessorId() % (uint)_idle.Length);
        for (var i = start; i < start + _idle.Length && !_closed; i++)
            if (Interlocked.CompareExchange(ref _idle[i % _idle.Length], key, null) is null)
            {
                // Close may have passed this place just before the handle came back.
                if (_closed) Empty();
                return;
            }
        key.Dispose();
    }

    public void Close()
    {
        _closed = true;
        Empty();
    }

    private void Empty()
    {
        for (var i = 0; i < _idle.Length; i++)
            Interlocked.Exchange(ref _idle[i], null)?.Dispose();
    }
}
