using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace ProofKey.Tests.Kills;

/// <summary>Programs that do not outlive this one, also where a signal ends it before its tests could.</summary>
internal static class Children
{
    private static readonly ConcurrentDictionary<Process, bool> Living = new();

    private static readonly PosixSignalRegistration[] Signals = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }.Select(signal => PosixSignalRegistration.Create(signal, _ => KillAll()))];

    public static void Start(Process process)
    {
        process.Start();
        Living[process] = true;
        GC.KeepAlive(Signals);
    }

    /// <summary>Ends one in some way, and waits until it has gone.</summary>
    public static async Task EndAsync(Process process, Action<Process> end)
    {
        end(process);
        await process.WaitForExitAsync();
        Living.TryRemove(process, out _);
        process.Dispose();
    }

    private static void KillAll()
    {
        foreach (var process in Living.Keys)
        {
            try
            {
                process.Kill();
            }
            catch (InvalidOperationException)
            {
                // It was disposed meanwhile; the rest must not live on for that.
            }
        }
    }
}
