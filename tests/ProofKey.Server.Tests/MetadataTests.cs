using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using ProofKey.Jose;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>What the server says of itself is true, complete, and never the request's doing.</summary>
public sealed class MetadataTests(TokenServer at) : IClassFixture<TokenServer>
{
    private const string OpenId = "/.well-known/openid-configuration";
    private const string OAuth = "/.well-known/oauth-authorization-server";

    [Theory]
    [Assertion("MD-01")]
    [Rfc("RFC 8414", "3")]
    [InlineData("")]
    [InlineData("/id")]
    [InlineData("/tenants/one")]
    public async Task Both_documents_agree_and_name_the_issuer_to_the_character(string path)
    {
        await using var server = await RunningServer.StartAsync(issuerPath: path);
        var origin = server.Issuer[..(server.Issuer.Length - path.Length)];
        var openId = await GetAsync(origin + path + OpenId);
        var oauth = await GetAsync(origin + OAuth + path);
        openId.Status.ShouldBe(HttpStatusCode.OK);
        openId.Response.Content.Headers.ContentType!.MediaType.ShouldBe("application/json");
        openId.Text("issuer").ShouldBe(server.Issuer);
        oauth.Body.GetRawText().ShouldBe(openId.Body.GetRawText());

        foreach (var member in openId.Body.EnumerateObject().Where(member => member.Name.EndsWith("_endpoint", StringComparison.Ordinal) || member.Name == "jwks_uri"))
            member.Value.GetString()!.ShouldStartWith(server.Issuer + "/");
        (await GetAsync(openId.Text("jwks_uri"))).Status.ShouldBe(HttpStatusCode.OK);
        if (path.Length == 0) return;
        (await GetAsync(origin + OAuth)).Status.ShouldBe(HttpStatusCode.NotFound, "another issuer would be there");
        (await GetAsync(origin + "/token")).Status.ShouldBe(HttpStatusCode.MethodNotAllowed, "a proxy may have taken the path off, and the route is the same");
        (await GetAsync(origin + "/elsewhere")).Status.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    [Assertion("MD-01")]
    public async Task A_person_signs_in_below_a_path()
    {
        await using var server = await RunningServer.StartAsync(issuerPath: "/id");
        var client = await server.AddClientAsync();
        var tokens = await server.SignInAsync(client);
        (await server.UserinfoAsync(tokens.Text("access_token"))).Status.ShouldBe(HttpStatusCode.OK);
        (await server.RefreshAsync(client, tokens.Text("refresh_token"))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("MD-02")]
    [Rfc("RFC 8414", "2")]
    [Rfc("OpenID Connect Discovery", "3")]
    public async Task What_clients_require_is_there()
    {
        var document = (await at.GetAsync(OpenId)).Body;
        string[] required =
        [
            "issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "revocation_endpoint", "jwks_uri", "response_types_supported", "subject_types_supported", "scopes_supported",
            "id_token_signing_alg_values_supported", "code_challenge_methods_supported", "token_endpoint_auth_methods_supported", "grant_types_supported",
        ];
        foreach (var name in required) document.TryGetProperty(name, out _).ShouldBeTrue(name);
        Values(document, "id_token_signing_alg_values_supported").ShouldContain("RS256");
        document.EnumerateObject().ShouldAllBe(member => member.Value.ValueKind != JsonValueKind.Null);
        document.EnumerateObject().Select(member => member.Name).ShouldBeUnique();
    }

    [Fact]
    [Assertion("MD-03")]
    [Assertion("PK-15")]
    [Rfc("RFC 9700", "2.1.2")]
    public async Task Nothing_of_the_past_is_offered()
    {
        var document = (await at.GetAsync(OpenId)).Body;
        Values(document, "response_types_supported").ShouldBe(["code"]);
        Values(document, "grant_types_supported").ShouldBe([GrantType.AuthorizationCode, GrantType.RefreshToken, GrantType.ClientCredentials, GrantType.DeviceCode]);
        Values(document, "code_challenge_methods_supported").ShouldBe(["S256"]);
        Values(document, "id_token_signing_alg_values_supported").ShouldBeSubsetOf(["ES256", "RS256", "PS256"]);
        Values(document, "token_endpoint_auth_methods_supported").ShouldContain("none");
        document.GetProperty("authorization_response_iss_parameter_supported").GetBoolean().ShouldBeTrue();
        document.GetProperty("request_uri_parameter_supported").GetBoolean().ShouldBeFalse();
    }

    [Fact]
    [Assertion("MD-04")]
    [Rfc("RFC 9207", "3")]
    public async Task The_promise_to_name_the_issuer_is_kept_in_good_and_bad_answers()
    {
        (await at.Person.AuthorizeAsync(new AuthorizeUrl(at.Server, at.Client)))["iss"].ShouldBe(at.Server.Issuer);
        var refused = Person.AnswerOf(await at.Person.GetAsync(new AuthorizeUrl(at.Server, at.Client).Set("response_type", "token").ToString()));
        (refused["error"], refused["iss"]).ShouldBe(("unsupported_response_type", at.Server.Issuer));
    }

    /// <summary>Walks the document: whatever it names is tried, and a member that this test does not know makes it fail.</summary>
    [Fact]
    [Assertion("MD-01")]
    [Assertion("MD-03")]
    public async Task Everything_that_is_offered_works()
    {
        var document = (await at.GetAsync(OpenId)).Body;
        foreach (var member in document.EnumerateObject())
        {
            switch (member.Name)
            {
                case "issuer":
                    member.Value.GetString().ShouldBe(at.Server.Issuer);
                    break;
                case "authorization_endpoint":
                    (await GetAsync(member.Value.GetString()!)).Status.ShouldBe(HttpStatusCode.BadRequest, "it answers that the client is missing");
                    break;
                case "token_endpoint" or "revocation_endpoint":
                    (await at.Server.PostFormAsync(member.Value.GetString()![at.Server.Issuer.Length..], [])).Error.ShouldBe("invalid_request");
                    break;
                case "device_authorization_endpoint":
                    await TryGrantTypeAsync(GrantType.DeviceCode);
                    break;
                case "pushed_authorization_request_endpoint":
                    (await at.Server.PostFormAsync(member.Value.GetString()![at.Server.Issuer.Length..], [])).Error.ShouldBe("invalid_request");
                    break;
                case "introspection_endpoint":
                    (await at.Server.PostFormAsync(member.Value.GetString()![at.Server.Issuer.Length..], [])).Error.ShouldBe("invalid_client");
                    break;
                case "userinfo_endpoint":
                    (await GetAsync(member.Value.GetString()!)).Status.ShouldBe(HttpStatusCode.Unauthorized);
                    break;
                case "end_session_endpoint":
                    using (var nobody = at.Server.NewPerson())
                        (await (await nobody.GetOnceAsync(member.Value.GetString()!)).PageAsync()).Title.ShouldStartWith("You are signed out");
                    break;
                case "backchannel_logout_supported" or "backchannel_logout_session_supported":
                    member.Value.GetBoolean().ShouldBeTrue();
                    (await at.AddClientAsync(registration => registration with { BackchannelLogoutUri = "https://app.example/logged-out" })).BackchannelLogoutUri.ShouldNotBeNull();
                    break;
                case "jwks_uri":
                    (await GetAsync(member.Value.GetString()!)).Body.GetProperty("keys").GetArrayLength().ShouldBeGreaterThan(0);
                    break;
                case "scopes_supported":
                    foreach (var scope in Values(document, member.Name)) (await at.TokensAsync(scope)).Text("scope").ShouldBe(scope);
                    break;
                case "response_types_supported":
                    foreach (var type in Values(document, member.Name)) (await AuthorizeAsync(("response_type", type))).ShouldContainKey("code");
                    break;
                case "response_modes_supported":
                    foreach (var mode in Values(document, member.Name)) await TryResponseModeAsync(mode);
                    break;
                case "prompt_values_supported":
                    foreach (var prompt in Values(document, member.Name)) await TryPromptAsync(prompt);
                    break;
                case "acr_values_supported":
                    foreach (var acr in Values(document, member.Name)) await TryAcrAsync(acr);
                    break;
                case "grant_types_supported":
                    foreach (var grantType in Values(document, member.Name)) await TryGrantTypeAsync(grantType);
                    break;
                case "code_challenge_methods_supported":
                    foreach (var method in Values(document, member.Name)) (await AuthorizeAsync(("code_challenge_method", method))).ShouldContainKey("code");
                    break;
                case "token_endpoint_auth_methods_supported":
                    foreach (var method in Values(document, member.Name)) await TryAuthenticationAsync("/token", method);
                    break;
                case "revocation_endpoint_auth_methods_supported":
                    foreach (var method in Values(document, member.Name)) await TryAuthenticationAsync("/revoke", method);
                    break;
                case "introspection_endpoint_auth_methods_supported":
                    foreach (var method in Values(document, member.Name)) await TryAuthenticationAsync("/introspect", method);
                    break;
                case "token_endpoint_auth_signing_alg_values_supported" or "revocation_endpoint_auth_signing_alg_values_supported" or "introspection_endpoint_auth_signing_alg_values_supported":
                    foreach (var algorithm in Values(document, member.Name)) await TryAssertionAsync("/" + (member.Name[0] switch { 't' => "token", 'r' => "revoke", _ => "introspect" }), algorithm);
                    break;
                case "id_token_signing_alg_values_supported":
                    foreach (var algorithm in Values(document, member.Name)) await TryIdTokenAsync(algorithm);
                    break;
                case "dpop_signing_alg_values_supported":
                    foreach (var algorithm in Values(document, member.Name)) await TryProofAsync(algorithm);
                    break;
                case "subject_types_supported":
                    Values(document, member.Name).ShouldBe(["public"]);
                    break;
                case "claims_supported":
                    await TryClaimsAsync(Values(document, member.Name));
                    break;
                case "authorization_response_iss_parameter_supported":
                    (await AuthorizeAsync()).ShouldContainKey("iss");
                    break;
                case "claims_parameter_supported":
                    (await AuthorizeAsync(("claims", """{"id_token":{"auth_time":{"essential":true}}}"""))).ShouldContainKey("code");
                    break;
                case "request_parameter_supported" or "request_uri_parameter_supported":
                    member.Value.GetBoolean().ShouldBeFalse();
                    break;
                default:
                    Assert.Fail($"Nothing here tries {member.Name}.");
                    break;
            }
        }
    }

    private async Task TryAcrAsync(string acr)
    {
        using var person = at.Server.NewPerson();
        var request = new AuthorizeUrl(at.Server, at.Client).Set("scope", "openid").Set("acr_values", acr);
        var code = new IssuedCode(at.Client, request, (await person.AuthorizeAsync(request))["code"]);
        (await at.VerifyAsync((await at.RedeemAsync(code)).Text("id_token"), at.Client.Id)).Text("acr").ShouldBe(acr);
    }

    public static TheoryData<string, string> ForgedHeaders => new()
    {
        { "Host", "evil.example" }, { "X-Forwarded-Host", "evil.example" }, { "X-Forwarded-Proto", "https" }, { "X-Forwarded-Port", "1" }, { "X-Forwarded-Prefix", "/evil" }, { "X-Forwarded-For", "1.2.3.4" },
        { "Forwarded", "host=evil.example;proto=https" }, { "X-Original-URL", "/evil" }, { "X-Original-Host", "evil.example" }, { "X-Rewrite-URL", "/evil" }, { "X_Forwarded_Host", "evil.example" },
        { "X-Host", "evil.example" },
    };

    [Theory]
    [Assertion("MD-05")]
    [Rfc("RFC 9700", "4.13")]
    [MemberData(nameof(ForgedHeaders))]
    public async Task No_header_changes_the_issuer_or_an_address(string name, string value)
    {
        void Forge(HttpRequestMessage request) => request.Headers.TryAddWithoutValidation(name, value).ShouldBeTrue();
        var clean = (await at.GetAsync(OpenId)).Body.GetRawText();
        (await at.GetAsync(OpenId, Forge)).Body.GetRawText().ShouldBe(clean);
        (await at.GetAsync(OAuth, Forge)).Body.GetRawText().ShouldBe(clean);

        using var authorize = new HttpRequestMessage(HttpMethod.Get, new Uri(new Uri(at.Server.Issuer), new AuthorizeUrl(at.Server, at.Client).ToString()));
        Forge(authorize);
        var answer = await TokenCalls.SendAsync(authorize);
        answer.Status.ShouldBe(HttpStatusCode.SeeOther);
        answer.Response.Headers.Location!.OriginalString.ShouldStartWith("/signin?", customMessage: "to our own page, by its path");
        foreach (var cookie in answer.Response.Headers.GetValues("Set-Cookie")) cookie.ShouldNotContain("omain", Case.Insensitive);

        var code = await at.CodeAsync();
        var tokens = await at.PostAsync(code.Exchange(), Forge);
        (await at.VerifyAsync(tokens.Text("access_token"), at.Server.Issuer)).Issuer.ShouldBe(at.Server.Issuer);
        (await at.GetAsync(OpenId)).Body.GetRawText().ShouldBe(clean, "MD-06: nothing stays behind");
    }

    [Fact]
    [Assertion("MD-05")]
    public async Task An_absolute_target_and_two_hosts_change_nothing_or_are_refused()
    {
        var port = new Uri(at.Server.Issuer).Port;
        (await SendRawAsync($"GET http://evil.example{OpenId} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")).ShouldContain($"\"issuer\":\"{at.Server.Issuer}\"");
        (await SendRawAsync($"GET {OpenId} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil.example\r\nConnection: close\r\n\r\n")).ShouldStartWith("HTTP/1.1 400 ");
        (await SendRawAsync($"GET {OpenId} HTTP/1.1\r\nHost: evil.example/@x\r\nConnection: close\r\n\r\n")).ShouldStartWith("HTTP/1.1 400 ");
    }

    [Fact]
    [Assertion("MD-06")]
    public async Task A_cache_can_tell_whose_answer_it_keeps()
    {
        foreach (var path in (string[])[OpenId, OAuth, "/jwks"])
        {
            var answer = await at.GetAsync(path);
            answer.Response.Headers.CacheControl!.MaxAge.ShouldBe(TimeSpan.FromHours(1));
            answer.Response.Headers.GetValues("Access-Control-Allow-Origin").ShouldBe(["*"], "the same for every page");
            answer.Response.Headers.Contains("Set-Cookie").ShouldBeFalse();
        }
    }

    [Fact]
    [Assertion("MD-07")]
    [Rfc("RFC 7517", "9.2")]
    public async Task The_published_keys_hold_nothing_private_and_each_says_what_it_is_for()
    {
        var keys = (await at.GetAsync("/jwks")).Body.GetProperty("keys").EnumerateArray().ToList();
        keys.Select(key => key.GetProperty("kid").GetString()).ShouldBeUnique();
        foreach (var key in keys)
        {
            var members = key.EnumerateObject().Select(member => member.Name).ToList();
            members.ShouldBeUnique();
            members.Intersect(["d", "p", "q", "dp", "dq", "qi", "oth", "k", "x5u", "x5c"]).ShouldBeEmpty();
            key.GetProperty("use").GetString().ShouldBe("sig");
            Jwk.TryParse(key, out var parsed, out var problem).ShouldBeTrue(problem);
            key.GetProperty("kid").GetString().ShouldBe(parsed!.Thumbprint());
            CheckStrength(key);
        }
        // A third one is there once a client needs it.
        keys.Select(key => key.GetProperty("alg").GetString()).Except(["PS256"]).Order().ShouldBe(["ES256", "RS256"]);
    }

    private static void CheckStrength(JsonElement key)
    {
        if (key.GetProperty("kty").GetString() == "EC")
        {
            key.GetProperty("crv").GetString().ShouldBe("P-256");
            return;
        }
        key.GetProperty("kty").GetString().ShouldBe("RSA");
        key.GetProperty("e").GetString().ShouldBe("AQAB");
        Base64UrlText.TryDecode(key.GetProperty("n").GetString(), out var modulus).ShouldBeTrue();
        modulus!.Length.ShouldBeGreaterThanOrEqualTo(256);
        modulus[0].ShouldBeGreaterThanOrEqualTo((byte)0x80, "all bits count");
    }

    private async Task<Dictionary<string, string>> AuthorizeAsync(params (string Name, string Value)[] changes)
    {
        var request = new AuthorizeUrl(at.Server, at.Client);
        foreach (var (name, value) in changes) request.Set(name, value);
        return await at.Person.AuthorizeAsync(request);
    }

    private async Task TryResponseModeAsync(string mode)
    {
        var request = new AuthorizeUrl(at.Server, at.Client).Set("response_mode", mode);
        var response = await at.Person.GetAsync(request.ToString());
        var fields = mode == "form_post" ? (await Person.FormOf(response)).Fields : Person.AnswerOf(response);
        (await at.RedeemAsync(new IssuedCode(at.Client, request, fields["code"]))).Status.ShouldBe(HttpStatusCode.OK);
    }

    // Each value asks for a page, except none, which gets its code from the session.
    private async Task TryPromptAsync(string prompt)
    {
        var response = await at.Person.GetAsync(new AuthorizeUrl(at.Server, at.Client).Set("prompt", prompt).ToString());
        if (prompt == "none") Person.AnswerOf(response).ShouldContainKey("code");
        else if (prompt == "select_account") (await Person.FormOf(response)).Accounts.ShouldHaveSingleItem();
        else (await Person.FormOf(response)).Fields.ShouldContainKey(prompt == "consent" ? "form_token" : "username");
    }

    private async Task TryGrantTypeAsync(string grantType)
    {
        var tokens = await at.TokensAsync();
        if (grantType == "client_credentials") await TryAssertionAsync("/token", "ES256");
        else if (grantType == "refresh_token") (await at.RefreshAsync(tokens.Text("refresh_token"))).Status.ShouldBe(HttpStatusCode.OK);
        else if (grantType == GrantType.DeviceCode) (await at.Server.PollAsync(await at.Server.AllowedDeviceAsync(await at.Server.AddDeviceClientAsync()))).Status.ShouldBe(HttpStatusCode.OK);
        else grantType.ShouldBe("authorization_code");
    }

    private async Task TryAssertionAsync(string path, string algorithm)
    {
        SignatureAlgorithm.TryParse(algorithm, out var known).ShouldBeTrue();
        var client = await KeyClient.AddAsync(at.Server, known);
        var answer = await at.Server.PostFormAsync(path, KeyClient.Fields(client.Assertion(at.Server), ("grant_type", "client_credentials"), ("token", "x")));
        answer.Status.ShouldBe(HttpStatusCode.OK, $"{path} {algorithm}");
    }

    private async Task TryAuthenticationAsync(string path, string method)
    {
        if (method == "private_key_jwt")
        {
            await TryAssertionAsync(path, "ES256");
            return;
        }
        var (client, secret) = method == "none" ? (at.Client, "") : await at.AddConfidentialClientAsync();
        var fields = path == "/token" ? (await at.CodeAsync(client)).Exchange() : new() { ["token"] = "x", ["client_id"] = client.Id };
        if (method == "client_secret_post") fields["client_secret"] = secret;
        var header = "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes($"{client.Id}:{secret}"));
        var answer = await at.Server.PostFormAsync(path, fields, request =>
        {
            if (method == "client_secret_basic") request.Headers.TryAddWithoutValidation("Authorization", header);
        });
        answer.Status.ShouldBe(HttpStatusCode.OK, $"{path} {method}");
    }

    private async Task TryProofAsync(string algorithm)
    {
        SignatureAlgorithm.TryParse(algorithm, out var known).ShouldBeTrue();
        using var key = new ClientKey(at.Server, known!);
        (await key.PostAsync("/token", (await at.CodeAsync()).Exchange())).Text("token_type").ShouldBe("DPoP", algorithm);
    }

    private async Task TryIdTokenAsync(string algorithm)
    {
        var client = await at.AddClientAsync(registration => registration with { IdTokenAlgorithm = algorithm });
        var idToken = (await at.TokensAsync("openid", client)).Text("id_token");
        Jws.TryRead(idToken, out var jws, out _).ShouldBeTrue();
        jws!.AlgorithmName.ShouldBe(algorithm);
        (await at.VerifyAsync(idToken, client.Id)).Subject.ShouldNotBeNull();
    }

    private async Task TryClaimsAsync(List<string> claims)
    {
        var client = await at.AddClientAsync(registration => registration with { PostLogoutRedirectUris = ["https://app.example/bye"] });
        var tokens = await at.TokensAsync(client: client);
        var idToken = (await at.VerifyAsync(tokens.Text("id_token"), client.Id)).Claims;
        var userinfo = (await at.Server.UserinfoAsync(tokens.Text("access_token"))).Body;
        var present = idToken.EnumerateObject().Concat(userinfo.EnumerateObject()).Select(claim => claim.Name).Distinct();
        claims.Order().ShouldBe(present.Order());
    }

    private static List<string> Values(JsonElement document, string name) => [.. document.GetProperty(name).EnumerateArray().Select(value => value.GetString()!)];

    private static async Task<JsonAnswer> GetAsync(string address)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        return await TokenCalls.SendAsync(request);
    }

    private async Task<string> SendRawAsync(string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, new Uri(at.Server.Issuer).Port);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync();
    }
}
