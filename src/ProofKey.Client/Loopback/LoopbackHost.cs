using System.Globalization;

namespace ProofKey.Client.Loopback;

/// <summary>Which hosts of a request mean the listener.</summary>
internal static class LoopbackHost
{
    /// <summary>Whether a host is one of ours.</summary>
    /// <param name="host">The Host field.</param>
    /// <param name="port">The port that is listened on.</param>
    /// <param name="isLocalhost">Whether the redirect URI says <c>localhost</c>.</param>
    public static bool IsOurs(string host, int port, bool isLocalhost)
    {
        // The port of http may be left out, and browsers leave it out.
        var after = string.Create(CultureInfo.InvariantCulture, $":{port}");
        var name = host.EndsWith(after, StringComparison.Ordinal) ? host[..^after.Length] : port == 80 ? host : "";
        return name is "127.0.0.1" or "[::1]" || (isLocalhost && name == "localhost");
    }
}
