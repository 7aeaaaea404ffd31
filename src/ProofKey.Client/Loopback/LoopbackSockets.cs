using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace ProofKey.Client.Loopback;

/// <summary>Binds a port on both loopback addresses, and on no other.</summary>
internal static class LoopbackSockets
{
    /// <summary>Listens on 127.0.0.1, and on [::1] where the machine has it.</summary>
    /// <param name="port">The port; 0 for a free one.</param>
    /// <param name="forLocalhost">Whether the redirect URI says <c>localhost</c>, which browsers look for at [::1] first: whoever has the port there would get the answer.</param>
    /// <exception cref="SocketException">The port of an address that the redirect URI means is not to be had.</exception>
    public static Socket[] Open(int port, bool forLocalhost)
    {
        // A few tries for a port that is free in both families.
        for (var tries = 0; ; tries++)
        {
            var first = Listen(IPAddress.Loopback, port);
            if (!Socket.OSSupportsIPv6) return [first];
            try
            {
                return [first, Listen(IPAddress.IPv6Loopback, ((IPEndPoint)first.LocalEndPoint!).Port)];
            }
            catch (SocketException taken) when (port == 0 && IsTaken(taken.SocketErrorCode) && tries < 5)
            {
                first.Dispose();
            }
            catch (SocketException taken) when (forLocalhost && IsTaken(taken.SocketErrorCode))
            {
                first.Dispose();
                throw;
            }
            catch (SocketException)
            {
                return [first];
            }
        }
    }

    /// <summary>What to tell when none of the ports could be had.</summary>
    /// <param name="taken">The ports, and why each was not.</param>
    /// <param name="system">Whose remedy it is.</param>
    public static SignInRequiredException NoPort(IReadOnlyList<(int Port, SocketError Error)> taken, SystemKind system)
    {
        var reasons = string.Join(", ", taken.Select(one => string.Create(CultureInfo.InvariantCulture, $"{one.Port} is {ReasonOf(one.Port, one.Error)}")));
        // Windows reserves ranges for Hyper-V, and says "access denied" about them.
        var remedy = taken.Any(one => one.Error == SocketError.AccessDenied) && system == SystemKind.Windows
            ? "See what Windows reserves with: netsh int ipv4 show excludedportrange protocol=tcp. Or register and choose another port."
            : "End the program that has the port, or register and choose another one; a server that follows RFC 8252 section 7.3 takes any.";
        return new SignInRequiredException(SignInRequiredReason.NoPort, "a port of this machine for the answer", taken.Count == 0 ? "none was named" : reasons, remedy);
    }

    internal static bool IsTaken(SocketError error) => error is SocketError.AddressAlreadyInUse or SocketError.AccessDenied;

    private static string ReasonOf(int port, SocketError error) => error switch
    {
        SocketError.AddressAlreadyInUse => $"taken by {PortHolder.Find(port)?.ToString() ?? "another program"}",
        SocketError.AccessDenied => "reserved by the system",
        _ => $"not to be had ({error})",
    };

    private static Socket Listen(IPAddress address, int port)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // On Windows another program could bind the same port beside us.
            if (OperatingSystem.IsWindows()) socket.ExclusiveAddressUse = true;
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen();
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
