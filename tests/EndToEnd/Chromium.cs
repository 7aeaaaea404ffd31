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

    private readonly Lazy<Task<(IPlaywright Playwright, IBrowser Browser)>> _started = new(StartAsync);

    /// <summary>A page in a new profile that remembers what the console and the page itself complained about.</summary>
    public async Task<ObservedPage> NewPageAsync(BrowserNewContextOptions? options = null)
    {
        var (_, browser) = await _started.Value;
        var context = await browser.NewContextAsync(options ?? new());
        context.SetDefaultTimeout(20_000);
        return new ObservedPage(await context.NewPageAsync());
    }

    public async ValueTask DisposeAsync()
    {
        if (!_started.IsValueCreated)
            return;
        var (playwright, browser) = await _started.Value;
        await browser.DisposeAsync();
        playwright.Dispose();
    }

    private static async Task<(IPlaywright, IBrowser)> StartAsync()
    {
        File.Exists(Executable).ShouldBeTrue("These tests drive a real browser: apt-get install --no-install-recommends chromium");
        var playwright = await Playwright.CreateAsync();
        return (playwright, await playwright.Chromium.LaunchAsync(new() { ExecutablePath = Executable, Args = Arguments }));
    }
}
