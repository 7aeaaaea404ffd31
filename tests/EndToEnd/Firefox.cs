using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace EndToEnd;

/// <summary>
/// Debian's Firefox as it comes, with one page: driven over WebDriver BiDi (https://w3c.github.io/webdriver-bidi/), which it speaks by itself. A profile
/// of its own goes with it.
/// </summary>
public sealed partial class Firefox : IAsyncDisposable
{
    private const string Executable = "/usr/bin/firefox-esr";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _profile = Directory.CreateTempSubdirectory("proofkey-firefox-");
    private readonly ClientWebSocket _socket = new();
    private ChildProcess _process = null!;
    private string _page = "";
    private int _lastId;

    private Firefox()
    {
    }

    [GeneratedRegex(@"WebDriver BiDi listening on (ws://\S+)")]
    private static partial Regex Listening { get; }

    /// <summary>Starts a browser.</summary>
    /// <param name="host">A name that it looks for on this machine, under which any certificate is good enough.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public static async Task<Firefox> StartAsync(string host, CancellationToken cancellation)
    {
        File.Exists(Executable).ShouldBeTrue("These tests drive a real browser: apt-get install --no-install-recommends firefox-esr");
        var firefox = new Firefox();
        await File.WriteAllLinesAsync(
            Path.Combine(firefox._profile.FullName, "user.js"),
            [
                $"user_pref(\"network.dns.localDomains\", \"{host}\");",
                "user_pref(\"app.update.enabled\", false);", "user_pref(\"browser.shell.checkDefaultBrowser\", false);", "user_pref(\"datareporting.policy.dataSubmissionEnabled\", false);",
                "user_pref(\"browser.startup.homepage\", \"about:blank\");", "user_pref(\"browser.aboutwelcome.enabled\", false);",
            ],
            cancellation);
        firefox._process = ChildProcess.Start(
            Executable, ["--headless", "--no-remote", "--profile", firefox._profile.FullName, "--remote-debugging-port=0"],
            new Dictionary<string, string> { ["HOME"] = firefox._profile.FullName, ["MOZ_HEADLESS"] = "1", ["MOZ_CRASHREPORTER_DISABLE"] = "1" });
        await firefox.ConnectAsync(cancellation);
        return firefox;
    }

    /// <summary>Goes to an address, and waits until the page is there.</summary>
    public Task GoToAsync(string address, CancellationToken cancellation) =>
        CommandAsync("browsingContext.navigate", new() { ["context"] = _page, ["url"] = address, ["wait"] = "complete" }, cancellation);

    /// <summary>Evaluates a script in the page until it gives a text that is not empty.</summary>
    public async Task<string> WaitForAsync(string expression, CancellationToken cancellation)
    {
        using var ticks = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        for (var tries = 0; tries < 300; tries++)
        {
            // While one page gives way to the next, there may be nothing to ask.
            if (await EvaluateAsync(expression, cancellation) is { Length: > 0 } found) return found;
            await ticks.WaitForNextTickAsync(cancellation);
        }
        throw new TimeoutException($"Nothing came of {expression} on {await EvaluateAsync("location.href + document.body.innerText", cancellation)}");
    }

    /// <summary>Presses a button as a person does: with a mouse, so that whatever the page's policy forbids is forbidden here too.</summary>
    public async Task ClickAsync(string selector, CancellationToken cancellation)
    {
        var place = await WaitForAsync($"(e => {{ if (!e) return ''; e.scrollIntoView(); const r = e.getBoundingClientRect(); return Math.round(r.x + r.width / 2) + ' ' + Math.round(r.y + r.height / 2) }})(document.querySelector({JsonSerializer.Serialize(selector)}))", cancellation);
        var (x, y) = (int.Parse(place.Split(' ')[0], null), int.Parse(place.Split(' ')[1], null));
        var actions = new JsonArray(
            new JsonObject { ["type"] = "pointerMove", ["x"] = x, ["y"] = y },
            new JsonObject { ["type"] = "pointerDown", ["button"] = 0 },
            new JsonObject { ["type"] = "pointerUp", ["button"] = 0 });
        var mouse = new JsonObject { ["type"] = "pointer", ["id"] = "mouse", ["actions"] = actions };
        await CommandAsync("input.performActions", new() { ["context"] = _page, ["actions"] = new JsonArray(mouse) }, cancellation);
    }

    /// <summary>Fills in a field.</summary>
    public Task FillAsync(string name, string value, CancellationToken cancellation) =>
        WaitForAsync($"(e => e ? (e.value = {JsonSerializer.Serialize(value)}) : '')(document.querySelector('[name={name}]'))", cancellation);

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _process.DisposeAsync();
        _profile.Delete(recursive: true);
    }

    private async Task ConnectAsync(CancellationToken cancellation)
    {
        var address = (await _process.ReadUntilAsync(Listening, cancellation)).Groups[1].Value;
        await _socket.ConnectAsync(new Uri($"{address}/session"), cancellation);
        await CommandAsync("session.new", new() { ["capabilities"] = new JsonObject { ["alwaysMatch"] = new JsonObject { ["acceptInsecureCerts"] = true } } }, cancellation);
        var tree = await CommandAsync("browsingContext.getTree", [], cancellation);
        _page = tree.GetProperty("contexts")[0].GetProperty("context").GetString()!;
    }

    private async Task<string?> EvaluateAsync(string expression, CancellationToken cancellation)
    {
        var target = new JsonObject { ["context"] = _page };
        try
        {
            var answer = await CommandAsync("script.evaluate", new() { ["expression"] = expression, ["target"] = target, ["awaitPromise"] = false }, cancellation);
            return answer.TryGetProperty("result", out var result) && result.TryGetProperty("value", out var value) ? value.ToString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    // One command at a time; what else the browser tells in between is not asked for.
    private async Task<JsonElement> CommandAsync(string method, JsonObject parameters, CancellationToken cancellation)
    {
        var id = ++_lastId;
        var command = new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters };
        await _socket.SendAsync(Encoding.UTF8.GetBytes(command.ToJsonString()), WebSocketMessageType.Text, true, cancellation);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        while (true)
        {
            using var message = JsonDocument.Parse(await ReceiveAsync(limit.Token));
            if (!message.RootElement.TryGetProperty("id", out var of) || of.ValueKind != JsonValueKind.Number || of.GetInt32() != id) continue;
            return message.RootElement.TryGetProperty("result", out var result) ? result.Clone() : throw new InvalidOperationException($"{method}: {message.RootElement}");
        }
    }

    private async Task<byte[]> ReceiveAsync(CancellationToken cancellation)
    {
        var buffer = new byte[64 * 1024];
        using var whole = new MemoryStream();
        while (true)
        {
            var part = await _socket.ReceiveAsync(buffer, cancellation);
            whole.Write(buffer.AsSpan(0, part.Count));
            if (part.EndOfMessage) return whole.ToArray();
        }
    }
}
