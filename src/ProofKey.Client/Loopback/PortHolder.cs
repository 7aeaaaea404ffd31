using System.Globalization;
using System.Net;

namespace ProofKey.Client.Loopback;

/// <summary>The program that listens on a port, where the system tells: Linux does, about programs of the same user (proc_net(5), proc_pid_fd(5)).</summary>
/// <param name="Process">Its number.</param>
/// <param name="Name">What the system calls it.</param>
internal sealed record PortHolder(int Process, string Name)
{
    private const string Listens = "0A";

    // Whoever listens on one of these has the port that we want.
    private static readonly IPAddress[] Ours = [IPAddress.Loopback, IPAddress.Any, IPAddress.IPv6Loopback, IPAddress.IPv6Any, IPAddress.Loopback.MapToIPv6(), IPAddress.Any.MapToIPv6()];

    /// <summary>Looks for it.</summary>
    /// <param name="port">The port.</param>
    /// <returns>It, or <see langword="null"/> where the system does not tell.</returns>
    public static PortHolder? Find(int port)
    {
        if (!OperatingSystem.IsLinux()) return null;
        var sockets = Listening(port).Where(one => Ours.Contains(one.Address)).Select(one => one.Socket).ToHashSet(StringComparer.Ordinal);
        if (sockets.Count == 0) return null;
        // A child that inherited the socket has a higher number than the program that opened it.
        var found = Programs().Order().FirstOrDefault(process => Has(process, sockets));
        return found == 0 ? null : new PortHolder(found, ServerText.Shown(Lines($"/proc/{found}/comm").FirstOrDefault()));
    }

    /// <summary>How a message says it.</summary>
    /// <returns>Number and name.</returns>
    public override string ToString() => Process == Environment.ProcessId ? "this program" : string.Create(CultureInfo.InvariantCulture, $"process {Process} ({Name})");

    /// <summary>The addresses of this machine on which somebody listens on a port, each with its socket.</summary>
    internal static IEnumerable<(IPAddress Address, string Socket)> Listening(int port)
    {
        // number, address:port, peer, state, ..., inode
        foreach (var fields in Lines("/proc/net/tcp").Concat(Lines("/proc/net/tcp6")).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
            if (fields.Length >= 10 && fields[3] == Listens && fields[1].Split(':') is [var address, var number] && number == port.ToString("X4", CultureInfo.InvariantCulture))
                yield return (AddressOf(address), $"socket:[{fields[9]}]");
    }

    // It is written as numbers of 32 bits of the machine.
    private static IPAddress AddressOf(string hex) =>
        new([.. Enumerable.Range(0, hex.Length / 8).SelectMany(word => BitConverter.GetBytes(Convert.ToUInt32(hex.Substring(word * 8, 8), 16)))]);

    private static IEnumerable<int> Programs() =>
        Directory.EnumerateDirectories("/proc").Select(folder => int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var process) ? process : 0).Where(process => process > 0);

    private static bool Has(int process, HashSet<string> sockets)
    {
        try
        {
            return Directory.EnumerateFiles($"/proc/{process}/fd").Any(file => new FileInfo(file).LinkTarget is { } target && sockets.Contains(target));
        }
        catch (Exception unseen) when (unseen is IOException or UnauthorizedAccessException)
        {
            // Another user's, or it has ended meanwhile.
            return false;
        }
    }

    private static string[] Lines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
