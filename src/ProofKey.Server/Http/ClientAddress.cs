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

    private static IPAddress? Plain(HttpContext context) => context.Connection.RemoteIpAddress is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4() : context.Connection.RemoteIpAddress;
}
