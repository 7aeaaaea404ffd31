using System.Net;
using AngleSharp.Html.Parser;
using ProofKey.Server.Storage;

namespace ProofKey.Chaos.Support;

/// <summary>Somebody with a browser of their own.</summary>
/// <param name="address">The server.</param>
/// <param name="cookie">The cookie of a session, for somebody who is signed in already.</param>
internal sealed class Browser(string address, string? cookie = null) : IDisposable
{
    private readonly Uri _address = new(address);
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = CookiesOf(address, cookie) });

    /// <summary>Signs in for a client, and says whether that led back to it with a code.</summary>
    public async Task<bool> SignInAsync(RegisteredClient client, string userName = Operator.UserName, string password = Operator.Password)
    {
        var response = await GetAsync("/authorize?" + Parameters.Of(
            new("response_type", "code"), new("client_id", client.Id), new("redirect_uri", Operator.RedirectUri), new("scope", "openid"),
            new("code_challenge", CodeVerifier.New().Challenge.ToString()), new("code_challenge_method", "S256")).ToQuery());
        if (response.StatusCode == HttpStatusCode.OK) response = await SubmitAsync(response, ("username", userName), ("password", password));
        SuiteWitness.OfThisSuite.Heard($"{response.Headers}");
        return response.Headers.Location is { IsAbsoluteUri: true } location && location.Query.Contains("code=", StringComparison.Ordinal);
    }

    /// <summary>Goes to a page of the server.</summary>
    public async Task<HttpResponseMessage> GetAsync(string path) => await FollowAsync(await _http.GetAsync(new Uri(_address, path)));

    /// <summary>Fills in the form of a page, and goes where that leads.</summary>
    public async Task<HttpResponseMessage> SubmitAsync(HttpResponseMessage response, params (string Name, string Value)[] typed)
    {
        using var page = await new HtmlParser().ParseDocumentAsync(await response.Content.ReadAsStringAsync());
        var fields = page.QuerySelectorAll("input[name]:not([type=checkbox]), input[type=checkbox][checked]").ToDictionary(input => input.GetAttribute("name")!, input => input.GetAttribute("value") ?? "");
        foreach (var (name, value) in typed) fields[name] = value;
        using var form = new FormUrlEncodedContent(fields);
        return await FollowAsync(await _http.PostAsync(new Uri(_address, page.QuerySelector("form")!.GetAttribute("action")!), form));
    }

    public void Dispose() => _http.Dispose();

    private static CookieContainer CookiesOf(string address, string? cookie)
    {
        var cookies = new CookieContainer();
        if (cookie is not null) cookies.SetCookies(new Uri(address), cookie);
        return cookies;
    }

    private async Task<HttpResponseMessage> FollowAsync(HttpResponseMessage response)
    {
        while (response.StatusCode == HttpStatusCode.SeeOther && !response.Headers.Location!.OriginalString.StartsWith(Operator.RedirectUri, StringComparison.Ordinal))
            response = await _http.GetAsync(new Uri(_address, response.Headers.Location));
        return response;
    }
}
