using System.Runtime.InteropServices;

namespace ProofKey.Server.Accounts;

/// <summary>
/// Where password hashes wait. They are slow on purpose, so they run on threads of their own, on half of the processors at most: a flood of sign-ins
/// leaves the other half to everyone else. The queue is short, and addresses take turns in it; who finds it full is told so at once.
/// </summary>
internal sealed partial class HashQueue : IDisposable
{
    /// <summary>How many hashes run or wait at once.</summary>
    public const int MaxPlaces = 128;

    /// <summary>How many of these one network has at most.</summary>
    public const int MaxPlacesOfOne = 64;

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _waiting = new(0);
    private readonly Dictionary<string, Line> _lines = [];
    private readonly Queue<Line> _turns = [];
    private readonly CancellationTokenSource _stopping = new();
    private int _places;
    private bool _isRunning;

    /// <summary>How many hashes are run at the same time.</summary>
    public static int Threads { get; } = Math.Max(1, Environment.ProcessorCount / 2);

    /// <summary>How many hashes run or wait.</summary>
    public int Length => Volatile.Read(ref _places);

    /// <summary>Takes a place, before anything is counted or read.</summary>
    /// <returns>The place, to be given back; <see langword="null"/> when none is free.</returns>
    public Place? TryEnter(string address)
    {
        lock (_gate)
        {
            if (!_lines.TryGetValue(address, out var line)) line = new Line(address);
            if (_places >= MaxPlaces || line.Places >= MaxPlacesOfOne) return null;
            _lines[address] = line;
            _places++;
            line.Places++;
            Telemetry.HashesChanged(1);
            return new Place(this, line);
        }
    }

    public void Dispose()
    {
        _stopping.Cancel();
        lock (_gate)
            foreach (var line in _turns)
                while (line.Jobs.TryDequeue(out var job)) job.Cancel();
    }

    private void Add(Line line, Job job)
    {
        lock (_gate)
        {
            if (!_isRunning) Start();
            line.Jobs.Enqueue(job);
            if (line.Jobs.Count == 1) _turns.Enqueue(line);
        }
        _waiting.Release();
    }

    private void Leave(Line line)
    {
        lock (_gate)
        {
            _places--;
            Telemetry.HashesChanged(-1);
            if (--line.Places == 0) _lines.Remove(line.Address);
        }
    }

    // Not before somebody signs in: a server that starts has better things to do.
    private void Start()
    {
        _isRunning = true;
        for (var i = 0; i < Threads; i++) new Thread(Work) { IsBackground = true, Name = "password hashes", Priority = ThreadPriority.BelowNormal }.Start();
    }

    private void Work()
    {
        YieldToOthers();
        try
        {
            while (true)
            {
                _waiting.Wait(_stopping.Token);
                Next()?.Run();
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    // .NET does not pass a thread's priority on to Linux, where each thread has a nice value of its own.
    private static void YieldToOthers()
    {
        const int process = 0, thisThread = 0, nice = 10;
        try
        {
            if (OperatingSystem.IsLinux()) _ = SetPriority(process, thisThread, nice);
        }
        catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException)
        {
            // A system that is built in another way: half of the processors stay free all the same.
        }
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetPriority(int which, int who, int value);

    // One of each address in turn, so that a flood from one keeps nobody else waiting for long.
    private Job? Next()
    {
        lock (_gate)
        {
            if (!_turns.TryDequeue(out var line)) return null;
            var job = line.Jobs.Dequeue();
            if (line.Jobs.Count > 0) _turns.Enqueue(line);
            return job;
        }
    }

    /// <summary>A place in the queue.</summary>
    public sealed class Place : IDisposable
    {
        private readonly HashQueue _queue;
        private readonly Line _line;

        internal Place(HashQueue queue, Line line) => (_queue, _line) = (queue, line);

        /// <summary>Runs a hash when it is this place's turn. Whoever has gone by then costs nothing more.</summary>
        public Task<bool> RunAsync(Func<bool> hash, CancellationToken cancellation)
        {
            var job = new Job(hash, cancellation);
            _queue.Add(_line, job);
            return job.Done;
        }

        public void Dispose() => _queue.Leave(_line);
    }

    /// <summary>The hashes of one address.</summary>
    internal sealed class Line(string address)
    {
        public string Address => address;

        public int Places { get; set; }

        public Queue<Job> Jobs { get; } = [];
    }

    /// <summary>A hash that waits.</summary>
    internal sealed class Job(Func<bool> hash, CancellationToken cancellation)
    {
        private readonly System.Diagnostics.ActivityContext _parent = System.Diagnostics.Activity.Current?.Context ?? default;
        private readonly TaskCompletionSource<bool> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<bool> Done => _done.Task;

        public void Cancel() => _done.TrySetCanceled(cancellation);

        public void Run()
        {
            if (cancellation.IsCancellationRequested)
            {
                Cancel();
                return;
            }
            try
            {
                using var span = Telemetry.Span("password hash", _parent);
                _done.TrySetResult(hash());
            }
            catch (FormatException)
            {
                // A stored hash that cannot be read matches nothing.
                _done.TrySetResult(false);
            }
        }
    }
}
