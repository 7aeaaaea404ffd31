using System.Net;
using System.Text.Json;
using ProofKey.Jose;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>A code on its way from the authorization endpoint to the token endpoint, with the request that it answers.</summary>
internal sealed record IssuedCode(RegisteredClient Client, AuthorizeUrl Request, string Text)
{
    /// <summary>The fields of the right exchange, some of them changed; a value of <see langword="null"/> leaves the field out.</summary>
    public Dictionary<string, string> Exchange(params (string Name, string? Value)[] changes)
    {
        var fields = TokenCalls.CodeExchange(Client, Request, Text);
        foreach (var (name, value) in changes)
            if (value is null) fields.Remove(name);
            else fields[name] = value;
        return fields;
    }
}

/// <summary>One server for all tests of a class, with a person who has signed in and clients that need no page after that.</summary>
public class TokenServer : IAsyncLifetime
{
    private const string RedirectUri = "https://app.example/callback";

    private static readonly JsonDocumentOptions NoDuplicates = new() { AllowDuplicateProperties = false };

    internal RunningServer Server { get; private set; } = null!;

    internal RegisteredClient Client { get; private set; } = null!;

    internal RegisteredClient Other { get; private set; } = null!;

    internal Person Person { get; private set; } = null!;

    /// <summary>Whether refresh tokens rotate to the letter.</summary>
    protected virtual bool IsStrict => false;

    /// <summary>Starts the server that the tests of the class are about.</summary>
    private protected virtual Task<RunningServer> StartAsync() => RunningServer.StartAsync(strictRotation: IsStrict);

    public async ValueTask InitializeAsync()
    {
        Server = await StartAsync();
        Client = await AddClientAsync();
        Other = await AddClientAsync();
        Person = Server.NewPerson();
        await CodeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Person.Dispose();
        await Server.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Registers a client that the operator vouches for.</summary>
    internal Task<RegisteredClient> AddClientAsync(Func<ClientRegistration, ClientRegistration>? change = null) =>
        Server.AddClientAsync(RedirectUri, registration => (change ?? (same => same))(registration with { IsFirstParty = true }));

    /// <summary>Registers a client with a secret.</summary>
    internal async Task<(RegisteredClient Client, string Secret)> AddConfidentialClientAsync()
    {
        var added = await Server.Registry.AddClientAsync(new ClientRegistration { Name = "Confidential", IsPublic = false, RedirectUris = [RedirectUri], IsFirstParty = true });
        return (added.Client, added.Secret!);
    }

    /// <summary>A fresh code. The person signs in again where their session has ended.</summary>
    internal async Task<IssuedCode> CodeAsync(RegisteredClient? client = null, string scope = "openid profile email", Person? person = null, string userName = RunningServer.UserName)
    {
        var request = new AuthorizeUrl(Server, client ?? Client).Set("scope", scope);
        var answer = await (person ?? Person).AuthorizeAsync(request, userName);
        return new IssuedCode(client ?? Client, request, answer["code"]);
    }

    /// <summary>Fresh tokens.</summary>
    internal async Task<JsonAnswer> TokensAsync(string scope = "openid profile email", RegisteredClient? client = null, Person? person = null, string userName = RunningServer.UserName)
    {
        var tokens = await RedeemAsync(await CodeAsync(client, scope, person, userName));
        tokens.Status.ShouldBe(HttpStatusCode.OK, tokens.Body.ToString());
        return tokens;
    }

    /// <summary>Sends the right exchange of a code, some fields changed.</summary>
    internal Task<JsonAnswer> RedeemAsync(IssuedCode code, params (string Name, string? Value)[] changes) => PostAsync(code.Exchange(changes));

    internal Task<JsonAnswer> PostAsync(IEnumerable<KeyValuePair<string, string>> fields, Action<HttpRequestMessage>? change = null) => Server.PostFormAsync("/token", fields, change);

    internal Task<JsonAnswer> RefreshAsync(string refreshToken, string? scope = null) => Server.RefreshAsync(Client, refreshToken, scope);

    /// <summary>Refreshes, and gives the next refresh token.</summary>
    internal async Task<string> NextAsync(string refreshToken)
    {
        var refreshed = await RefreshAsync(refreshToken);
        refreshed.Status.ShouldBe(HttpStatusCode.OK, refreshed.Body.ToString());
        return refreshed.Text("refresh_token");
    }

    /// <summary>Whether an access token still opens userinfo.</summary>
    internal async Task<bool> LivesAsync(string accessToken) => (await Server.UserinfoAsync(accessToken)).Status == HttpStatusCode.OK;

    /// <summary>An account of its own, for a test that harms it.</summary>
    internal async Task<(Account Account, Person Person)> AddPersonAsync()
    {
        var account = await Server.Registry.AddAccountAsync("p" + Secret.NewText(8), RunningServer.Password, null, isAdmin: false);
        return (account, Server.NewPerson());
    }

    /// <summary>The keys as any relying party reads them.</summary>
    internal async Task<JwkSet> KeysAsync()
    {
        var answer = await GetAsync("/jwks");
        JwkSet.TryParse(System.Text.Encoding.UTF8.GetBytes(answer.Body.GetRawText()), out var keys, out var problem).ShouldBeTrue(problem);
        return keys!;
    }

    /// <summary>Checks a JWT as a relying party does.</summary>
    internal async Task<Jwt> VerifyAsync(string token, string audience)
    {
        var expected = new JwtExpectations { Issuer = Server.Issuer, Audience = audience };
        Jwt.Verify(token, await KeysAsync(), expected, Server.Time.Now).TryGet(out var jwt, out var problem).ShouldBeTrue(problem?.Message);
        return jwt!;
    }

    internal async Task<JsonAnswer> GetAsync(string path, Action<HttpRequestMessage>? change = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Server.Issuer + path);
        change?.Invoke(request);
        return await TokenCalls.SendAsync(request);
    }

    /// <summary>Sends a form over a connection of the test's choice, and gives the status and the error code.</summary>
    internal async Task<(HttpStatusCode Status, string? Error)> PostFromAsync(HttpClient http, IEnumerable<KeyValuePair<string, string>> fields)
    {
        using var content = new FormUrlEncodedContent(fields);
        using var response = await http.PostAsync(new Uri(Server.Issuer + "/token"), content);
        using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(), NoDuplicates);
        return (response.StatusCode, body.RootElement.TryGetProperty("error", out var error) ? error.GetString() : null);
    }
}

/// <summary>The same with rotation to the letter.</summary>
public sealed class StrictTokenServer : TokenServer
{
    protected override bool IsStrict => true;
}
