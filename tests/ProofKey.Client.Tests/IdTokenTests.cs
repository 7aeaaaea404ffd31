using System.Text;
using System.Text.Json.Nodes;
using ProofKey.Jose;

namespace ProofKey.Client.Tests;

public sealed class IdTokenTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("ES256")]
    [InlineData("RS256")]
    [InlineData("PS256")]
    [Rfc("OpenID Connect Core", "3.1.3.7")]
    public async Task A_good_token_is_accepted_with_each_algorithm(string algorithm)
    {
        await using var server = await ScriptedServer.StartAsync();
        SignatureAlgorithm.TryParse(algorithm, out var parsed).ShouldBeTrue();
        server.Key = SigningKey.New(parsed!);

        (await SignInAsync(server)).ShouldBeOfType<SignInResult.SignedIn>().Session.Subject.ShouldBe("alice");
    }

    [Theory]
    [InlineData("iss", "\"http://evil.example\"", "id_token_issuer")]
    [InlineData("iss", "", "id_token_claim")]
    [InlineData("aud", "\"another\"", "id_token_audience")]
    [InlineData("aud", "", "id_token_audience")]
    [InlineData("aud", "[\"cli\",\"another\"]", "id_token_azp")]
    [InlineData("azp", "\"another\"", "id_token_azp")]
    [InlineData("azp", "7", "id_token_azp")]
    [InlineData("exp", "1", "id_token_expired")]
    [InlineData("exp", "", "id_token_claim")]
    [InlineData("exp", "1e308", "id_token_claim")]
    [InlineData("exp", "\"never\"", "id_token_claim")]
    [InlineData("iat", "", "id_token_iat")]
    [InlineData("iat", "4102444800", "id_token_iat")]
    [InlineData("sub", "", "id_token_subject")]
    [InlineData("sub", "\"\"", "id_token_subject")]
    [InlineData("nonce", "", "id_token_nonce")]
    [InlineData("nonce", "\"another\"", "id_token_nonce")]
    [InlineData("nonce", "7", "id_token_nonce")]
    [InlineData("at_hash", "\"AAAAAAAAAAAAAAAAAAAAAA\"", "id_token_at_hash")]
    [InlineData("at_hash", "null", "id_token_at_hash")]
    [Assertion("CL-04")]
    [Rfc("OpenID Connect Core", "3.1.3.7")]
    [Rfc("OpenID Connect Core", "3.1.3.6")]
    public async Task A_wrong_or_missing_claim_is_refused(string claim, string json, string code)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilIdToken = claims =>
        {
            claims.Remove(claim);
            if (json.Length > 0) claims[claim] = JsonNode.Parse(json);
        };

        (await SignInAsync(server)).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe(code);
    }

    [Theory]
    [InlineData("aud", "[\"cli\"]", null)]
    [InlineData("aud", "[\"cli\",\"another\"]", "cli")]
    [InlineData("at_hash", "", null)]
    [InlineData("iat", "now+50", null)]
    [InlineData("exp", "now-50", null)]
    [Rfc("OpenID Connect Core", "3.1.3.7")]
    public async Task What_the_specification_allows_is_accepted(string claim, string json, string? authorizedParty)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilIdToken = claims =>
        {
            claims.Remove(claim);
            var now = server.Time.GetUtcNow().ToUnixTimeSeconds();
            if (json == "now-50") claims["iat"] = now - 100;
            if (json.Length > 0) claims[claim] = json switch { "now+50" => now + 50, "now-50" => now - 50, _ => JsonNode.Parse(json) };
            if (authorizedParty is not null) claims["azp"] = authorizedParty;
        };

        (await SignInAsync(server)).ShouldBeOfType<SignInResult.SignedIn>();
    }

    [Theory]
    [InlineData("{\"alg\":\"none\"}", "id_token_algorithm")]
    [InlineData("{\"alg\":\"none\",\"kid\":\"{0}\"}", "id_token_algorithm")]
    [InlineData("{\"alg\":\"HS256\",\"kid\":\"{0}\"}", "id_token_algorithm")]
    [InlineData("{\"alg\":\"es256\",\"kid\":\"{0}\"}", "id_token_algorithm")]
    [InlineData("{\"alg\":\"RS256\",\"kid\":\"{0}\"}", "id_token_unknown_key")]
    [InlineData("{\"alg\":\"ES256\",\"kid\":\"other\"}", "id_token_unknown_key")]
    [InlineData("{\"alg\":\"ES256\",\"kid\":\"{0}\"}", "id_token_signature")]
    [InlineData("{\"alg\":\"ES256\",\"kid\":\"{0}\",\"crit\":[\"x\"],\"x\":1}", "id_token_malformed")]
    [Assertion("CL-04")]
    [Rfc("RFC 8725", "3.1")]
    public async Task Another_header_is_refused(string header, string code)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilIdTokenText = token =>
        {
            var parts = token.Split('.');
            return $"{Base64UrlText.Encode(Encoding.UTF8.GetBytes(header.Replace("{0}", server.Key.KeyId, StringComparison.Ordinal)))}.{parts[1]}.{parts[2]}";
        };

        (await SignInAsync(server)).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe(code);
    }

    [Fact]
    [Assertion("CL-04")]
    public async Task A_token_signed_by_another_key_of_the_same_name_is_refused()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var stranger = SigningKey.New(SignatureAlgorithm.ES256);
        server.SpoilIdTokenText = token =>
        {
            var signed = token[..token.LastIndexOf('.')];
            return $"{signed}.{Base64UrlText.Encode(stranger.Sign(Encoding.ASCII.GetBytes(signed)))}";
        };

        (await SignInAsync(server)).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe("id_token_signature");
    }

    [Fact]
    [Assertion("CL-04")]
    [Rfc("OpenID Connect Core", "10.1")]
    public async Task A_token_that_names_no_key_is_refused_where_the_server_has_several()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var second = SigningKey.New(SignatureAlgorithm.ES256);
        server.SpoilIdTokenText = token => Resigned(server.Key, "{\"alg\":\"ES256\"}", token);

        (await SignInAsync(server)).ShouldBeOfType<SignInResult.SignedIn>();
        server.Keys = () => new JwkSet([server.Key.PublicKey, second.PublicKey]).ToJson();
        (await SignInAsync(server)).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe("id_token_unknown_key");
    }

    [Theory]
    [InlineData("at+jwt")]
    [InlineData("logout+jwt")]
    [Assertion("CL-04")]
    [Rfc("RFC 8725", "3.11")]
    public async Task A_token_of_another_type_is_refused(string type)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.IdTokenType = type;

        (await SignInAsync(server)).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe("id_token_type");
    }

    [Theory]
    [InlineData("")]
    [InlineData("x.y.z")]
    [InlineData("not a token")]
    [Assertion("CL-04")]
    [Rfc("OpenID Connect Core", "3.1.3.3")]
    public async Task No_token_or_no_JWT_is_refused(string text)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilTokens = tokens => tokens["id_token"] = text;

        (await SignInAsync(server)).ShouldBeOfType<SignInResult.Rejected>();
    }

    [Fact]
    [Rfc("OpenID Connect Core", "10.1.1")]
    public async Task A_new_key_is_looked_for_once()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));
        await SignInAsync(client);
        server.Count("/jwks").ShouldBe(1);

        server.Key = SigningKey.New(SignatureAlgorithm.ES256);
        (await SignInAsync(client)).ShouldBeOfType<SignInResult.SignedIn>();
        server.Count("/jwks").ShouldBe(2);

        // A key that is published nowhere: one more look, and the answer is no.
        server.Keys = () => new JwkSet([]).ToJson();
        server.Key = SigningKey.New(SignatureAlgorithm.ES256);
        (await SignInAsync(client)).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe("id_token_unknown_key");
        server.Count("/jwks").ShouldBe(3);
    }

    [Fact]
    [Assertion("MD-12")]
    public async Task The_last_good_keys_outlive_a_bad_answer()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));
        await SignInAsync(client);
        server.Time.Shift = TimeSpan.FromHours(2);
        server.Keys = () => new byte[5_000_000];

        (await SignInAsync(client)).ShouldBeOfType<SignInResult.SignedIn>();
        server.Count("/jwks").ShouldBe(2);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("{\"keys\":7}")]
    [InlineData("{\"keys\":[],\"keys\":[]}")]
    [InlineData("<html>")]
    [Assertion("MD-12")]
    public async Task Keys_that_are_none_fail_closed(string json)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Keys = () => Encoding.UTF8.GetBytes(json);

        (await SignInAsync(server)).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe("malformed_keys");
    }

    [Fact]
    [Assertion("MD-12")]
    [Assertion("CL-11")]
    public async Task Keys_from_a_redirect_are_refused()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Instead["/jwks"] = context => DiscoveryTests.Redirect(context, 302, server.At("/elsewhere"));

        (await SignInAsync(server)).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe("redirect");
        server.Count("/elsewhere").ShouldBe(0);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(-4000)]
    [Rfc("OpenID Connect Core", "3.1.3.7")]
    public async Task Who_asked_for_max_age_gets_a_sign_in_no_older(int? signedInSeconds)
    {
        await using var server = await ScriptedServer.StartAsync();
        var options = server.Options() with { AdditionalParameters = new Dictionary<string, string> { ["max_age"] = "600" } };
        server.SpoilIdToken = claims => claims["auth_time"] = server.Time.GetUtcNow().ToUnixTimeSeconds() - 30;
        (await SignInAsync(options)).ShouldBeOfType<SignInResult.SignedIn>();

        server.SpoilIdToken = claims =>
        {
            if (signedInSeconds is { } seconds) claims["auth_time"] = server.Time.GetUtcNow().ToUnixTimeSeconds() + seconds;
        };
        (await SignInAsync(options)).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe("id_token_auth_time");
    }

    [Fact]
    [Rfc("OpenID Connect Core", "12.2")]
    public async Task A_renewed_token_tells_the_first_time_however_long_ago_that_is()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { AdditionalParameters = new Dictionary<string, string> { ["max_age"] = "300" } });
        var signedIn = server.Time.GetUtcNow().ToUnixTimeSeconds();
        server.SpoilIdToken = claims => claims["auth_time"] = signedIn;
        var session = await client.GetSessionAsync(Cancel);
        await browser.Page;
        server.Time.Shift = TimeSpan.FromMinutes(11);

        await session.GetAccessTokenAsync(cancel: Cancel);

        server.TokenRequests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_refused_token_leaves_no_session_behind()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        server.SpoilIdToken = claims => claims["nonce"] = "another";
        var options = server.Options() with { Store = folder.Store };
        await SignInAsync(options);

        await using var client = new PublicClient(options);
        (await client.FindSessionAsync(Cancel)).ShouldBeNull();
    }

    private static string Resigned(SigningKey key, string header, string token)
    {
        var signed = $"{Base64UrlText.Encode(Encoding.UTF8.GetBytes(header))}.{token.Split('.')[1]}";
        return $"{signed}.{Base64UrlText.Encode(key.Sign(Encoding.ASCII.GetBytes(signed)))}";
    }

    private static Task<SignInResult> SignInAsync(ScriptedServer server) => SignInAsync(server.Options());

    private static async Task<SignInResult> SignInAsync(ClientOptions options)
    {
        using var browser = new TestBrowser();
        await using var client = new PublicClient(options with { OpenBrowser = browser.OpenAsync });
        return await SignInAsync(client);
    }

    private static async Task<SignInResult> SignInAsync(PublicClient client)
    {
        await using var pending = await client.BeginAsync(Cancel);
        await pending.OpenBrowserAsync(Cancel);
        return await pending.EndAsync(Cancel);
    }
}
