using System.Net;
using System.Text.RegularExpressions;

namespace ProofKey.Client.Tests;

/// <summary>What a browser showed at the end of its redirects.</summary>
internal sealed record ShownPage(Uri Address, HttpStatusCode Status, string Html, IReadOnlyList<Uri> Trail, IReadOnlyDictionary<string, string> Headers);

/// <summary>Follows redirects and posts forms as a browser does, and remembers every address that it saw and the page at the end.</summary>
internal sealed partial class TestBrowser : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });

    /// <summary>Where the browser was sent to.</summary>
    public Uri? Opened { get; private set; }

    /// <summary>The page at the end.</summary>
    public Task<ShownPage> Page { get; private set; } = Task.FromException<ShownPage>(new InvalidOperationException("No page was opened."));

    public ValueTask<bool> OpenAsync(Uri address, CancellationToken cancel)
    {
        Opened = address;
        Page = BrowseAsync(address);
        return ValueTask.FromResult(true);
    }

    public void Dispose() => _http.Dispose();

    public async Task<ShownPage> BrowseAsync(Uri address)
    {
        List<Uri> trail = [address];
        FormUrlEncodedContent? form = null;
        while (true)
        {
            using var response = form is null ? await _http.GetAsync(trail[^1]) : await _http.PostAsync(trail[^1], form);
            form = null;
            if (response.Headers.Location is { } location)
            {
                trail.Add(new Uri(trail[^1], location));
                continue;
            }
            var html = await response.Content.ReadAsStringAsync();
            if (Form().Match(html) is { Success: true } match)
            {
                form = new FormUrlEncodedContent(Field().Matches(html).Select(field => KeyValuePair.Create(field.Groups["name"].Value, WebUtility.HtmlDecode(field.Groups["value"].Value))));
                trail.Add(new Uri(match.Groups["action"].Value));
                continue;
            }
            var headers = response.Headers.Concat(response.Content.Headers).ToDictionary(pair => pair.Key, pair => string.Join(", ", pair.Value));
            return new ShownPage(trail[^1], response.StatusCode, html, trail, headers);
        }
    }

    [GeneratedRegex("<form method=\"post\" action=\"(?<action>[^\"]*)\">")]
    private static partial Regex Form();

    [GeneratedRegex("name=\"(?<name>[^\"]*)\" value=\"(?<value>[^\"]*)\"")]
    private static partial Regex Field();
}
