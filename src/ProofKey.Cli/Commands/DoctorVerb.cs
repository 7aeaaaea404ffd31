using System.CommandLine;
using System.Net;
using System.Text.Json;
using ProofKey.Cli.Doctor;
using ProofKey.Cli.Output;
using ProofKey.Server.Storage;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey doctor</c>: looks at a server by its public address, and says how to mend what is lost on the way.</summary>
internal sealed class DoctorVerb : Verb
{
    // The oldest runtime without a hole that is known at the time of this release.
    private static readonly Version MendedRuntime = new(10, 0, 14);

    private readonly Option<string> _server = new("--server") { HelpName = "ISSUER", Description = "The server's public address." };

    public DoctorVerb()
        : base(
            "doctor",
            "Look at a server from outside, and say what a proxy on the way loses.",
            "proofkey doctor --server https://login.example.com",
            "proofkey doctor --server https://login.example.com --data /var/lib/proofkey --json")
    {
        foreach (var option in new Option[] { _server, CommonOptions.Data, CommonOptions.Json }) Add(option);
    }

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        if (!Issuer.TryParse(invocation.Settings.Required(_server), out var issuer, out var problem))
            throw CommandException.Usage(problem, "Give the server's public address, such as --server https://login.example.com");
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, AutomaticDecompression = DecompressionMethods.All }) { Timeout = TimeSpan.FromSeconds(10) };
        List<Finding> found = [Runtime(Environment.Version), .. await new ServerCheckup(issuer, http, invocation.Cancellation).RunAsync()];
        if (invocation.Settings.Text(CommonOptions.Data) is not null) found.Add(await AddressesAsync(invocation, issuer));
        if (invocation.Settings.Flag(CommonOptions.Json)) invocation.Terminal.Write(JsonSerializer.Serialize(found, CliJson.Default.IReadOnlyListFinding));
        else Print(found, invocation.Terminal);
        return found.Exists(finding => finding.State == Finding.Bad) ? ExitCodes.Failed : ExitCodes.Done;
    }

    internal static Finding Runtime(Version version) => version.Major > MendedRuntime.Major || version >= MendedRuntime ? Finding.Fine("runtime", $".NET {version}.")
        : new Finding("runtime", Finding.Warning, $".NET {version} here has holes that are published.", $"Update the runtime to {MendedRuntime} or newer.");

    // A server cannot see what it is not told: if everyone seems to come from this machine or its proxy, the proxy is not trusted.
    private static async Task<Finding> AddressesAsync(Invocation invocation, Issuer issuer)
    {
        await using var administration = await invocation.AdministerAsync();
        var filter = new AuditFilter { Since = TimeProvider.System.GetUtcNow() - TimeSpan.FromDays(7), Kind = "signed-in" };
        var addresses = (await administration.Registry.ReadAuditTrailAsync(filter, null, invocation.Cancellation)).Select(entry => entry.Address).OfType<string>().Distinct().ToList();
        var isPublic = issuer.IsHttps && !new Uri(issuer.Value).IsLoopback;
        return addresses.Count == 0 ? Finding.Fine("addresses", "Nobody has signed in yet.")
            : isPublic && addresses.TrueForAll(address => IPAddress.TryParse(address, out var parsed) && IPAddress.IsLoopback(parsed))
                ? Finding.Broken("addresses", "Everyone seems to come from this machine: that is the proxy.", "Start the server with --trusted-proxy 127.0.0.1, and let the proxy set X-Forwarded-For.")
            : Finding.Fine("addresses", $"People came from {addresses.Count} addresses within a week.");
    }

    private static void Print(List<Finding> found, Terminal terminal)
    {
        foreach (var finding in found)
        {
            terminal.Write($"{(finding.State == Finding.Good ? '✓' : finding.State == Finding.Bad ? '✗' : '!')} {finding.Name,-15} {PlainText.Of(finding.Text)}");
            if (finding.Remedy is not null) terminal.Write($"{"",-18}{PlainText.Of(finding.Remedy)}");
        }
    }
}
