using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;

namespace ProofKey.Server.Http;

/// <summary>The network that a request came from, as far as limits tell them apart: an IPv4 address, or the /64 of an IPv6 one.</summary>
internal static class ClientAddress
{
    public static string Of(HttpContext context)
    {
        if (context.Connection.RemoteIpAddress is not { } address) return "unknown";
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6 || IPAddress.IsLoopback(address)) return address.ToString();
        // Whoever has one IPv6 address has 2^64 of them.
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return $"{new IPAddress(bytes)}/64";
    }
}
