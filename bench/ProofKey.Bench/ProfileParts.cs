using System.Globalization;

namespace ProofKey.Bench;

/// <summary>
/// Sorts the samples of <c>perf script</c>, read from standard input, into parts that a reader of our code knows. A sample counts once: native
/// ones by the library or the system call that was running, managed ones by the innermost frame that belongs to a part.
/// </summary>
internal static class ProfileParts
{
    // The first that fits. Native libraries leave no frame pointers, so who called them is not known.
    private static readonly (string Part, string[] Signs)[] Native =
    [
        ("garbage collector", [".NET Server GC", ".NET BGC", ".NET GC"]),
        ("compiler", [".NET Tiered", "libclrjit"]),
        ("kernel: sending and receiving", ["sys_sendto", "sys_sendmsg", "sys_recvfrom", "sys_recvmsg", "sys_epoll"]),
        ("kernel: commit (fdatasync, log)", ["sys_fdatasync", "sys_fsync", "sys_pwrite", "sys_ftruncate"]),
        ("kernel: database reads and locks", ["sys_pread", "sys_fcntl", "sys_newfstat"]),
        ("kernel: threads that spin, wait and wake", ["sys_sched_yield", "sys_futex", "sched_yield"]),
        ("kernel: other", ["[kernel"]),
        ("cryptography (OpenSSL)", ["libcrypto", "Cryptography.Native"]),
        ("SQLite", ["libsqlite3", "libe_sqlite3"]),
        ("C library (allocation, locks)", ["libc.so", "ld-linux", "libm.so", "libpthread", "[vdso]"]),
        ("runtime (allocation, casts, calls into C)", ["libcoreclr", "libSystem.Native"]),
    ];

    private static readonly (string Part, string[] Signs)[] Managed =
    [
        ("thread pool", ["LowLevelLifoSemaphore", "LowLevelSpinWaiter", "PortableThreadPool", "ThreadPoolWorkQueue"]),
        ("database driver", ["Microsoft.Data.Sqlite", "SQLitePCL", "Npgsql"]),
        ("ours: statements and rows", ["ProofKey.Server.Storage"]),
        ("ours: sealing and keys", ["ProofKey.Server.Keys", "ProofKey.Server.Protocol.SealedPayload"]),
        ("ours: tokens and signatures", ["ProofKey.Jose", "TokenIssuer", "ProofKey.Secret"]),
        ("ours: rules, parameters, answers", ["ProofKey."]),
        ("HTTP (Kestrel, routing)", ["Microsoft.AspNetCore", "System.IO.Pipelines", "System.Net.Sockets", "Microsoft.Extensions", "Microsoft.Net.Http"]),
    ];

    public static void Report(TextReader samples, double microseconds)
    {
        var counts = new Dictionary<string, int>();
        var sample = new List<string>();
        for (var line = samples.ReadLine(); line is not null; line = samples.ReadLine())
        {
            if (line.Length > 0)
            {
                sample.Add(line);
                continue;
            }
            Count(counts, sample);
            sample.Clear();
        }
        Count(counts, sample);
        var all = counts.Values.Sum();
        Console.WriteLine($"| part | share | µs of {microseconds:F0} |\n|---|---|---|");
        foreach (var (part, count) in counts.OrderByDescending(each => each.Value))
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {part} | {count / (double)all:P1} | {microseconds * count / all:F0} |"));
    }

    private static void Count(Dictionary<string, int> counts, List<string> sample)
    {
        if (sample.Count < 2) return;
        var part = PartOf(sample[0], sample[1..]);
        counts[part] = counts.GetValueOrDefault(part) + 1;
    }

    private static string PartOf(string thread, List<string> frames)
    {
        // A frame of the runtime's own map is managed code.
        if (!frames[0].Contains("/perf-", StringComparison.Ordinal)) return NativePartOf(thread, frames);
        foreach (var frame in frames)
            if (Managed.FirstOrDefault(each => Has(frame, each.Signs)).Part is { } part) return part;
        return "platform (System.*) elsewhere";
    }

    private static string NativePartOf(string thread, List<string> frames)
    {
        var inKernel = frames.TakeWhile(frame => frame.Contains("[kernel", StringComparison.Ordinal)).ToList();
        var shown = inKernel.Count == 0 ? [frames[0]] : inKernel;
        foreach (var (part, signs) in Native)
            if (Has(thread, signs) || shown.Exists(frame => Has(frame, signs))) return part;
        // Code that was compiled ahead of time is in no map: it is the platform's.
        return "platform (System.*) elsewhere";
    }

    private static bool Has(string text, string[] signs) => Array.Exists(signs, sign => text.Contains(sign, StringComparison.Ordinal));
}
