using System.Net;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Tests.Support;

/// <summary>A person with a browser: keeps cookies, follows our own redirects, fills in forms, and stops at the client's address.</summary>
internal sealed class Person : IDisposable
{
    private readonly HttpClient _http;

    public Person(RunningServer server) =>
        _http = new HttpClient(new OverheardHttp(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = true, CookieContainer = Cookies })) { BaseAddress = new Uri(server.Issuer) };

    public CookieContainer Cookies { get; } = new();

    public HttpClient Http => _http;

    /// <summary>Sends a request and follows redirects within the server.</summary>
    /// <returns>The page, or the redirect that leaves the server.</returns>
    public async Task<HttpResponseMessage> GetAsync(string address)
    {
        var response = await _http.GetAsync(new Uri(address, UriKind.RelativeOrAbsolute));
        return await FollowAsync(response);
    }

    /// <summary>Signs in and agrees as far as the server asks.</summary>
    /// <returns>The parameters of the answer that went to the client.</returns>
    public async Task<Dictionary<string, string>> AuthorizeAsync(AuthorizeUrl request, string userName = RunningServer.UserName, string decision = "allow")
    {
        var response = await GetAsync(request.ToString());
        for (var step = 0; step < 6 && response.StatusCode == HttpStatusCode.OK; step++)
        {
            var form = await FormOf(response);
            response = form.Fields.ContainsKey("username")
                ? await SubmitAsync(form, ("username", userName), ("password", RunningServer.Password))
                : await SubmitAsync(form, ("decision", decision));
        }
        return AnswerOf(response);
    }

    /// <summary>Posts a form with some of its fields filled in, and follows redirects within the server.</summary>
    public async Task<HttpResponseMessage> SubmitAsync(PageForm form, params (string Name, string Value)[] fields)
    {
        using var content = new FormUrlEncodedContent(form.With(fields));
        return await FollowAsync(await _http.PostAsync(new Uri(form.Action, UriKind.RelativeOrAbsolute), content));
    }

    /// <summary>The answer's parameters in the redirect that leaves the server.</summary>
    public static Dictionary<string, string> AnswerOf(HttpResponseMessage response)
    {
        response.StatusCode.ShouldBe(HttpStatusCode.SeeOther, customMessage: "an answer goes to the client by 303");
        var query = response.Headers.Location!.OriginalString;
        query = query[(query.IndexOf('?', StringComparison.Ordinal) + 1)..];
        Parameters.TryParse(query, out var parameters, out _).ShouldBeTrue();
        return parameters!.Pairs.ToDictionary(pair => pair.Key, pair => pair.Value);
    }

    /// <summary>The one form of a page.</summary>
    public static async Task<PageForm> FormOf(HttpResponseMessage response)
    {
        using var document = await new HtmlParser().ParseDocumentAsync(await response.Content.ReadAsStringAsync());
        var form = document.QuerySelector("form") as IHtmlFormElement;
        form.ShouldNotBeNull($"the page has a form; it has: {document.Body?.TextContent}");
        // As a browser sends it: of the boxes those that are ticked, and fields that nobody sees.
        var fields = form.QuerySelectorAll("input[name]:not([type=checkbox]), input[type=checkbox][checked]").ToDictionary(input => input.GetAttribute("name")!, input => input.GetAttribute("value") ?? "");
        foreach (var area in form.QuerySelectorAll("textarea[name]")) fields[area.GetAttribute("name")!] = area.TextContent;
        return new PageForm(form.GetAttribute("action")!, fields) { Accounts = [.. form.QuerySelectorAll("button[name=account]").Select(button => button.GetAttribute("value")!)] };
    }

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> FollowAsync(HttpResponseMessage response)
    {
        for (var hops = 0; hops < 10; hops++)
        {
            if (response.StatusCode != HttpStatusCode.SeeOther) return response;
            var location = response.Headers.Location!;
            if (location.IsAbsoluteUri && !location.OriginalString.StartsWith('/')) return response;
            response = await _http.GetAsync(location);
        }
        throw new InvalidOperationException("The server keeps redirecting.");
    }
}

/// <summary>A form as a page showed it.</summary>
internal sealed record PageForm(string Action, Dictionary<string, string> Fields)
{
    /// <summary>The accounts that the page lets the person choose from, by their subjects.</summary>
    public IReadOnlyList<string> Accounts { get; init; } = [];

    /// <summary>The same form with a box unticked.</summary>
    public PageForm Without(string field)
    {
        Fields.ShouldContainKey(field);
        return this with { Fields = Fields.Where(pair => pair.Key != field).ToDictionary() };
    }

    public IEnumerable<KeyValuePair<string, string>> With(params (string Name, string Value)[] fields)
    {
        var all = new Dictionary<string, string>(Fields);
        foreach (var (name, value) in fields) all[name] = value;
        return all;
    }
}

/// <summary>An authorization request that a test can change at will.</summary>
internal sealed class AuthorizeUrl
{
    private readonly List<KeyValuePair<string, string>> _parameters = [];

    public AuthorizeUrl(RunningServer server, RegisteredClient client, string? redirectUri = null)
    {
        Path = new Uri(server.Issuer).AbsolutePath.TrimEnd('/') + "/authorize";
        Verifier = CodeVerifier.New();
        State = Secret.NewText(16);
        Nonce = Secret.NewText(16);
        RedirectUri = redirectUri ?? client.RedirectUris[0].Value;
        Set("response_type", "code").Set("client_id", client.Id).Set("redirect_uri", RedirectUri).Set("scope", "openid profile email")
            .Set("state", State).Set("nonce", Nonce).Set("code_challenge", Verifier.Challenge.ToString()).Set("code_challenge_method", "S256");
    }

    public string Path { get; }

    public CodeVerifier Verifier { get; }

    public string State { get; }

    public string Nonce { get; }

    public string RedirectUri { get; }

    public IReadOnlyList<KeyValuePair<string, string>> Parameters => _parameters;

    /// <summary>Sets a parameter, or removes it.</summary>
    public AuthorizeUrl Set(string name, string? value)
    {
        _parameters.RemoveAll(pair => pair.Key == name);
        if (value is not null) _parameters.Add(new(name, value));
        return this;
    }

    /// <summary>Adds a parameter once more.</summary>
    public AuthorizeUrl Repeat(string name, string value)
    {
        _parameters.Add(new(name, value));
        return this;
    }

    public override string ToString() => $"{Path}?{ProofKey.Parameters.Of(_parameters).ToQuery()}";
}
