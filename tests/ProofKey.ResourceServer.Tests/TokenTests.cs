using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ProofKey.Jose;

namespace ProofKey.ResourceServer.Tests;

/// <summary>Tokens that must not open anything (RFC 8725, RFC 9068 section 4).</summary>
public sealed class TokenTests : IAsyncLifetime
{
    private const string Es256Header = """{"alg":"ES256","typ":"at+jwt"}""";

    private static readonly Dictionary<string, Action<JsonObject, long>> BadClaims = new()
    {
        ["no aud"] = (claims, _) => claims.Remove("aud"),
        ["another aud"] = (claims, _) => claims["aud"] = "https://other.example.com/",
        ["aud without its slash"] = (claims, _) => claims["aud"] = "https://api.example.com",
        ["aud that we begin"] = (claims, _) => claims["aud"] = "https://api.example.com/admin",
        ["aud in upper case"] = (claims, _) => claims["aud"] = "HTTPS://API.EXAMPLE.COM/",
        ["aud array without us"] = (claims, _) => claims["aud"] = new JsonArray("https://a.example/", "https://b.example/"),
        ["empty aud array"] = (claims, _) => claims["aud"] = new JsonArray(),
        ["aud array with a number"] = (claims, _) => claims["aud"] = new JsonArray(TestIssuer.Audience, 1),
        ["aud as an object"] = (claims, _) => claims["aud"] = new JsonObject { ["value"] = TestIssuer.Audience },
        ["iss off by a slash"] = (claims, _) => claims["iss"] = claims["iss"]!.GetValue<string>() + "/",
        ["another iss"] = (claims, _) => claims["iss"] = "https://evil.example.com",
        ["no iss"] = (claims, _) => claims.Remove("iss"),
        ["no exp"] = (claims, _) => claims.Remove("exp"),
        ["exp as a text"] = (claims, now) => claims["exp"] = (now + 600).ToString(System.Globalization.CultureInfo.InvariantCulture),
        ["exp of 1e308"] = (claims, _) => claims["exp"] = 1e308,
        ["exp null"] = (claims, _) => claims["exp"] = null,
        ["expired beyond the skew"] = (claims, now) => claims["exp"] = now - 61,
        ["nbf beyond the skew"] = (claims, now) => claims["nbf"] = now + 61,
        ["nbf as a text"] = (claims, now) => claims["nbf"] = now.ToString(System.Globalization.CultureInfo.InvariantCulture),
        ["no sub"] = (claims, _) => claims.Remove("sub"),
        ["empty sub"] = (claims, _) => claims["sub"] = "",
        ["sub as a number"] = (claims, _) => claims["sub"] = 7,
        ["no client_id"] = (claims, _) => claims.Remove("client_id"),
        ["no iat"] = (claims, _) => claims.Remove("iat"),
        ["iat as a text"] = (claims, now) => claims["iat"] = now.ToString(System.Globalization.CultureInfo.InvariantCulture),
        ["no jti"] = (claims, _) => claims.Remove("jti"),
    };

    private static readonly Dictionary<string, Action<JsonObject, long>> GoodClaims = new()
    {
        ["as issued"] = (_, _) => { },
        ["aud array with us"] = (claims, _) => claims["aud"] = new JsonArray("https://a.example/", TestIssuer.Audience),
        ["expired within the skew"] = (claims, now) => claims["exp"] = now - 59,
        ["nbf within the skew"] = (claims, now) => claims["nbf"] = now + 59,
    };

    private TestIssuer _issuer = null!;
    private Api _api = null!;

    public static TheoryData<string> NamesOfBadClaims => [.. BadClaims.Keys];

    public static TheoryData<string> NamesOfGoodClaims => [.. GoodClaims.Keys];

    public async ValueTask InitializeAsync()
    {
        _issuer = await TestIssuer.StartAsync();
        _api = await Api.StartAsync(_issuer);
    }

    public async ValueTask DisposeAsync()
    {
        await _api.DisposeAsync();
        await _issuer.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(NamesOfBadClaims))]
    [Assertion("RS-09"), Assertion("RS-02"), Rfc("RFC 9068", "4")]
    [Rfc("RFC 9068", "2.2")]
    public async Task Claims_that_are_missing_or_wrong_are_refused(string name) =>
        await ShouldBeRefused(_issuer.Token(claims => BadClaims[name](claims, _issuer.Now)));

    [Theory]
    [MemberData(nameof(NamesOfGoodClaims))]
    [Assertion("RS-09"), Rfc("RFC 9068", "4")]
    public async Task Claims_at_the_good_side_of_the_border_are_accepted(string name) =>
        (await StatusOf(_issuer.Token(claims => GoodClaims[name](claims, _issuer.Now)))).ShouldBe(HttpStatusCode.OK);

    [Theory]
    [InlineData(0, HttpStatusCode.Unauthorized)]
    [InlineData(1, HttpStatusCode.OK)]
    [Assertion("RS-09")]
    public async Task The_skew_can_be_set_to_nothing(int secondsLeft, HttpStatusCode expected)
    {
        await using var strict = await Api.StartAsync(_issuer, options => options.ClockSkew = TimeSpan.Zero);
        using var answer = await strict.GetAsync("/orders", _issuer.Token(claims => claims["exp"] = _issuer.Now + secondsLeft));

        answer.StatusCode.ShouldBe(expected);
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("a.b.c")]
    [InlineData("..")]
    [InlineData("Bearer")]
    [InlineData("e30.e30.e30")]
    [InlineData("e30.e30.")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.e30.AA==")]
    [Assertion("RS-02"), Rfc("RFC 6750", "3.1")]
    public async Task What_is_no_token_is_refused_without_asking_the_issuer(string token)
    {
        await ShouldBeRefused(token);

        _issuer.Requests.ShouldBe(0);
    }

    [Fact]
    [Assertion("RS-02")]
    public async Task A_changed_payload_or_signature_is_refused()
    {
        var parts = _issuer.Token().Split('.');
        var other = _issuer.Token(claims => claims["sub"] = "bob").Split('.');

        await ShouldBeRefused($"{parts[0]}.{other[1]}.{parts[2]}");
        await ShouldBeRefused($"{parts[0]}.{parts[1]}.{other[2]}");
    }

    [Fact]
    [Assertion("RS-02")]
    public async Task A_token_of_another_issuer_under_the_same_name_is_refused()
    {
        using var foreign = SigningKey.New(SignatureAlgorithm.ES256);

        await ShouldBeRefused(_issuer.Token(key: foreign));
        await ShouldBeRefused(_issuer.TokenWithHeader($$"""{"alg":"ES256","typ":"at+jwt","kid":"{{_issuer.Key.KeyId}}"}""", foreign));
    }

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("NONE")]
    [InlineData("nOnE")]
    [InlineData("")]
    [Assertion("RS-06"), Rfc("RFC 8725", "2.1")]
    public async Task An_unsigned_token_is_refused(string algorithm)
    {
        var header = $$"""{"alg":"{{algorithm}}","typ":"at+jwt","kid":"{{_issuer.Key.KeyId}}"}""";

        await ShouldBeRefused(TestIssuer.Sign(header, _issuer.Claims().ToJsonString(), _ => []));
        await ShouldBeRefused(TestIssuer.Sign(header, _issuer.Claims().ToJsonString(), signed => _issuer.Key.Sign(signed)));
    }

    [Theory]
    [InlineData("ES256")]
    [InlineData("RS256")]
    [Assertion("RS-06"), Rfc("RFC 8725", "2.1")]
    public async Task The_public_key_is_no_shared_secret(string algorithm)
    {
        using var key = PublishKey(algorithm);
        foreach (var secret in SpellingsOf(key))
        {
            var header = $$"""{"alg":"HS256","typ":"at+jwt","kid":"{{key.KeyId}}"}""";
            await ShouldBeRefused(TestIssuer.Sign(header, _issuer.Claims().ToJsonString(), signed => HMACSHA256.HashData(secret, signed)));
        }
    }

    [Theory]
    [InlineData("RS256", "ES256")]
    [InlineData("ES256", "RS256")]
    [InlineData("ES256", "PS256")]
    [InlineData("ES256", "es256")]
    [InlineData("RS256", "RS1")]
    [Assertion("RS-06"), Rfc("RFC 8725", "3.1")]
    public async Task A_key_serves_its_own_algorithm_alone(string published, string claimed)
    {
        using var key = PublishKey(published);

        await ShouldBeRefused(_issuer.TokenWithHeader($$"""{"alg":"{{claimed}}","typ":"at+jwt","kid":"{{key.KeyId}}"}""", key));
    }

    [Theory]
    [InlineData("RS256", "PS256")]
    [InlineData("PS256", "RS256")]
    [Assertion("RS-06"), Rfc("RFC 8725", "3.1")]
    public async Task An_RSA_key_serves_one_padding_alone(string published, string claimed)
    {
        using var key = PublishKey(published);
        using var rsa = Rsa(key);
        var padding = claimed == "PS256" ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1;
        byte[] Sign(byte[] signed) => rsa.SignData(signed, HashAlgorithmName.SHA256, padding);

        foreach (var algorithm in new[] { claimed, published })
            await ShouldBeRefused(TestIssuer.Sign($$"""{"alg":"{{algorithm}}","typ":"at+jwt"}""", _issuer.Claims().ToJsonString(), Sign));
    }

    [Theory]
    [InlineData("ES256")]
    [InlineData("RS256")]
    [InlineData("PS256")]
    [Assertion("RS-06")]
    public async Task Each_of_the_three_algorithms_is_accepted(string algorithm)
    {
        using var key = PublishKey(algorithm);

        (await StatusOf(_issuer.Token(key: key))).ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("RS-07"), Rfc("RFC 8725", "3.10")]
    public async Task Keys_that_the_token_brings_along_are_never_fetched_nor_used()
    {
        await using var attacker = await TestIssuer.StartAsync();
        using var writer = new MemoryStream();
        await using (var json = new Utf8JsonWriter(writer)) attacker.Key.PublicKey.WriteTo(json);
        var jwk = Encoding.UTF8.GetString(writer.ToArray());
        var keys = attacker.Issuer.Endpoint("/jwks");
        string[] members = [$"\"jku\":\"{keys}\"", $"\"x5u\":\"{keys}\"", $"\"jwk\":{jwk}", $"\"x5c\":[\"{Convert.ToBase64String(attacker.Key.ToPkcs8())}\"]"];
        foreach (var member in members)
        {
            await ShouldBeRefused(_issuer.TokenWithHeader($$"""{"alg":"ES256","typ":"at+jwt",{{member}}}""", attacker.Key));
            await ShouldBeRefused(_issuer.TokenWithHeader($$"""{"alg":"ES256","typ":"at+jwt","kid":"{{attacker.Key.KeyId}}",{{member}}}""", attacker.Key));
        }

        attacker.Requests.ShouldBe(0);
        // The first token made the issuer's keys be fetched, the first unknown kid made them be fetched once more.
        _issuer.KeyFetches.ShouldBe(2);
    }

    [Fact]
    [Assertion("RS-07"), Rfc("RFC 8725", "2.9")]
    public async Task A_kid_is_a_name_and_nothing_else()
    {
        await using var attacker = await TestIssuer.StartAsync();
        string[] names = ["../../../../etc/passwd", "' OR 1=1 --", attacker.Issuer.Endpoint("/jwks"), new string('k', 10_000), "", "\\u0000", "%00"];
        foreach (var name in names) await ShouldBeRefused(_issuer.TokenWithHeader($$"""{"alg":"ES256","typ":"at+jwt","kid":"{{name}}"}"""));
        foreach (var value in new[] { $"[\"{_issuer.Key.KeyId}\"]", "1", "{}", "true" })
            await ShouldBeRefused(_issuer.TokenWithHeader($$"""{"alg":"ES256","typ":"at+jwt","kid":{{value}}}"""));

        attacker.Requests.ShouldBe(0);
        _issuer.KeyFetches.ShouldBeLessThanOrEqualTo(2);
    }

    [Theory]
    [InlineData("JWT")]
    [InlineData("logout+jwt")]
    [InlineData("dpop+jwt")]
    [InlineData("client-authentication+jwt")]
    [InlineData("oauth-authz-req+jwt")]
    [InlineData("id+jwt")]
    [InlineData("at")]
    [InlineData("at+jwt ")]
    [Assertion("RS-08"), Rfc("RFC 9068", "4")]
    public async Task A_token_of_another_kind_is_no_access_token(string typ) => await ShouldBeRefused(_issuer.Token(typ: typ));

    [Fact]
    [Assertion("RS-08"), Rfc("RFC 8725", "3.11")]
    public async Task A_token_without_a_kind_is_refused()
    {
        await ShouldBeRefused(_issuer.TokenWithHeader($$"""{"alg":"ES256","kid":"{{_issuer.Key.KeyId}}"}"""));
        await ShouldBeRefused(_issuer.TokenWithHeader($$"""{"alg":"ES256","typ":null,"kid":"{{_issuer.Key.KeyId}}"}"""));
    }

    [Theory]
    [InlineData("at+jwt")]
    [InlineData("AT+JWT")]
    [InlineData("application/at+jwt")]
    [Assertion("RS-08"), Rfc("RFC 9068", "4")]
    public async Task Both_spellings_of_the_kind_are_accepted(string typ) =>
        (await StatusOf(_issuer.Token(typ: typ))).ShouldBe(HttpStatusCode.OK);

    [Fact]
    public async Task A_token_without_kid_is_checked_with_the_keys_that_fit() =>
        (await StatusOf(_issuer.TokenWithHeader(Es256Header))).ShouldBe(HttpStatusCode.OK);

    [Theory]
    [InlineData("""{"alg":"ES256","typ":"at+jwt","crit":["exp"],"exp":1}""")]
    [InlineData("""{"alg":"ES256","typ":"at+jwt","crit":["urn:example:unknown"],"urn:example:unknown":true}""")]
    [InlineData("""{"alg":"ES256","typ":"at+jwt","crit":[]}""")]
    [InlineData("""{"alg":"ES256","typ":"at+jwt","b64":false,"crit":["b64"]}""")]
    [InlineData("""{"alg":"ES256","typ":"at+jwt","b64":false}""")]
    [InlineData("""{"alg":"ES256","typ":"at+jwt","zip":"DEF"}""")]
    [InlineData("""{"alg":"ES256","alg":"ES256","typ":"at+jwt"}""")]
    [InlineData("""{"alg":"ES256","typ":"JWT","typ":"at+jwt"}""")]
    [InlineData("""["ES256"]""")]
    [InlineData("""{"typ":"at+jwt"}""")]
    [InlineData("""{"alg":["ES256"],"typ":"at+jwt"}""")]
    [InlineData("""{"alg":"ES256","typ":"at+jwt"} """ + "x")]
    [Assertion("RS-10"), Rfc("RFC 7515", "4.1.11"), Rfc("RFC 7515", "5.2")]
    public async Task A_header_that_asks_for_more_or_says_things_twice_is_refused(string header) => await ShouldBeRefused(_issuer.TokenWithHeader(header));

    [Fact]
    [Assertion("RS-10"), Rfc("RFC 7515", "5.2")]
    public async Task Only_the_compact_form_of_a_signed_token_is_read()
    {
        var parts = _issuer.Token().Split('.');

        await ShouldBeRefused($"{{\"protected\":\"{parts[0]}\",\"payload\":\"{parts[1]}\",\"signature\":\"{parts[2]}\"}}");
        await ShouldBeRefused($"{parts[0]}.{parts[1]}.{parts[2]}.{parts[2]}.{parts[2]}");
        await ShouldBeRefused($"{parts[0]}.{parts[1]}");
        await ShouldBeRefused($"{parts[0]}.{parts[1]}.{parts[2]}=");
        // A token within a token.
        await ShouldBeRefused(TestIssuer.Sign("""{"alg":"ES256","typ":"at+jwt","cty":"JWT"}""", _issuer.Token(), signed => _issuer.Key.Sign(signed)));
        // Claims that come twice: whoever reads the last one sees another subject.
        var twice = _issuer.Claims().ToJsonString().Replace("\"sub\":\"alice\"", "\"sub\":\"alice\",\"sub\":\"bob\"", StringComparison.Ordinal);
        await ShouldBeRefused(TestIssuer.Sign(Es256Header, twice, signed => _issuer.Key.Sign(signed)));
    }

    [Fact]
    [Assertion("RS-11")]
    public async Task What_is_too_long_or_too_deep_is_refused_before_it_is_read()
    {
        await ShouldBeRefused(new string('.', 1024 * 1024));
        await ShouldBeRefused(new string('a', 1024 * 1024));
        await ShouldBeRefused(_issuer.Token(claims => claims["filler"] = new string('x', 750_000)));
        _issuer.Requests.ShouldBe(0);

        var deep = new string('[', 5000) + new string(']', 5000);
        await ShouldBeRefused(TestIssuer.Sign(Es256Header, _issuer.Claims().ToJsonString()[..^1] + $",\"deep\":{deep}}}", signed => _issuer.Key.Sign(signed)));
        await ShouldBeRefused(_issuer.TokenWithHeader($$"""{"alg":"ES256","typ":"at+jwt","deep":{{deep}}}"""));
    }

    [Fact]
    [Assertion("RS-11")]
    public async Task Ten_thousand_invented_key_ids_cause_one_fetch()
    {
        (await StatusOf(_issuer.Token())).ShouldBe(HttpStatusCode.OK);
        _issuer.KeyFetches.ShouldBe(1);
        var payload = Base64UrlText.Encode("{}"u8);
        var refused = 0;
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = TestContext.Current.CancellationToken };
        await Parallel.ForAsync(0, 10_000, parallel, async (number, _) =>
        {
            var header = Base64UrlText.Encode(Encoding.UTF8.GetBytes($$"""{"alg":"ES256","typ":"at+jwt","kid":"invented-{{number}}"}"""));
            if (await StatusOf($"{header}.{payload}.AAAA") == HttpStatusCode.Unauthorized) Interlocked.Increment(ref refused);
        });

        refused.ShouldBe(10_000);
        _issuer.KeyFetches.ShouldBe(2);
        (await StatusOf(_issuer.Token())).ShouldBe(HttpStatusCode.OK);
    }

    private static List<byte[]> SpellingsOf(SigningKey key)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream)) key.PublicKey.WriteTo(json);
        using AsymmetricAlgorithm platform = key.Algorithm.KeyType == "RSA" ? Rsa(key) : Ec(key);
        var pem = platform.ExportSubjectPublicKeyInfoPem();
        return [Encoding.ASCII.GetBytes(pem), Encoding.ASCII.GetBytes(pem + "\n"), platform.ExportSubjectPublicKeyInfo(), stream.ToArray(), []];
    }

    private static RSA Rsa(SigningKey key)
    {
        var rsa = RSA.Create();
        rsa.ImportPkcs8PrivateKey(key.ToPkcs8(), out _);
        return rsa;
    }

    private static ECDsa Ec(SigningKey key)
    {
        var ec = ECDsa.Create();
        ec.ImportPkcs8PrivateKey(key.ToPkcs8(), out _);
        return ec;
    }

    private SigningKey PublishKey(string algorithm)
    {
        SignatureAlgorithm.TryParse(algorithm, out var known).ShouldBeTrue();
        var key = SigningKey.New(known!);
        _issuer.Published = [key];
        return key;
    }

    private async Task ShouldBeRefused(string token)
    {
        using var answer = await _api.GetAsync("/orders", token);

        answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        answer.Headers.GetValues("WWW-Authenticate").Single().ShouldContain("error=\"invalid_token\"");
    }

    private async Task<HttpStatusCode> StatusOf(string token)
    {
        using var answer = await _api.GetAsync("/orders", token);
        return answer.StatusCode;
    }
}
