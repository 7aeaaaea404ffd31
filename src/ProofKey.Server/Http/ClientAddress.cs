using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;

namespace ProofKey.Server.Http;

/// <summary>Where a request came from.</summary>
internal static class ClientAddress
{
    /// <summary>The whole address, for the audit trail.</summary>
    public static string Whole(HttpContext context) => Plain(context)?.ToString() ?? "unknown";

    /// <summary>The network, as far as limits tell them apart: an IPv4 address, or the /64 of an IPv6 one.</summary>
    public static string Of(HttpContext context)
    {
        if (Plain(context) is not { } address) return "unknown";
        if (address.AddressFamily != AddressFamily.InterNetworkV6 || IPAddress.IsLoopback(address)) return address.ToString();
        // Whoever has one IPv6 address has 2^64 of them.
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return $"{new IPAddress(bytes)}/64";
    }

    /// <summary>The network around one that <see cref="Of"/> named: the /16 of an IPv4 address, the /32 of an IPv6 one.</summary>
    public static string Wider(string network)
    {
        if (!IPAddress.TryParse(network.AsSpan(0, network.IndexOf('/', StringComparison.Ordinal) is >= 0 and var end ? end : network.Length), out var address)) return network;
        var bytes = address.GetAddressBytes();
        var kept = address.AddressFamily == AddressFamily.InterNetworkV6 ? 4 : 2;
        bytes.AsSpan(kept).Clear();
        return $"{new IPAddress(bytes)}/{kept * 8}";
    }

    private static IPAddress? Plain(HttpContext context) => context.Connection.RemoteIpAddress is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4() : context.Connection.RemoteIpAddress;
}
