using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using ProofKey.Client;

namespace ProofKey.Testing;

/// <summary>What a browser showed at the end of its redirects.</summary>
/// <param name="Address">Where it ended.</param>
/// <param name="Status">The status of that page.</param>
/// <param name="Html">The page.</param>
/// <param name="Trail">Every address on the way, the last one included.</param>
/// <param name="Headers">The headers of the page.</param>
public sealed record ShownPage(Uri Address, HttpStatusCode Status, string Html, IReadOnlyList<Uri> Trail, IReadOnlyDictionary<string, string> Headers);

/// <summary>
/// A browser with a person before it, without a window: it follows redirects and posts forms, and remembers every address that it saw and the page at the end.
/// Hand <see cref="OpenAsync"/> to <see cref="ClientOptions.OpenBrowser"/>.
/// </summary>
public sealed partial class TestBrowser : IDisposable
{
    // As many as browsers follow, or a server that sends everybody to itself would end no test.
    private const int MostAddresses = 21;

    internal const string DecisionHeader = "ProofKey-Testing-Decision";

    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
    private readonly List<TcpClient> _hanging = [];
    private readonly List<HttpStatusCode> _strayAnswers = [];

    /// <summary>What the person does; default: signs in.</summary>
    public PersonDoes Person { get; set; }

    /// <summary>What else the browser sends to the program that waits for the answer. Where the answer comes as a form, a wrong state and none come in an address and as a form.</summary>
    public Strays Strays { get; set; }

    /// <summary>How each of <see cref="Strays"/> was answered; what was sent after the answer may find nobody there any more, and then counts for nothing.</summary>
    public IReadOnlyList<HttpStatusCode> StrayAnswers
    {
        get
        {
            lock (_strayAnswers) return [.. _strayAnswers];
        }
    }

    /// <summary>Where the browser was sent to.</summary>
    public Uri? Opened { get; private set; }

    /// <summary>The page at the end.</summary>
    public Task<ShownPage> Page { get; private set; } = Task.FromException<ShownPage>(new InvalidOperationException("No page was opened."));

    /// <summary>Opens an address, as <see cref="ClientOptions.OpenBrowser"/> wants it: the browser goes on by itself.</summary>
    /// <param name="address">The address.</param>
    /// <param name="cancel">Not used; a browser is not told either.</param>
    /// <returns>Whether it opened.</returns>
    public ValueTask<bool> OpenAsync(Uri address, CancellationToken cancel)
    {
        Opened = address;
        if (Person == PersonDoes.HasNoBrowser) return ValueTask.FromResult(false);
        Page = BrowseAsync(address);
        return ValueTask.FromResult(true);
    }

    /// <summary>Closes what is open.</summary>
    public void Dispose()
    {
        _hanging.ForEach(connection => connection.Dispose());
        _http.Dispose();
    }

    /// <summary>Opens an address and goes where it leads.</summary>
    /// <param name="address">The address.</param>
    /// <returns>The page at the end; the one of the server, when the person does not go on from there.</returns>
    /// <exception cref="InvalidOperationException">It leads on and on, 20 times.</exception>
    public async Task<ShownPage> BrowseAsync(Uri address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var awaited = RedirectUriOf(address);
        List<Uri> trail = [address];
        FormUrlEncodedContent? form = null;
        while (trail.Count <= MostAddresses)
        {
            if (awaited is null && IsPushed(address) && trail[^1].IsLoopback && trail[^1].Authority != address.Authority) awaited = new Uri(trail[^1].GetLeftPart(UriPartial.Path));
            var isAnswer = awaited is not null && trail[^1].GetLeftPart(UriPartial.Path) == awaited.GetLeftPart(UriPartial.Path);
            if (isAnswer && Person == PersonDoes.Hangs) return await HangAsync(trail);
            if (isAnswer) await StrayAsync(awaited!, isForm: form is not null);
            using var response = await SendAsync(trail[^1], form);
            if (isAnswer && Strays.HasFlag(Strays.SecondAnswer)) await SendStrayAsync(() => SendAsync(trail[^1], form));
            form = null;
            if (response.Headers.Location is { } location && Person != PersonDoes.ClosesTheWindow)
            {
                trail.Add(new Uri(trail[^1], location));
                continue;
            }
            var html = await response.Content.ReadAsStringAsync();
            if (Form().Match(html) is { Success: true } match && Person != PersonDoes.ClosesTheWindow)
            {
                form = new FormUrlEncodedContent(Field().Matches(html).Select(field => KeyValuePair.Create(field.Groups["name"].Value, WebUtility.HtmlDecode(field.Groups["value"].Value))));
                trail.Add(new Uri(match.Groups["action"].Value));
                continue;
            }
            // What the server shows on the way holds the answer, and is the person's alone.
            if (isAnswer || trail.Count > 2) ScriptedServer.Overheard?.Said("page", html);
            var headers = response.Headers.Concat(response.Content.Headers).ToDictionary(pair => pair.Key, pair => string.Join(", ", pair.Value));
            return new ShownPage(trail[^1], response.StatusCode, html, trail, headers);
        }
        throw new InvalidOperationException($"{address.GetLeftPart(UriPartial.Path)} led on {MostAddresses - 1} times, at last to {trail[^1].GetLeftPart(UriPartial.Path)}.");
    }

    private async Task<HttpResponseMessage> SendAsync(Uri address, FormUrlEncodedContent? form)
    {
        using var request = new HttpRequestMessage(form is null ? HttpMethod.Get : HttpMethod.Post, address);
        // A content belongs to one request, and may be wanted again.
        if (form is not null) request.Content = new ByteArrayContent(await form.ReadAsByteArrayAsync()) { Headers = { ContentType = form.Headers.ContentType } };
        if (Person == PersonDoes.Denies) request.Headers.Add(DecisionHeader, "deny");
        return await _http.SendAsync(request);
    }

    // The program goes on waiting after each of them.
    private async Task StrayAsync(Uri awaited, bool isForm)
    {
        if (Strays.HasFlag(Strays.Favicon)) await SendStrayAsync(() => _http.GetAsync(new Uri(awaited, "/favicon.ico")));
        if (Strays.HasFlag(Strays.Preflight)) await SendStrayAsync(() => _http.SendAsync(new HttpRequestMessage(HttpMethod.Options, awaited)));
        if (Strays.HasFlag(Strays.NoState)) await SendGuessAsync(awaited, "code=stray", isForm);
        if (Strays.HasFlag(Strays.WrongState)) await SendGuessAsync(awaited, "code=stray&state=stray", isForm);
        if (Strays.HasFlag(Strays.OtherHost)) await SendStrayAsync(() => _http.SendAsync(new HttpRequestMessage(HttpMethod.Get, awaited) { Headers = { Host = "evil.example" } }));
    }

    // By the way that the answer itself takes too, since a program may look less closely there.
    private async Task SendGuessAsync(Uri awaited, string guess, bool isForm)
    {
        await SendStrayAsync(() => _http.GetAsync(new Uri(awaited, $"?{guess}")));
        if (isForm) await SendStrayAsync(() => _http.PostAsync(awaited, new StringContent(guess, null, "application/x-www-form-urlencoded")));
    }

    private async Task SendStrayAsync(Func<Task<HttpResponseMessage>> send)
    {
        try
        {
            using var answer = await send();
            lock (_strayAnswers) _strayAnswers.Add(answer.StatusCode);
        }
        catch (HttpRequestException)
        {
            // The program had its answer and has stopped to listen.
        }
    }

    // A connection on which the request never ends.
    private async Task<ShownPage> HangAsync(List<Uri> trail)
    {
        var connection = new TcpClient();
        _hanging.Add(connection);
        await connection.ConnectAsync(trail[^1].Host, trail[^1].Port);
        await connection.GetStream().WriteAsync("GET /"u8.ToArray());
        return new ShownPage(trail[^1], 0, "", trail, new Dictionary<string, string>());
    }

    private static Uri? RedirectUriOf(Uri address) =>
        Parameters.TryParse(address.Query.AsSpan().TrimStart('?'), out var request, out _) && Uri.TryCreate(request["redirect_uri"], UriKind.Absolute, out var awaited) && awaited.IsLoopback ? awaited : null;

    // RFC 9126 section 4: the server alone knows where its answer goes, so that is the first address that is not its own.
    private static bool IsPushed(Uri address) => Parameters.TryParse(address.Query.AsSpan().TrimStart('?'), out var request, out _) && request["request_uri"] is not null;

    [GeneratedRegex("<form method=\"post\" action=\"(?<action>[^\"]*)\">")]
    private static partial Regex Form();

    [GeneratedRegex("name=\"(?<name>[^\"]*)\" value=\"(?<value>[^\"]*)\"")]
    private static partial Regex Field();
}
