using System.Text;
using FsCheck.Fluent;
using ProofKey.Jose;
using ProofKey.Tests.Properties;

namespace ProofKey.Core.Tests.Jose;

/// <summary>The reader of tokens: whatever comes, it answers; and what was changed after signing is refused.</summary>
public sealed class JwtPropertyTests
{
    private static readonly DateTimeOffset Now = new(2030, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static readonly SigningKey[] Keys = [SigningKey.New(SignatureAlgorithm.ES256), SigningKey.New(SignatureAlgorithm.RS256), SigningKey.New(SignatureAlgorithm.PS256)];

    private static readonly JwkSet Published = new([.. Keys.Select(key => key.PublicKey)]);

    private static readonly JwtExpectations Expected = new() { Issuer = "https://issuer.example", Audience = "client" };

    private static string Token(SigningKey key) => Jwt.Sign(key, "JWT", writer =>
    {
        writer.WriteString("iss", Expected.Issuer);
        writer.WriteString("aud", Expected.Audience);
        writer.WriteNumber("exp", Now.AddMinutes(5).ToUnixTimeSeconds());
    });

    private static bool Accepts(string? token) => Jwt.Verify(token, Published, Expected, Now).TryGet(out _, out _);

    [Fact]
    [Assertion("RS-06")]
    [Assertion("RS-10")]
    [Rfc("RFC 7515", "5.2")]
    public void A_token_that_was_changed_anywhere_is_refused()
    {
        foreach (var token in Keys.Select(Token))
        {
            Accepts(token).ShouldBeTrue();
            Property.Holds(Property.Mutated(token, "=", ".", "A", "-", "_", "..", " ", "\n", "%3d", "é"), changed => Accepts(changed).ShouldBe(changed == token, changed), 1500);
        }
    }

    [Fact]
    [Assertion("RS-06")]
    public void Parts_of_two_good_tokens_make_no_third()
    {
        var parts = Keys.Select(key => Token(key).Split('.')).ToArray();
        foreach (var header in parts)
            foreach (var payload in parts)
                foreach (var signature in parts)
                    // The claims of all three are the same text, so header and signature decide.
                    Accepts($"{header[0]}.{payload[1]}.{signature[2]}").ShouldBe(header == signature);
    }

    [Fact]
    [Assertion("RS-11")]
    public void Whatever_text_comes_is_answered_with_a_refusal()
    {
        var json = Property.TextOf(8, "{", "}", "[", "]", "\"alg\":", "\"none\"", "\"ES256\"", "\"HS256\"", "\"kid\":", "\"typ\":", ",", "null", "1e999", "\"crit\":[\"x\"]", "\"", "\\u0000", "{\"alg\":\"ES256\"}", "{\"alg\":\"none\"}", "{\"exp\":1}", " ");
        var parts = Gen.OneOf(json.Select(text => Base64UrlText.Encode(Encoding.UTF8.GetBytes(text))), Property.Bytes(40).Select(bytes => Base64UrlText.Encode(bytes)), Property.AnyText(12));
        var tokens = Gen.OneOf(Gen.Choose(0, 6).SelectMany(count => parts.ArrayOf(count)).Select(all => string.Join('.', all)), Property.AnyText(60), Gen.Choose(1, 5000).Select(count => new string('.', count)));
        Property.Holds(tokens, token =>
        {
            Jwt.Verify(token, Published, Expected, Now).TryGet(out _, out var problem).ShouldBeFalse(token);
            problem!.Message.ShouldNotBeNullOrWhiteSpace();
        }, 3000);
    }
}
