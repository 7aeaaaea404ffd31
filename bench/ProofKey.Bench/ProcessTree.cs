using System.Globalization;

namespace ProofKey.Bench;

/// <summary>A process with everything below it, as Linux counts them: a database that forks for each connection is one tree.</summary>
internal sealed class ProcessTree(int root)
{
    // What sysconf(_SC_CLK_TCK) says on every Linux that .NET runs on.
    private const double TicksPerSecond = 100;

    /// <summary>User and system time so far, that of children which have ended included.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            var all = ReadAll();
            var ticks = all.Values.Where(process => IsInTree(process, all)).Sum(process => process.Ticks);
            return TimeSpan.FromSeconds(ticks / TicksPerSecond);
        }
    }

    /// <summary>Resident memory of the first process in megabytes.</summary>
    public double ResidentMegabytes
    {
        get
        {
            var line = File.ReadLines($"/proc/{root}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
            return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
        }
    }

    private bool IsInTree(Stat process, Dictionary<int, Stat> all)
    {
        for (Stat? each = process; each is not null; each = all.GetValueOrDefault(each.Parent))
            if (each.Id == root) return true;
        return false;
    }

    private static Dictionary<int, Stat> ReadAll()
    {
        var all = new Dictionary<int, Stat>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id) && Read(id) is { } stat) all.Add(id, stat);
        return all;
    }

    private static Stat? Read(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");
            // The name, in brackets, may hold anything.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return new Stat(id, int.Parse(fields[1], CultureInfo.InvariantCulture), fields[11..15].Sum(field => long.Parse(field, CultureInfo.InvariantCulture)));
        }
        catch (IOException)
        {
            // It ended meanwhile.
            return null;
        }
    }

    private sealed record Stat(int Id, int Parent, long Ticks);
}
