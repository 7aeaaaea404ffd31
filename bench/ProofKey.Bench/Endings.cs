using System.Runtime.InteropServices;

namespace ProofKey.Bench;

/// <summary>What this run has started and left lying about, so that all of it goes when a signal ends the run: no finally block is reached then.</summary>
internal static class Endings
{
    private static readonly List<IDisposable> Running = [];
    private static readonly List<PosixSignalRegistration> Signals = [];
    private static bool _hasBegun;

    /// <summary>Whether a signal is ending the run. What fails from now on fails for that.</summary>
    public static bool HasBegun
    {
        get
        {
            lock (Running) return _hasBegun;
        }
    }

    /// <summary>Ends everything when a signal comes, and this program with it.</summary>
    /// <param name="folder">What else goes.</param>
    public static void OnSignal(string folder)
    {
        foreach (var signal in (PosixSignal[])[PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGHUP, PosixSignal.SIGQUIT])
            Signals.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                EndAll(folder);
                // As a shell says it of a program that a signal ended.
                Environment.Exit(128 + (signal switch { PosixSignal.SIGHUP => 1, PosixSignal.SIGINT => 2, PosixSignal.SIGQUIT => 3, _ => 15 }));
            }));
    }

    /// <summary>From now on it ends with the run.</summary>
    public static void Add(IDisposable started)
    {
        lock (Running)
        {
            if (!_hasBegun)
            {
                Running.Add(started);
                return;
            }
        }
        started.Dispose();
    }

    /// <summary>Ends it, once: whoever comes second waits for the first.</summary>
    public static void End(IDisposable started, Action end)
    {
        lock (started)
        {
            lock (Running)
                if (!Running.Contains(started)) return;
            try
            {
                end();
            }
            finally
            {
                lock (Running) Running.Remove(started);
            }
        }
    }

    private static void EndAll(string folder)
    {
        lock (Running) _hasBegun = true;
        // Servers before their databases: the newest first. Each takes itself out of the list.
        while (true)
        {
            IDisposable? last;
            lock (Running) last = Running.LastOrDefault();
            if (last is null) break;
            last.Dispose();
        }
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }
}
