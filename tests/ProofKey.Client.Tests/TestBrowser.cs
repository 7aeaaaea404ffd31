using System.Net;

namespace ProofKey.Client.Tests;

/// <summary>What a browser showed at the end of its redirects.</summary>
internal sealed record ShownPage(Uri Address, HttpStatusCode Status, string Html, IReadOnlyList<Uri> Trail, IReadOnlyDictionary<string, string> Headers);

/// <summary>Follows redirects as a browser does, and remembers every address that it saw and the page at the end.</summary>
internal sealed class TestBrowser : IDisposable
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
        while (true)
        {
            using var response = await _http.GetAsync(trail[^1]);
            if (response.Headers.Location is { } location)
            {
                trail.Add(new Uri(trail[^1], location));
                continue;
            }
            var headers = response.Headers.Concat(response.Content.Headers).ToDictionary(pair => pair.Key, pair => string.Join(", ", pair.Value));
            return new ShownPage(trail[^1], response.StatusCode, await response.Content.ReadAsStringAsync(), trail, headers);
        }
    }
}
