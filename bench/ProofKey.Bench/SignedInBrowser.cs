using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace ProofKey.Bench;

/// <summary>A browser in which somebody is signed in, and a first-party client that it may sign in to without a page.</summary>
internal sealed partial record SignedInBrowser(string ClientId, string Cookies)
{
    public const string RedirectUri = "https://bench.example/callback";
    private const string Password = "a password for benchmarks";

    /// <summary>Who can sign in: the server takes ten thousand proofs of one account in twenty minutes, so one alone does not do.</summary>
    public static IReadOnlyList<string> People { get; } = [.. Enumerable.Range(0, 16).Select(i => $"bench{i}")];

    /// <summary>Registers client and people in a data folder.</summary>
    public static async Task<string> PrepareAsync(string program, string data)
    {
        foreach (var person in People) await ServerProcess.RunAsync(program, Password + "\n", "user", "add", person, "--password-stdin", "--data", data);
        var json = await ServerProcess.RunAsync(program, "", "client", "add", "Bench", "--public", "--first-party", "--redirect-uri", RedirectUri, "--json", "--data", data);
        return JsonDocument.Parse(json).RootElement.GetProperty("client_id").GetString()!;
    }

    /// <summary>Signs a person in over HTTP: the first, if none is named.</summary>
    public static async Task<SignedInBrowser> SignInAsync(ServerProcess server, string clientId, string? person = null)
    {
        var jar = new CookieContainer();
        using var http = new HttpClient(new SocketsHttpHandler { CookieContainer = jar, AllowAutoRedirect = false }) { BaseAddress = new Uri(server.Issuer) };
        using var sentToSignIn = await http.GetAsync(new Uri(Flow.AuthorizePath(clientId, CodeVerifier.New()), UriKind.Relative));
        var page = await http.GetStringAsync(sentToSignIn.Headers.Location);
        using var form = new FormUrlEncodedContent([new("form_token", WebUtility.HtmlDecode(FormToken().Match(page).Groups[1].Value)), new("username", person ?? People[0]), new("password", Password)]);
        using var signedIn = await http.PostAsync(new Uri(WebUtility.HtmlDecode(Action().Match(page).Groups[1].Value), UriKind.Relative), form);
        if (signedIn.StatusCode != HttpStatusCode.SeeOther) throw new InvalidOperationException($"The sign-in answered {signedIn.StatusCode}.");
        return new SignedInBrowser(clientId, jar.GetCookieHeader(new Uri(server.Issuer)));
    }

    public override string ToString() => ClientId;

    [GeneratedRegex("name=\"form_token\"[^>]*value=\"([^\"]+)\"")]
    private static partial Regex FormToken();

    [GeneratedRegex("<form[^>]*action=\"([^\"]+)\"")]
    private static partial Regex Action();
}
