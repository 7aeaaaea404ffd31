using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using ProofKey.Server;

namespace ProofKey.Cli.Hosting;

/// <summary>What a server is started with.</summary>
internal sealed record ServeSettings
{
    /// <summary>Where its data is.</summary>
    public required DataPlace Data { get; init; }

    /// <summary>The addresses to listen on, such as <c>http://127.0.0.1:8080</c>.</summary>
    public required IReadOnlyList<string> Urls { get; init; }

    /// <summary>The issuer; <see langword="null"/> when the one loopback address is it.</summary>
    public string? Issuer { get; init; }

    /// <summary>The proxies whose word for a client's address is taken; none unless the operator names some.</summary>
    public IReadOnlyList<System.Net.IPNetwork> TrustedProxies { get; init; } = [];

    /// <summary>Whether refresh tokens rotate to the letter.</summary>
    public bool StrictRotation { get; init; }

    /// <summary>Whether every authorization request must be pushed first.</summary>
    public bool RequirePushedRequests { get; init; }

    /// <summary>What else is set, for tests.</summary>
    public Action<ServerOptions>? Configure { get; init; }

    /// <summary>The time; the system's unless a test says otherwise.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>Composes the web application: the authorization server, its accounts, and Kestrel with bounded requests.</summary>
internal static class ServerHost
{
    // ASPNETCORE_FORWARDEDHEADERS_ENABLED would let anybody say where they come from.
    private const string NobodyIsTrusted = "--FORWARDEDHEADERS_ENABLED=false";

    /// <summary>Builds the application; it listens once it is started.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="configure">What else the application has, before the server is added.</param>
    /// <param name="map">What else it maps.</param>
    /// <exception cref="FormatException">The issuer cannot be told from the addresses.</exception>
    public static WebApplication Build(ServeSettings settings, Action<WebApplicationBuilder>? configure = null, Action<WebApplication>? map = null)
    {
        var issuer = settings.Issuer ?? IssuerOf(settings.Urls);
        // On one processor too somebody answers while a commit keeps a thread.
        ThreadPool.GetMinThreads(out var workers, out var completions);
        if (workers < 2) ThreadPool.SetMinThreads(2, completions);
        // The settings of whatever lies in the current folder are not ours, and watching files for changes costs a third of the start.
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory, Args = ["--hostBuilder:reloadConfigOnChange=false", NobodyIsTrusted] });
        if (settings.Urls.Any(url => url.StartsWith("https:", StringComparison.OrdinalIgnoreCase))) builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.UseUrls([.. settings.Urls]);
        builder.WebHost.ConfigureKestrel(Bound);
        // The host's own request lines hold whole addresses: state and nonce, and the code of who mistakes us for their callback. It says nothing
        // else here, and as long as it might say something, each request gets an Activity that nobody looks at.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        builder.Services.AddSingleton(settings.Time);
        configure?.Invoke(builder);
        builder.Services.AddProofKeyServer(options =>
        {
            options.IssuerAddress = issuer;
            options.DataSource = settings.Data.CreateDataSource();
            options.Dialect = settings.Data.Dialect;
            options.RootKey = settings.Data.RootKey;
            options.StrictRotation = settings.StrictRotation;
            options.RequirePushedRequests = settings.RequirePushedRequests;
            settings.Configure?.Invoke(options);
        });
        var app = builder.Build();
        Proxies.Use(app, settings.TrustedProxies, issuer);
        app.MapProofKeyServer();
        app.MapProofKeyAccounts();
        map?.Invoke(app);
        return app;
    }

    /// <summary>The issuer that follows from the addresses: the one address, when it is on loopback and has a port of its own.</summary>
    public static string IssuerOf(IReadOnlyList<string> urls)
    {
        if (urls.Count == 1 && Uri.TryCreate(urls[0], UriKind.Absolute, out var address) && address is { Scheme: "http", Port: > 0, AbsolutePath: "/" }
            && (address.Host == "localhost" || (IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip))))
            return address.GetLeftPart(UriPartial.Authority);
        throw new FormatException("The issuer cannot be told from --urls: give the public address of the server with --issuer https://…");
    }

    private static void Bound(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = 64 * 1024;
        kestrel.Limits.MaxRequestLineSize = 16 * 1024;
        kestrel.Limits.MaxRequestHeadersTotalSize = 32 * 1024;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
    }
}
