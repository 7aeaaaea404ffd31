using System.Net;
using System.Security.Cryptography;
using System.Text;
using ProofKey.Jose;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>A client proves itself by a token that it signed, once.</summary>
public sealed class ClientAssertionTests(TokenServer at) : IClassFixture<TokenServer>
{
    [Theory]
    [Rfc("RFC 7523", "2.2")]
    [InlineData("ES256")]
    [InlineData("RS256")]
    [InlineData("PS256")]
    public async Task A_signed_assertion_proves_the_client_with_each_algorithm(string name)
    {
        SignatureAlgorithm.TryParse(name, out var algorithm).ShouldBeTrue();
        var client = await KeyClient.AddAsync(at.Server, algorithm);
        var answer = await KeyClient.AskAsync(at.Server, client.Assertion(at.Server));
        answer.Status.ShouldBe(HttpStatusCode.OK, answer.Body.ToString());
    }

    [Fact]
    [Rfc("RFC 7521", "4.2")]
    public async Task The_client_id_may_be_left_out_and_must_be_the_same_where_it_is_sent()
    {
        var client = await KeyClient.AddAsync(at.Server);
        (await KeyClient.AskAsync(at.Server, client.Assertion(at.Server), ("client_id", client.Client.Id))).Status.ShouldBe(HttpStatusCode.OK);
        (await KeyClient.AskAsync(at.Server, client.Assertion(at.Server), ("client_id", at.Client.Id))).Error.ShouldBe("invalid_request");
    }

    [Fact]
    [Assertion("PK-06")]
    public async Task A_code_of_such_a_client_needs_its_verifier_too()
    {
        var client = await KeyClient.AddAsync(at.Server);
        var code = await at.CodeAsync(client.Client, "openid");
        Dictionary<string, string> With(params (string Name, string? Value)[] changes) => new(code.Exchange(changes).Concat(KeyClient.Fields(client.Assertion(at.Server))));
        (await at.PostAsync(code.Exchange())).Error.ShouldBe("invalid_client");
        (await at.PostAsync(With(("code_verifier", null)))).Error.ShouldBe("invalid_grant");
        (await at.PostAsync(With())).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Rfc("RFC 7523", "3")]
    public async Task An_assertion_is_good_once_however_many_come_at_the_same_time_and_at_any_endpoint()
    {
        var client = await KeyClient.AddAsync(at.Server);
        var assertion = client.Assertion(at.Server);
        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => KeyClient.AskAsync(at.Server, assertion)));
        answers.Count(answer => answer.Status == HttpStatusCode.OK).ShouldBe(1);
        answers.Where(answer => answer.Status != HttpStatusCode.OK).ShouldAllBe(answer => answer.Status == HttpStatusCode.Unauthorized && answer.Error == "invalid_client");
        (await at.Server.PostFormAsync("/introspect", KeyClient.Fields(assertion, ("token", "x")))).Error.ShouldBe("invalid_client");
    }

    [Fact]
    [Rfc("RFC 7523", "3")]
    public async Task Two_clients_may_draw_the_same_jti()
    {
        foreach (var client in (KeyClient[])[await KeyClient.AddAsync(at.Server), await KeyClient.AddAsync(at.Server)])
            (await KeyClient.AskAsync(at.Server, client.Assertion(at.Server, ("jti", "1")))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_refused_assertion_uses_nothing_up()
    {
        var client = await KeyClient.AddAsync(at.Server);
        var other = client with { Key = SigningKey.New(SignatureAlgorithm.ES256) };
        (await KeyClient.AskAsync(at.Server, other.Assertion(at.Server, ("jti", "burn")))).Error.ShouldBe("invalid_client");
        (await KeyClient.AskAsync(at.Server, client.Assertion(at.Server, ("jti", "burn")))).Status.ShouldBe(HttpStatusCode.OK);
    }

    public static TheoryData<string, object?> Accepted => new()
    {
        { "aud", "ISSUER" }, { "aud", "ISSUER/token" }, { "aud", new[] { "ISSUER", "ISSUER/token" } }, { "aud", new[] { "ISSUER/token" } }, { "exp", 300 }, { "iat", null }, { "nbf", 0 }, { "jti", new string('j', 200) },
    };

    [Theory]
    [Rfc("RFC 7523", "3")]
    [MemberData(nameof(Accepted))]
    public async Task What_clients_that_others_wrote_send_is_accepted(string claim, object? value) =>
        (await AskWithAsync(claim, value)).Status.ShouldBe(HttpStatusCode.OK);

    public static TheoryData<string, object?> Refused => new()
    {
        { "iss", "another" }, { "iss", null }, { "sub", "another" }, { "sub", null }, { "aud", "https://evil.example" }, { "aud", "ISSUER/" }, { "aud", null }, { "aud", new[] { "https://evil.example" } },
        { "aud", "ISSUER/revoke" }, { "exp", -61 }, { "exp", 421 }, { "exp", null }, { "exp", "soon" }, { "iat", 120 }, { "nbf", 120 }, { "jti", null }, { "jti", "" }, { "jti", 7 }, { "jti", new string('j', 201) },
    };

    [Theory]
    [Rfc("RFC 7523", "3")]
    [Rfc("OpenID Connect Core", "9")]
    [MemberData(nameof(Refused))]
    public async Task An_assertion_for_somebody_else_too_old_too_long_or_without_an_id_is_refused(string claim, object? value)
    {
        var answer = await AskWithAsync(claim, value);
        (answer.Status, answer.Error).ShouldBe((HttpStatusCode.Unauthorized, "invalid_client"));
    }

    [Theory]
    [Rfc("RFC 7523", "3")]
    [Rfc("RFC 9126", "2")]
    [InlineData("/revoke")]
    [InlineData("/introspect")]
    public async Task The_address_of_the_endpoint_that_is_asked_is_a_name_of_ours_too(string path)
    {
        var client = await KeyClient.AddAsync(at.Server);
        foreach (var audience in (string[])[at.Server.Issuer + path, at.Server.Issuer + "/token", at.Server.Issuer])
            (await at.Server.PostFormAsync(path, KeyClient.Fields(client.Assertion(at.Server, ("aud", audience)), ("token", "x")))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Rfc("RFC 9126", "2")]
    public async Task A_request_is_pushed_with_an_assertion_that_no_code_request_ever_sees()
    {
        var client = await KeyClient.AddAsync(at.Server);
        var request = new AuthorizeUrl(at.Server, client.Client).Set("scope", "openid");
        foreach (var audience in (string[])[at.Server.Issuer + "/par", at.Server.Issuer])
            (await at.Server.PostFormAsync("/par", request.Parameters.Concat(KeyClient.Fields(client.Assertion(at.Server, ("aud", audience)))))).Status.ShouldBe(HttpStatusCode.Created);
    }

    [Theory]
    [Rfc("RFC 8725", "3.11")]
    [InlineData("client-authentication+jwt", true)]
    [InlineData("jwt", true)]
    [InlineData("dpop+jwt", false)]
    [InlineData("at+jwt", false)]
    public async Task A_token_made_for_something_else_is_no_assertion(string type, bool isGood)
    {
        var client = await KeyClient.AddAsync(at.Server);
        (await KeyClient.AskAsync(at.Server, client.Assertion(at.Server, type, []))).Error.ShouldBe(isGood ? null : "invalid_client");
    }

    [Fact]
    [Assertion("RS-06")]
    [Rfc("RFC 8725", "3.1")]
    public async Task Nothing_but_the_clients_own_key_and_one_of_three_algorithms_is_believed()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var point = key.ExportParameters(false).Q;
        var set = $$"""{"keys":[{"kty":"EC","crv":"P-256","x":"{{Base64UrlText.Encode(point.X)}}","y":"{{Base64UrlText.Encode(point.Y)}}","kid":"k"}]}""";
        var client = await KeyClient.AddAsync(at.Server, change: registration => registration with { Jwks = set });
        var claims = $$"""{"iss":"{{client.Client.Id}}","sub":"{{client.Client.Id}}","aud":"{{at.Server.Issuer}}","exp":{{at.Server.Time.Now.ToUnixTimeSeconds() + 60}},"jti":"JTI"}""";
        string Signed(string header, Func<byte[], byte[]> sign)
        {
            var signed = $"{Base64UrlText.Encode(Encoding.UTF8.GetBytes(header))}.{Base64UrlText.Encode(Encoding.UTF8.GetBytes(claims.Replace("JTI", Secret.NewText(8), StringComparison.Ordinal)))}";
            return $"{signed}.{Base64UrlText.Encode(sign(Encoding.ASCII.GetBytes(signed)))}";
        }
        byte[] Sign(byte[] data) => key.SignData(data, HashAlgorithmName.SHA256);

        foreach (var header in (string[])["""{"alg":"ES256","kid":"k"}""", """{"alg":"ES256"}"""])
            (await KeyClient.AskAsync(at.Server, Signed(header, Sign))).Status.ShouldBe(HttpStatusCode.OK, header);
        string[] forged =
        [
            Signed("""{"alg":"none"}""", _ => []), Signed("""{"alg":"ES256","kid":"other"}""", Sign), Signed("""{"alg":"ES256","kid":"k"}""", _ => new byte[64]),
            Signed("""{"alg":"HS256","kid":"k"}""", data => HMACSHA256.HashData(Encoding.UTF8.GetBytes(set), data)), Signed("""{"alg":"RS256","kid":"k"}""", Sign), Signed("""{"alg":"ES256","kid":"k","crit":["x"]}""", Sign),
            Signed("""{"alg":"ES256","jwk":{"kty":"EC"},"kid":"x"}""", Sign), "a.b.c", "x", "..", new string('.', 20_000), $"e30.{Base64UrlText.Encode(Encoding.UTF8.GetBytes(claims))}.AAAA",
        ];
        foreach (var assertion in forged) (await KeyClient.AskAsync(at.Server, assertion)).Error.ShouldBe("invalid_client", assertion);
    }

    [Fact]
    [Assertion("TK-14")]
    [Rfc("RFC 6749", "2.3")]
    public async Task A_client_proves_itself_in_the_one_way_that_it_is_registered_for()
    {
        var keyed = await KeyClient.AddAsync(at.Server);
        var (secretive, secret) = await at.AddConfidentialClientAsync();
        (await KeyClient.AskAsync(at.Server, keyed.Assertion(at.Server), ("client_secret", "x"))).Error.ShouldBe("invalid_request");
        (await at.Server.PostFormAsync("/token", KeyClient.Fields(keyed.Assertion(at.Server), ("grant_type", "client_credentials")), Basic(keyed.Client.Id, "x"))).Error.ShouldBe("invalid_request");
        (await at.PostAsync([new("grant_type", "client_credentials"), new("client_id", keyed.Client.Id), new("client_secret", "x")])).Error.ShouldBe("invalid_client");
        (await at.PostAsync([new("grant_type", "client_credentials"), new("client_id", keyed.Client.Id)])).Error.ShouldBe("invalid_client");
        (await KeyClient.AskAsync(at.Server, (keyed with { Client = secretive }).Assertion(at.Server))).Error.ShouldBe("invalid_client");
        (await KeyClient.AskAsync(at.Server, (keyed with { Client = at.Client }).Assertion(at.Server))).Error.ShouldBe("invalid_client", "a public client has no keys");
        (await KeyClient.AskAsync(at.Server, keyed.Assertion(at.Server), ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"))).Error.ShouldBe("invalid_client");
        (await at.PostAsync([new("grant_type", "client_credentials"), new("client_assertion_type", "x"), new("client_id", secretive.Id), new("client_secret", secret)])).Error.ShouldBe("invalid_request");
    }

    [Fact]
    public async Task A_used_assertion_is_forgotten_when_it_is_dead()
    {
        await using var server = await RunningServer.StartAsync();
        var client = await KeyClient.AddAsync(server);
        (await KeyClient.AskAsync(server, client.Assertion(server))).Status.ShouldBe(HttpStatusCode.OK);
        await server.CleanAsync();
        (await UsedAsync(server)).ShouldBe(1);
        server.Time.Advance(TimeSpan.FromHours(2));
        await server.CleanAsync();
        (await UsedAsync(server)).ShouldBe(0);
    }

    private static async Task<int> UsedAsync(RunningServer server) => (await server.Service<Database>().ListAsync($"select id from used_assertion", row => row.GetInt64(0) == 0, CancellationToken.None)).Count;

    private static Action<HttpRequestMessage> Basic(string id, string secret) => request =>
        request.Headers.TryAddWithoutValidation("Authorization", "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes($"{id}:{secret}")));

    private async Task<JsonAnswer> AskWithAsync(string claim, object? value)
    {
        var client = await KeyClient.AddAsync(at.Server);
        object? Real(object? text) => text is string word ? word.Replace("ISSUER", at.Server.Issuer, StringComparison.Ordinal) : text;
        value = value switch
        {
            string[] list => list.Select(item => (string)Real(item)!).ToArray(),
            int seconds when claim != "jti" => at.Server.Time.Now.ToUnixTimeSeconds() + seconds,
            _ => Real(value),
        };
        return await KeyClient.AskAsync(at.Server, client.Assertion(at.Server, (claim, value)));
    }
}
