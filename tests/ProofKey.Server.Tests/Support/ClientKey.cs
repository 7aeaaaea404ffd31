using System.Text;
using System.Text.Json.Nodes;
using ProofKey.Jose;

namespace ProofKey.Server.Tests.Support;

/// <summary>A client's key and the newest nonce that it was given, and what a client does with both (RFC 9449).</summary>
internal sealed class ClientKey(RunningServer server, SignatureAlgorithm? algorithm = null) : IDisposable
{
    private const string Header = "DPoP";

    public SigningKey Key { get; } = SigningKey.New(algorithm ?? SignatureAlgorithm.ES256);

    public string Thumbprint => Key.PublicKey.Thumbprint();

    /// <summary>The newest nonce of the server.</summary>
    public string? Nonce { get; set; }

    /// <summary>A good proof for a request to the server.</summary>
    public string Prove(string method, string path, string? accessToken = null) => Dpop.Prove(Key, method, new Uri(server.Issuer + path), server.Time.Now, Nonce, accessToken);

    /// <summary>A proof that is good but for what the test changes, signed with the key or with another one.</summary>
    public string Forge(string method, string path, Action<JsonObject>? header = null, Action<JsonObject>? claims = null, string? accessToken = null, SigningKey? signer = null)
    {
        var parts = Prove(method, path, accessToken).Split('.');
        var (forgedHeader, forgedClaims) = (Json(parts[0]), Json(parts[1]));
        header?.Invoke(forgedHeader);
        claims?.Invoke(forgedClaims);
        var signed = $"{Text(forgedHeader)}.{Text(forgedClaims)}";
        return $"{signed}.{Base64UrlText.Encode((signer ?? Key).Sign(Encoding.ASCII.GetBytes(signed)))}";
    }

    /// <summary>Posts a form with a proof, and once more with the nonce that the server asks for.</summary>
    public async Task<JsonAnswer> PostAsync(string path, IEnumerable<KeyValuePair<string, string>> fields, RunningServer? at = null)
    {
        var form = fields.ToList();
        var answer = await (at ?? server).PostFormAsync(path, form, With(Prove("POST", path)));
        Keep(answer);
        if (answer.Error != "use_dpop_nonce") return answer;
        answer = await (at ?? server).PostFormAsync(path, form, With(Prove("POST", path)));
        Keep(answer);
        return answer;
    }

    /// <summary>Asks userinfo with a bound token, and once more with the nonce that the server asks for.</summary>
    public async Task<JsonAnswer> UserinfoAsync(string accessToken, string scheme = "DPoP")
    {
        var answer = await UserinfoOnceAsync($"{scheme} {accessToken}", Prove("GET", "/userinfo", accessToken));
        return answer.Response.Headers.WwwAuthenticate.ToString().Contains("use_dpop_nonce", StringComparison.Ordinal)
            ? await UserinfoOnceAsync($"{scheme} {accessToken}", Prove("GET", "/userinfo", accessToken))
            : answer;
    }

    /// <summary>Asks userinfo once, with whatever proofs.</summary>
    public async Task<JsonAnswer> UserinfoOnceAsync(string authorization, params string[] proofs)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, server.Issuer + "/userinfo");
        request.Headers.TryAddWithoutValidation("Authorization", authorization).ShouldBeTrue();
        With(proofs)(request);
        var answer = await TokenCalls.SendAsync(request);
        Keep(answer);
        return answer;
    }

    /// <summary>Gets a nonce, by a request that cannot succeed.</summary>
    public async Task LearnNonceAsync(string clientId)
    {
        Nonce = null;
        (await server.PostFormAsync("/token", Refresh(clientId, "pkr_x"), With(Prove("POST", "/token")))).ShouldSatisfyAllConditions(
            answer => answer.Error.ShouldBe("use_dpop_nonce"),
            Keep);
        Nonce.ShouldNotBeNull();
    }

    /// <summary>The fields of a refresh.</summary>
    public static Dictionary<string, string> Refresh(string clientId, string refreshToken) =>
        new() { ["grant_type"] = "refresh_token", ["client_id"] = clientId, ["refresh_token"] = refreshToken };

    /// <summary>Puts proofs into a request, each in a header of its own.</summary>
    public static Action<HttpRequestMessage> With(params string[] proofs) => request =>
    {
        foreach (var proof in proofs) request.Headers.TryAddWithoutValidation(Header, proof).ShouldBeTrue();
    };

    public void Dispose() => Key.Dispose();

    private void Keep(JsonAnswer answer)
    {
        if (answer.Response.Headers.TryGetValues("DPoP-Nonce", out var values)) Nonce = values.Single();
    }

    private static JsonObject Json(string part)
    {
        Base64UrlText.TryDecode(part, out var bytes).ShouldBeTrue();
        return JsonNode.Parse(bytes)!.AsObject();
    }

    private static string Text(JsonObject json) => Base64UrlText.Encode(Encoding.UTF8.GetBytes(json.ToJsonString()));
}
