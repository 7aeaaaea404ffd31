using System.Net;
using Microsoft.AspNetCore.HttpOverrides;
using IPNetwork = System.Net.IPNetwork;

namespace ProofKey.Cli.Hosting;

/// <summary>
/// What stands in front of the server. Only a proxy that the operator named is believed, and only for the client's address and scheme
/// (X-Forwarded-For, X-Forwarded-Proto). The issuer is a setting: no header ever changes an address that the server gives out.
/// </summary>
internal static class Proxies
{
    /// <summary>Reads an address or a network, such as 10.0.0.5 or 10.0.0.0/24.</summary>
    /// <exception cref="CommandException">It is neither, or it is everybody.</exception>
    public static IPNetwork Parse(string text)
    {
        var network = IPAddress.TryParse(text, out var address) ? new IPNetwork(address, address.GetAddressBytes().Length * 8) : IPNetwork.TryParse(text, out var parsed) ? parsed
            : throw CommandException.Usage($"{text} is not the address of a proxy.", "Give an address or a network, such as --trusted-proxy 10.0.0.5 or --trusted-proxy 10.0.0.0/24.");
        return network.PrefixLength > 0 ? network
            : throw CommandException.Usage($"{text} is everybody, and whoever is trusted may claim any address.", "Give the addresses of your own proxies.");
    }

    /// <summary>Adds what the proxies ask for, in front of everything else.</summary>
    public static void Use(WebApplication app, IReadOnlyList<IPNetwork> trusted, string issuer)
    {
        if (trusted.Count > 0) app.UseForwardedHeaders(Believing(trusted));
        if (Issuer.TryParse(issuer, out var parsed, out _) && parsed.Path.Length > 0) PutPathBack(app, parsed);
    }

    private static ForwardedHeadersOptions Believing(IReadOnlyList<IPNetwork> trusted)
    {
        // As many hops as are ours: the first address from the right that is nobody's proxy is the client's.
        var options = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto, ForwardLimit = null };
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        foreach (var network in trusted) options.KnownIPNetworks.Add(network);
        return options;
    }

    // A proxy may keep the issuer's path or take it off. Both lead to the same routes; nothing that is given out depends on it.
    private static void PutPathBack(WebApplication app, Issuer issuer)
    {
        app.Use((context, next) =>
        {
            var path = context.Request.Path;
            if (!path.StartsWithSegments(issuer.Path) && path != issuer.MetadataAddress.AbsolutePath) context.Request.Path = new PathString(issuer.Path).Add(path);
            return next(context);
        });
        app.UseRouting();
    }
}
