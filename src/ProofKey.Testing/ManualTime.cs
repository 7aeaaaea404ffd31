namespace ProofKey.Testing;

/// <summary>
/// A clock that stands still until a test moves it. Timers that become due on the way run within the call that moved it, each at its own time, and so do those that
/// they start. One that is due at once runs with the next call, which may move the clock by nothing.
/// </summary>
/// <param name="start">Where it stands at first.</param>
public sealed class ManualTime(DateTimeOffset start) : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<ManualTimer> _timers = [];
    private DateTimeOffset _now = start;

    /// <summary>A clock that stands at some day in the year 2030.</summary>
    public ManualTime()
        : this(new DateTimeOffset(2030, 1, 2, 3, 4, 5, TimeSpan.Zero))
    {
    }

    /// <summary>What it shows; to look here takes no time.</summary>
    public DateTimeOffset Now
    {
        get
        {
            lock (_gate) return _now;
        }
    }

    /// <summary>How much time passes each time that the clock is read; none unless a test says so.</summary>
    public TimeSpan PassesPerRead { get; set; }

    /// <summary>Whether timers run when they are due. Without them, nothing happens but what a test asks for. Default <see langword="true"/>.</summary>
    public bool RunsTimers { get; init; } = true;

    /// <inheritdoc />
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc />
    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate) return _now += PassesPerRead;
    }

    /// <inheritdoc />
    public override long GetTimestamp() => Now.UtcTicks;

    /// <summary>Moves the clock, and runs what becomes due on the way, in its order and as often as its period says.</summary>
    /// <param name="by">How far; backwards is possible too.</param>
    public void Advance(TimeSpan by)
    {
        DateTimeOffset end;
        lock (_gate) end = _now + by;
        while (Next(end, by) is { } timer) timer.Run();
    }

    // The next one that is due by then, with the clock at its time; without any, the clock is at the end.
    private ManualTimer? Next(DateTimeOffset end, TimeSpan by)
    {
        lock (_gate)
        {
            var next = _timers.Where(timer => timer.DueAt <= end).MinBy(timer => timer.DueAt);
            if (next is null) _now = by < TimeSpan.Zero || end > _now ? end : _now;
            else if (next.DueAt > _now) _now = next.DueAt;
            next?.Rearm();
            return next;
        }
    }

    /// <inheritdoc />
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new ManualTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class ManualTimer(ManualTime clock, Action run) : ITimer
    {
        private TimeSpan _period = Timeout.InfiniteTimeSpan;

        public DateTimeOffset DueAt { get; private set; }

        public void Run() => run();

        // The caller holds the gate.
        public void Rearm()
        {
            clock._timers.Remove(this);
            if (_period <= TimeSpan.Zero) return;
            DueAt = clock._now + _period;
            clock._timers.Add(this);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._gate)
            {
                clock._timers.Remove(this);
                _period = period;
                if (dueTime == Timeout.InfiniteTimeSpan || !clock.RunsTimers) return true;
                DueAt = clock._now + dueTime;
                clock._timers.Add(this);
                return true;
            }
        }

        public void Dispose()
        {
            lock (clock._gate) clock._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
