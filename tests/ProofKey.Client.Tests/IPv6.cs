using System.Net;
using System.Net.Sockets;

namespace ProofKey.Client.Tests;

/// <summary>The other loopback address, which browsers look for first where a redirect URI says <c>localhost</c>.</summary>
internal static class IPv6
{
    private static readonly Lazy<bool> IsThere = new(CanListen);

    /// <summary>[::1]; a machine without it proves nothing about it, and the test fails.</summary>
    public static IPAddress Loopback
    {
        get
        {
            if (!IsThere.Value) Assert.Fail("This machine has no [::1]: enable IPv6 on loopback (sysctl net.ipv6.conf.lo.disable_ipv6=0).");
            return IPAddress.IPv6Loopback;
        }
    }

    private static bool CanListen()
    {
        try
        {
            using var listener = new TcpListener(IPAddress.IPv6Loopback, 0);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
