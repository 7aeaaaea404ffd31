using System.CommandLine;
using Microsoft.Extensions.Logging.Console;
using ProofKey.Cli.Hosting;
using ProofKey.Cli.Output;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey serve</c>: runs the authorization server until it is told to stop.</summary>
internal sealed class ServeVerb : Verb
{
    private const string DefaultUrl = "http://127.0.0.1:8080";

    private readonly Option<string[]> _urls = new("--urls") { HelpName = "URL", Description = $"Where to listen; several with ';' between them. Without it: {DefaultUrl}" };
    private readonly Option<string> _issuer = new("--issuer") { HelpName = "URL", Description = "The server's public address, https. Without it: the one loopback address of --urls." };
    private readonly Option<string> _rotation = new("--rotation") { HelpName = "tolerant|strict", Description = "Whether a refresh token's predecessor is tolerated while answers may get lost. Without it: tolerant." };

    private readonly Option<bool> _requirePar = new("--require-par") { Description = "Take only authorization requests that were pushed to /par, from every client." };

    private readonly Option<string[]> _trustedProxy = new("--trusted-proxy")
    {
        HelpName = "ADDRESS",
        Description = "A proxy that may say where clients come from (X-Forwarded-For): an address, or a network such as 10.0.0.0/24. Without it: nobody may.",
    };

    public ServeVerb()
        : base(
            "serve",
            "Run the authorization server.",
            "proofkey serve",
            "proofkey serve --data ./data --urls http://127.0.0.1:9000",
            "proofkey serve --data /var/lib/proofkey --urls http://127.0.0.1:8080 --issuer https://login.example.com",
            "proofkey serve --database \"Host=db.example.com;Username=proofkey;Database=proofkey\" --root-key-file /etc/proofkey/root.key --issuer https://login.example.com")
    {
        Add(_urls);
        Add(_issuer);
        AddPlace();
        Add(_rotation);
        Add(_trustedProxy);
        Add(_requirePar);
    }

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        var urls = UrlsOf(invocation);
        var settings = new ServeSettings
        {
            Urls = urls,
            Issuer = IssuerOf(invocation, urls),
            StrictRotation = invocation.Settings.Choice(_rotation, "tolerant", "strict") == "strict",
            RequirePushedRequests = invocation.Settings.Flag(_requirePar),
            TrustedProxies = [.. invocation.Settings.Texts(_trustedProxy).Select(Proxies.Parse)],
            Data = invocation.OpenData(mayMake: true),
        };
        using var export = TelemetryExport.Start();
        await using var app = ServerHost.Build(settings, LogToStandardError);
        await StartAsync(app, settings, invocation.Cancellation);
        Announce(app, settings, invocation.Terminal);
        await app.WaitForShutdownAsync(invocation.Cancellation);
        return ExitCodes.Done;
    }

    private static async Task StartAsync(WebApplication app, ServeSettings settings, CancellationToken cancellation)
    {
        try
        {
            await app.StartAsync(cancellation);
        }
        catch (Exception exception) when (ListenFailure.Of(exception, settings.Urls) is { } failure)
        {
            throw failure;
        }
    }

    private static void Announce(WebApplication app, ServeSettings settings, Terminal terminal)
    {
        var data = settings.Data.Options;
        terminal.Say($"proofkey listens on {string.Join(" and ", app.Urls)}");
        terminal.Say($"  issuer    {settings.Issuer}");
        terminal.Say($"  database  {settings.Data.Location}, {settings.Data.Description}");
        terminal.Say($"  clients   proofkey client add \"My app\" --public --redirect-uri http://127.0.0.1/callback {data}");
        terminal.Say($"  people    proofkey user add NAME {data}");
        terminal.Say("Ctrl-C stops it.");
    }

    private List<string> UrlsOf(Invocation invocation)
    {
        var urls = invocation.Settings.Texts(_urls).SelectMany(text => text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).ToList();
        if (urls.Count == 0) urls.Add(DefaultUrl);
        foreach (var url in urls)
        {
            // Kestrel's own form: http://*:8080 and http://+:8080 listen on every address.
            var isAny = url.Contains("://*", StringComparison.Ordinal) || url.Contains("://+", StringComparison.Ordinal);
            if (!Uri.TryCreate(url.Replace("://*", "://any", StringComparison.Ordinal).Replace("://+", "://any", StringComparison.Ordinal), UriKind.Absolute, out var address)
                || address is not { Scheme: "http" or "https", AbsolutePath: "/", Query: "", Fragment: "", UserInfo: "" })
                throw CommandException.Usage($"{url} is not an address to listen on.", $"Give scheme, host and port alone, such as --urls {DefaultUrl}");
            // To Kestrel any other name is every address of the machine, and who names one means that one.
            if (!isAny && address.HostNameType == UriHostNameType.Dns && !address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
                throw CommandException.Usage($"{address.Host} is a name, and what is listened on is an address.", $"Give the address, such as --urls {DefaultUrl}, or * for every address; the name that people use is that of --issuer.");
        }
        return urls;
    }

    private string IssuerOf(Invocation invocation, IReadOnlyList<string> urls)
    {
        var issuer = invocation.Settings.Text(_issuer) ?? ServerHost.IssuerOf(urls);
        return Issuer.TryParse(issuer, out _, out var problem) ? issuer
            : throw CommandException.Usage(problem, "Give the server's public address, such as --issuer https://login.example.com");
    }

    // stdout is for data that was asked for, and a server's log is not.
    private static void LogToStandardError(WebApplicationBuilder builder)
    {
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Information)
            .AddFilter("Microsoft", LogLevel.Warning)
            // It would print the stack trace of a failed start, which the command itself explains.
            .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None)
            .AddSimpleConsole(line =>
            {
                line.SingleLine = true;
                line.UseUtcTimestamp = true;
                line.TimestampFormat = "yyyy-MM-ddTHH:mm:ssZ ";
                line.ColorBehavior = Console.IsErrorRedirected ? LoggerColorBehavior.Disabled : LoggerColorBehavior.Default;
            });
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    }
}
