using System.Text;
using System.Text.Json.Nodes;
using ProofKey.Jose;

namespace ProofKey.Core.Tests.Jose;

/// <summary>Tokens and keys that an honest program would not write.</summary>
internal static class HandMade
{
    public static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);

    public static readonly JwtExpectations Expected = new() { Issuer = "https://login.example", Audience = "https://api.example", Types = ["at+jwt"] };

    /// <summary>Claims that meet <see cref="Expected"/> at <see cref="Now"/>.</summary>
    public static JsonObject GoodClaims() => new()
    {
        ["iss"] = "https://login.example",
        ["sub"] = "ada",
        ["aud"] = "https://api.example",
        ["iat"] = Now.ToUnixTimeSeconds(),
        ["exp"] = Now.ToUnixTimeSeconds() + 600,
    };

    public static string Header(string algorithm, string keyId) => $$"""{"alg":"{{algorithm}}","typ":"at+jwt","kid":"{{keyId}}"}""";

    /// <summary>A token whose header and payload are any text, signed correctly.</summary>
    public static string Token(SigningKey key, string header, string payload) => Token(header, payload, data => key.Sign(data));

    public static string Token(SigningKey key, JsonObject claims) => Token(key, Header(key.Algorithm.Name, key.KeyId), claims.ToJsonString());

    public static string Token(string header, string payload, Func<byte[], byte[]> sign)
    {
        var signed = $"{Base64UrlText.Encode(Encoding.UTF8.GetBytes(header))}.{Base64UrlText.Encode(Encoding.UTF8.GetBytes(payload))}";
        return $"{signed}.{Base64UrlText.Encode(sign(Encoding.ASCII.GetBytes(signed)))}";
    }

    /// <summary>The code of the first check that failed, or <c>accepted</c>.</summary>
    public static string Verdict(string? token, JwkSet keys, JwtExpectations? expected = null, DateTimeOffset? now = null) =>
        Jwt.Verify(token, keys, expected ?? Expected, now ?? Now).TryGet(out _, out var problem) ? "accepted" : problem.Code;

    /// <summary>A public key as a JSON object to be spoilt.</summary>
    public static JsonObject Json(Jwk key) => JsonNode.Parse(new JwkSet(key).ToJson())!["keys"]![0]!.DeepClone().AsObject();

    /// <summary>A key set's text.</summary>
    public static byte[] SetOf(params JsonNode?[] keys) =>
        Encoding.UTF8.GetBytes(new JsonObject { ["keys"] = new JsonArray([.. keys.Select(key => key?.DeepClone())]) }.ToJsonString());

    public static JwkSet Parse(byte[] json)
    {
        JwkSet.TryParse(json, out var set, out var problem).ShouldBeTrue(problem);
        return set!;
    }
}
