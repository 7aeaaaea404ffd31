using System.CommandLine;
using System.Net;
using ProofKey.Cli.Doctor;
using ProofKey.Cli.Output;
using ProofKey.Cli.Sessions;
using ProofKey.Client;
using ProofKey.Server.Storage;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey doctor</c>: looks at this machine, at a provider, or at a server of ours by its public address, and says how to mend what is wrong.</summary>
internal sealed class DoctorVerb : Verb
{
    // The oldest runtime without a hole that is known at the time of this release.
    private static readonly Version MendedRuntime = new(10, 0, 14);

    private const int MostSignIns = 500;

    private readonly Option<string> _issuer = new("--issuer") { HelpName = "URL", Description = "Look at this provider too, as a client does: its metadata, and its clock." };
    private readonly Option<string> _server = new("--server") { HelpName = "ISSUER", Description = "Look at a ProofKey server instead, by its public address: what does a proxy on the way lose?" };

    public DoctorVerb()
        : base(
            "doctor",
            "Look at what a sign-in here needs, or at a server from outside; say how to mend it.",
            "proofkey doctor",
            "proofkey doctor --issuer https://login.example.com -p work",
            "proofkey doctor --server https://login.example.com",
            "proofkey doctor --server https://login.example.com --data /var/lib/proofkey --json")
    {
        foreach (var option in (Option[])[_issuer, CommonOptions.Profile, .. CommonOptions.Keeping, _server, .. CommonOptions.Place, CommonOptions.Json]) Add(option);
    }

    // A variable that is there for another command does not make this a look at a server.
    public override IReadOnlyList<Option> TypedAlone => [_issuer, _server];

    // The key of that name is of serve: what it calls itself.
    public override IReadOnlyList<Option> OfAnotherVerb => [_issuer];

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        List<Finding> found = [Runtime(Environment.Version), .. invocation.Settings.Text(_server) is { } server ? await ServerAsync(invocation, IssuerOf("--server", server)) : await MachineAsync(invocation)];
        if (invocation.Settings.Flag(CommonOptions.Json)) invocation.Terminal.Write(CliJson.Text(found, CliJson.Default.IReadOnlyListFinding));
        else Print(found, invocation.Terminal);
        return found.Exists(finding => finding.State == Finding.Bad) ? ExitCodes.Failed : ExitCodes.Done;
    }

    private static async Task<List<Finding>> ServerAsync(Invocation invocation, Issuer issuer)
    {
        using var http = NewHttp(issuer, DecompressionMethods.All);
        var found = await new ServerCheckup(issuer, http, invocation.Cancellation).RunAsync();
        if (invocation.HasPlace) found.Add(await AddressesOrProblemAsync(invocation, issuer));
        return found;
    }

    private async Task<List<Finding>> MachineAsync(Invocation invocation)
    {
        var (profiles, name) = (Profiles.Of(invocation.Settings), invocation.ProfileName);
        var profile = profiles.Find(name);
        var found = new MachineCheckup(MachineFacts.OfThisMachine).Run(profile);
        found.Add(await MachineCheckup.StoreAsync(ChosenStore.Of(invocation.Settings, profile), profiles, name, invocation.Cancellation));
        if (invocation.Settings.Text(_issuer) is not { } text) return found;
        var issuer = IssuerOf("--issuer", text);
        using var http = NewHttp(issuer, DecompressionMethods.None);
        http.MaxResponseContentBufferSize = ProviderCheckup.MostBytes;
        var promised = await new ProviderCheckup(issuer, http, TimeProvider.System, invocation.Cancellation).RunAsync();
        found.AddRange(promised);
        // What looks good may still be refused: the last word is the client's own.
        if (promised.TrueForAll(finding => finding.State != Finding.Bad) && await RefusalAsync(issuer, profile, invocation.Cancellation) is { } refusal) found.Add(refusal);
        return found;
    }

    private static async Task<Finding?> RefusalAsync(Issuer issuer, Profile? profile, CancellationToken cancellation)
    {
        await using var client = new PublicClient(new ClientOptions
        {
            Issuer = issuer,
            ClientId = "doctor",
            Scope = Scope.Parse(profile?.Issuer == issuer.Value ? profile.Scope : Profile.DefaultScope),
            // Said by another finding.
            AcceptUnadvertisedPkce = true,
        });
        try
        {
            await client.Discovery.ForSignInAsync(cancellation);
            return null;
        }
        catch (ClientException refused)
        {
            return Finding.Broken("endpoints", $"A sign-in would refuse the metadata: expected {refused.Expected}, but {refused.Actual}.", refused.Remedy);
        }
    }

    // As the client does: no redirects, and this machine itself without a proxy.
    private static HttpClient NewHttp(Issuer issuer, DecompressionMethods unfolds) =>
        new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, AutomaticDecompression = unfolds, UseProxy = !new Uri(issuer.Value).IsLoopback }) { Timeout = TimeSpan.FromSeconds(10) };

    private static Issuer IssuerOf(string option, string text) => Issuer.TryParse(text, out var issuer, out var problem) ? issuer
        : throw CommandException.Usage(problem, $"Give the server's public address, such as {option} https://login.example.com");

    internal static Finding Runtime(Version version) => version.Major > MendedRuntime.Major || version >= MendedRuntime ? Finding.Fine("runtime", $".NET {version}.")
        : new Finding("runtime", Finding.Warning, $".NET {version} here has holes that are published.", $"Update the runtime to {MendedRuntime} or newer.");

    // A folder that is not there must not hide what was found.
    private static async Task<Finding> AddressesOrProblemAsync(Invocation invocation, Issuer issuer)
    {
        try
        {
            return await AddressesAsync(invocation, issuer);
        }
        catch (CommandException none)
        {
            return Finding.Broken("addresses", none.Problem, none.Remedy);
        }
        catch (Exception failed) when (failed is not OperationCanceledException)
        {
            var failure = Failure.Of(failed);
            return Finding.Broken("addresses", failure.Problem, failure.Remedy);
        }
    }

    // The trail is read from its old end; what counts is how it is now, so the last page or two stay.
    private static async Task<Finding> AddressesAsync(Invocation invocation, Issuer issuer)
    {
        await using var administration = await invocation.AdministerAsync();
        var filter = new AuditFilter { Since = TimeProvider.System.GetUtcNow() - TimeSpan.FromDays(7), Kind = "signed-in" };
        IReadOnlyList<AuditEntry> newest = [];
        for (AuditEntry? last = null; await administration.Registry.ReadAuditTrailAsync(filter, last, invocation.Cancellation) is { Count: > 0 } page; last = page[^1])
            newest = [.. newest.Concat(page).TakeLast(MostSignIns)];
        return Addresses(issuer, [.. newest.Select(entry => entry.Address).OfType<string>().Distinct()]);
    }

    // A server cannot see what it is not told: if everyone seems to come from this machine, or from one of its own network, that is a proxy which it does not trust.
    internal static Finding Addresses(Issuer issuer, IReadOnlyList<string> addresses)
    {
        var isPublic = issuer.IsHttps && !new Uri(issuer.Value).IsLoopback;
        return addresses.Count == 0 ? Finding.Fine("addresses", "Nobody has signed in within a week.")
            : isPublic && (addresses.All(IsHere) || (addresses.Count == 1 && IsInside(addresses[0])))
                ? Finding.Broken("addresses", $"Everyone seems to come from {addresses[0]}, which is not a public address: that is the proxy.", $"Start the server with --trusted-proxy {addresses[0]}, and let the proxy set X-Forwarded-For.")
            : Finding.Fine("addresses", $"The last sign-ins came from {addresses.Count} {(addresses.Count == 1 ? "address" : "addresses")}.");
    }

    private static bool IsHere(string text) => IPAddress.TryParse(text, out var address) && IPAddress.IsLoopback(address);

    private static bool IsInside(string text)
    {
        if (!IPAddress.TryParse(text, out var address)) return false;
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return IPAddress.IsLoopback(address) || address.IsIPv6LinkLocal || address.IsIPv6UniqueLocal || address.GetAddressBytes() switch
        {
            [10, _, _, _] or [192, 168, _, _] or [169, 254, _, _] => true,
            [172, var second, _, _] => second is >= 16 and < 32,
            [100, var second, _, _] => second is >= 64 and < 128,
            _ => false,
        };
    }

    private static void Print(List<Finding> found, Terminal terminal)
    {
        foreach (var finding in found)
        {
            terminal.Write($"{(finding.State == Finding.Good ? '✓' : finding.State == Finding.Bad ? '✗' : '!')} {finding.Name,-15} {PlainText.Of(finding.Text)}", indent: 18);
            if (finding.Remedy is not null) terminal.Write($"{"",-18}{PlainText.Of(finding.Remedy)}", indent: 18);
        }
    }
}
