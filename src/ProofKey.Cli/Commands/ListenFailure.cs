using System.Globalization;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace ProofKey.Cli.Commands;

/// <summary>Why a server could not listen, as a sentence that names the address and another that mends it.</summary>
internal static class ListenFailure
{
    /// <summary>The failure, when the exception is about listening at all.</summary>
    public static CommandException? Of(Exception exception, IReadOnlyList<string> urls)
    {
        if (exception is IOException { InnerException: AddressInUseException }) return InUse(exception, urls);
        if (exception is SocketException { SocketErrorCode: SocketError.AccessDenied })
            return new(ExitCodes.Failed, $"This user may not listen on {All(urls)}.", "Choose a port above 1023 with --urls, and put a proxy in front.", exception);
        if (exception is SocketException { SocketErrorCode: SocketError.AddressNotAvailable })
            return new(ExitCodes.Failed, $"This machine has no such address: {All(urls)}.", "Choose one of its own with --urls, such as http://127.0.0.1:8080", exception);
        // The second where a certificate comes without its private key.
        if (exception is InvalidOperationException or NotSupportedException && urls.Any(url => url.StartsWith("https:", StringComparison.Ordinal)))
            return new(
                ExitCodes.Failed, "There is no certificate with its private key to listen with https.",
                "Put a proxy that speaks https in front and listen on http, or name the files in Kestrel__Certificates__Default__Path and Kestrel__Certificates__Default__KeyPath.", exception);
        return null;
    }

    private static CommandException InUse(Exception exception, IReadOnlyList<string> urls)
    {
        var taken = urls.FirstOrDefault(url => exception.Message.Contains($":{PortOf(url)}", StringComparison.Ordinal)) ?? urls[0];
        var port = PortOf(taken);
        var other = new UriBuilder(taken.Replace("://*", "://0.0.0.0", StringComparison.Ordinal).Replace("://+", "://0.0.0.0", StringComparison.Ordinal)) { Port = port < 65535 ? port + 1 : port - 1 };
        return new(ExitCodes.Failed, $"Port {port.ToString(CultureInfo.InvariantCulture)} is in use by another program.", $"Stop that program, or choose another port: --urls {other.Uri.GetLeftPart(UriPartial.Authority)}", exception);
    }

    private static int PortOf(string url) => new Uri(url.Replace("://*", "://any", StringComparison.Ordinal).Replace("://+", "://any", StringComparison.Ordinal)).Port;

    private static string All(IReadOnlyList<string> urls) => string.Join(" or ", urls);
}
