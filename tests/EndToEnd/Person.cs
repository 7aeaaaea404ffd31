using System.Net;
using System.Net.Http.Headers;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;

namespace EndToEnd;

/// <summary>
/// Plays the person and the browser over HTTP: keeps cookies, follows redirects within the server, fills in the forms that it shows,
/// and reports where the server sends the browser in the end.
/// </summary>
/// <param name="handler">The way to the server, where it is a special one.</param>
public sealed class Person(SocketsHttpHandler? handler = null) : IDisposable
{
    private const int Patience = 12;

    private readonly HttpClient _http = new(Browsing(handler ?? new()));
    private readonly HtmlParser _parser = new();

    public string Name { get; init; } = "alice";

    public string Password { get; init; } = RunningServer.Password;

    /// <summary>The button of the consent page: <c>allow</c> or <c>deny</c>.</summary>
    public string Decision { get; init; } = "allow";

    /// <summary>Whether the page that takes an answer back to the program is obeyed too, as a browser with scripts does.</summary>
    public bool PostsAnswers { get; init; }

    /// <summary>What this person's browser adds to each request.</summary>
    public HttpRequestHeaders Headers => _http.DefaultRequestHeaders;

    /// <summary>The pages that were shown, by their first heading.</summary>
    public List<string> Seen { get; } = [];

    /// <summary>Opens an authorization request and does what the pages ask, until the server sends the browser elsewhere.</summary>
    /// <returns>The address that the browser ends at: the redirect URI with the answer.</returns>
    public async Task<Uri> AnswerAsync(Uri request, CancellationToken cancellation)
    {
        var end = await BrowseAsync(request, cancellation);
        return end.Authority != request.Authority ? end : throw new InvalidOperationException($"Still at the server, at {end.AbsolutePath}; pages: {string.Join(", ", Seen)}.");
    }

    /// <summary>Opens an address and does what the pages ask, until there is nothing more to do.</summary>
    /// <returns>Where the browser ends: at another place, or at a page of the server that asks nothing.</returns>
    public async Task<Uri> BrowseAsync(Uri request, CancellationToken cancellation)
    {
        var response = await _http.GetAsync(request, cancellation);
        for (var step = 0; step < Patience; step++)
        {
            var here = response.RequestMessage!.RequestUri!;
            if (response.Headers.Location is not { } location)
            {
                if (await FillInAsync(here, response, cancellation) is not { } sent)
                    return here;
                response = sent;
                continue;
            }

            var next = new Uri(here, location);
            if (next.Authority != request.Authority)
                return next;
            response = await _http.GetAsync(next, cancellation);
        }

        throw new InvalidOperationException($"Still at the server after {Patience} steps; pages: {string.Join(", ", Seen)}.");
    }

    /// <summary>Opens an address with this person's cookies.</summary>
    public Task<HttpResponseMessage> OpenAsync(Uri address, CancellationToken cancellation) => _http.GetAsync(address, cancellation);

    public void Dispose() => _http.Dispose();

    private static SocketsHttpHandler Browsing(SocketsHttpHandler handler)
    {
        (handler.AllowAutoRedirect, handler.UseCookies, handler.CookieContainer) = (false, true, new CookieContainer());
        return handler;
    }

    private async Task<HttpResponseMessage?> FillInAsync(Uri here, HttpResponseMessage response, CancellationToken cancellation)
    {
        var page = _parser.ParseDocument(await response.Content.ReadAsStringAsync(cancellation));
        Seen.Add(page.QuerySelector("h1")?.TextContent.Trim() ?? "");
        if (!response.IsSuccessStatusCode)
            throw new InvalidOperationException($"HTTP {(int)response.StatusCode}: {page.Body?.TextContent.Trim()}");
        if (page.QuerySelectorAll<IHtmlFormElement>("form").FirstOrDefault(form => form.QuerySelector(PostsAnswers ? "[name=username],[name=decision],[name=user_code],[name=state]" : "[name=username],[name=decision],[name=user_code]") is not null) is not { } form)
            return null;

        using var post = new HttpRequestMessage(HttpMethod.Post, new Uri(here, form.GetAttribute("action") ?? ""))
        {
            Content = new FormUrlEncodedContent(FieldsOf(form)),
        };
        post.Headers.Add("Origin", here.GetLeftPart(UriPartial.Authority));
        return await _http.SendAsync(post, cancellation);
    }

    private Dictionary<string, string> FieldsOf(IHtmlFormElement form)
    {
        var fields = form.QuerySelectorAll<IHtmlInputElement>("input[type=hidden]").ToDictionary(input => input.Name!, input => input.Value);
        if (form.QuerySelector("[name=username]") is not null)
        {
            fields["username"] = Name;
            fields["password"] = Password;
        }
        else if (form.QuerySelector<IHtmlInputElement>("[name=user_code]") is { } code)
            fields["user_code"] = code.Value;
        else if (!fields.ContainsKey("state"))
            fields["decision"] = Decision;

        return fields;
    }
}
