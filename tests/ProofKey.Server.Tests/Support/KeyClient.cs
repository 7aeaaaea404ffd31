using System.Text;
using System.Text.Json;
using ProofKey.Jose;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Tests.Support;

/// <summary>A confidential client that proves itself with a key, and what it signs.</summary>
internal sealed record KeyClient(RegisteredClient Client, SigningKey Key)
{
    private const string AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

    /// <summary>A key set as a client publishes it.</summary>
    public static string SetOf(params SigningKey[] keys) => Encoding.UTF8.GetString(new JwkSet(keys.Select(key => key.PublicKey)).ToJson());

    /// <summary>Registers one, with its key set inline.</summary>
    public static async Task<KeyClient> AddAsync(RunningServer server, SignatureAlgorithm? algorithm = null, Func<ClientRegistration, ClientRegistration>? change = null)
    {
        var key = SigningKey.New(algorithm ?? SignatureAlgorithm.ES256);
        var registration = new ClientRegistration
        {
            Name = "Key client",
            IsPublic = false,
            RedirectUris = ["https://app.example/callback"],
            IsFirstParty = true,
            UsesClientCredentials = true,
            Scope = "openid orders.read",
            Jwks = SetOf(key),
        };
        var added = await server.Registry.AddClientAsync(change?.Invoke(registration) ?? registration);
        added.Secret.ShouldBeNull("a client with keys has no secret");
        return new KeyClient(added.Client, key);
    }

    /// <summary>A good assertion, with some claims changed; <see langword="null"/> leaves one out.</summary>
    public string Assertion(RunningServer server, params (string Name, object? Value)[] changes) => Assertion(server, "JWT", changes);

    public string Assertion(RunningServer server, string type, (string Name, object? Value)[] changes)
    {
        var now = server.Time.Now.ToUnixTimeSeconds();
        var claims = new Dictionary<string, object?> { ["iss"] = Client.Id, ["sub"] = Client.Id, ["aud"] = server.Issuer, ["exp"] = now + 60, ["iat"] = now, ["jti"] = Secret.NewText(8) };
        foreach (var (name, value) in changes) claims[name] = value;
        return Jwt.Sign(Key, type, writer =>
        {
            foreach (var (name, value) in claims.Where(claim => claim.Value is not null))
            {
                writer.WritePropertyName(name);
                JsonSerializer.Serialize(writer, value);
            }
        });
    }

    /// <summary>The fields with which an assertion is sent.</summary>
    public static Dictionary<string, string> Fields(string assertion, params (string Name, string Value)[] more)
    {
        var fields = new Dictionary<string, string> { ["client_assertion_type"] = AssertionType, ["client_assertion"] = assertion };
        foreach (var (name, value) in more) fields[name] = value;
        return fields;
    }

    /// <summary>Asks for a token of its own.</summary>
    public static Task<JsonAnswer> AskAsync(RunningServer server, string assertion, params (string Name, string Value)[] more) =>
        server.PostFormAsync("/token", Fields(assertion, [("grant_type", "client_credentials"), .. more]));
}
