using System.Collections.Concurrent;
using EndToEnd;
using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(Chromium))]

namespace EndToEnd;

/// <summary>The system's Chromium, started when the first test asks for a page. Each page has a profile of its own.</summary>
public sealed class Chromium : IAsyncDisposable
{
    private const string Executable = "/usr/bin/chromium";

    private static readonly string[] Arguments =
    [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ];

    private readonly Lazy<Task<(IPlaywright Playwright, IBrowser Browser)>> _started = new(() => StartAsync(Arguments));
    private readonly ConcurrentBag<(IPlaywright Playwright, IBrowser Browser)> _others = [];

    /// <summary>A page in a new profile that remembers what the console and the page itself complained about.</summary>
    public async Task<ObservedPage> NewPageAsync(BrowserNewContextOptions? options = null)
    {
        var (_, browser) = await _started.Value;
        var context = await browser.NewContextAsync(options ?? new());
        context.SetDefaultTimeout(20_000);
        return new ObservedPage(await context.NewPageAsync());
    }

    /// <summary>A page of another browser, which finds a server here by its name and trusts its certificate, and no other.</summary>
    public async Task<ObservedPage> NewPageAsync(SecureServer server, BrowserNewContextOptions options)
    {
        var other = await StartAsync([.. Arguments, $"--host-resolver-rules=MAP {SecureServer.Host} 127.0.0.1", $"--ignore-certificate-errors-spki-list={server.KeyDigest}"]);
        _others.Add(other);
        var context = await other.Browser.NewContextAsync(options);
        context.SetDefaultTimeout(20_000);
        return new ObservedPage(await context.NewPageAsync());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (playwright, browser) in _others) await StopAsync(playwright, browser);
        if (!_started.IsValueCreated)
            return;
        var (started, main) = await _started.Value;
        await StopAsync(started, main);
    }

    private static async Task StopAsync(IPlaywright playwright, IBrowser browser)
    {
        await browser.DisposeAsync();
        playwright.Dispose();
    }

    private static async Task<(IPlaywright Playwright, IBrowser Browser)> StartAsync(string[] arguments)
    {
        File.Exists(Executable).ShouldBeTrue("These tests drive a real browser: apt-get install --no-install-recommends chromium");
        var playwright = await Playwright.CreateAsync();
        return (playwright, await playwright.Chromium.LaunchAsync(new() { ExecutablePath = Executable, Args = arguments }));
    }
}
