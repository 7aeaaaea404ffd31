using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using ProofKey.Client.Providers;
using ProofKey.Jose;

namespace ProofKey.Client.Tests;

/// <summary>Entra ID's addresses that many tenants share: each tenant is an issuer of its own, and the ID token says which.</summary>
public sealed class SharedTenantTests
{
    private const string Host = "https://login.microsoftonline.com";
    private const string Template = Host + "/{tenantid}/v2.0";
    private const string Tenant = "11111111-2222-3333-4444-555555555555";
    private const string Other = "66666666-7777-8888-9999-aaaaaaaaaaaa";
    private const string PersonalAccounts = "9188040d-6c67-4c5b-b112-36a304b66dad";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("common", Tenant)]
    [InlineData("common", PersonalAccounts)]
    [InlineData("organizations", Other)]
    [Assertion("MD-11")]
    public async Task A_person_of_any_tenant_signs_in_and_the_session_is_renewed(string address, string tenant)
    {
        await using var entra = await Entra.StartAsync(address);
        entra.Tenant = tenant;

        var session = (await entra.SignInAsync()).ShouldBeOfType<SignInResult.SignedIn>().Session;
        entra.Server.Time.Shift = TimeSpan.FromMinutes(11);
        await session.GetAccessTokenAsync(cancel: Cancel);

        session.Claims.GetProperty("iss").GetString().ShouldBe($"{Host}/{tenant}/v2.0");
        session.Stored.Issuer.ShouldBe($"{Host}/{address}/v2.0");
        entra.Server.TokenRequests.Count.ShouldBe(2);
    }

    [Theory]
    [InlineData("a tenant of another tenant's tid", Tenant, Other)]
    [InlineData("no tid", Tenant, null)]
    [InlineData("a tid that is a name", "contoso.onmicrosoft.com", "contoso.onmicrosoft.com")]
    [InlineData("the template itself", "{tenantid}", "{tenantid}")]
    [InlineData("a GUID in braces", "{" + Tenant + "}", "{" + Tenant + "}")]
    [InlineData("a GUID with a space", Tenant + " ", Tenant + " ")]
    [InlineData("an address in place of a tenant", Tenant + "/" + Other, Tenant)]
    [Assertion("CL-04")]
    [Rfc("OpenID Connect Core", "3.1.3.7")]
    public async Task An_ID_token_names_its_tenant_alike_in_iss_and_tid(string what, string inIssuer, string? tid)
    {
        await using var entra = await Entra.StartAsync();
        entra.Server.SpoilIdToken = claims =>
        {
            claims["iss"] = $"{Host}/{inIssuer}/v2.0";
            if (tid is not null) claims["tid"] = tid;
        };

        (await entra.SignInAsync()).ShouldBeOfType<SignInResult.Rejected>(what).Violation.Code.ShouldBe("id_token_issuer");
    }

    [Fact]
    [Assertion("CL-04")]
    public async Task A_tenant_of_another_host_is_no_tenant()
    {
        await using var entra = await Entra.StartAsync();
        entra.Server.SpoilIdToken = claims => (claims["iss"], claims["tid"]) = ($"https://evil.example/{Tenant}/v2.0", Tenant);

        (await entra.SignInAsync()).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe("id_token_issuer");
    }

    [Theory]
    [InlineData($"\"{Template}\"", null)]
    [InlineData($"\"{Host}/{Tenant}/v2.0\"", null)]
    [InlineData($"\"{Host}/{Other}/v2.0\"", "id_token_unknown_key")]
    [InlineData("\"\"", "id_token_unknown_key")]
    [InlineData("7", "id_token_unknown_key")]
    [Assertion("CL-04")]
    public async Task A_key_signs_for_all_tenants_or_for_its_own(string issuerOfKey, string? code)
    {
        await using var entra = await Entra.StartAsync();
        entra.IssuerOfKey = issuerOfKey;

        var result = await entra.SignInAsync();

        if (code is null) result.ShouldBeOfType<SignInResult.SignedIn>();
        else result.ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe(code);
    }

    [Fact]
    [Assertion("CL-04")]
    public async Task A_key_of_another_tenant_with_the_same_name_does_not_help()
    {
        await using var entra = await Entra.StartAsync();
        using var stranger = SigningKey.New(SignatureAlgorithm.ES256);
        var good = entra.Server.Key;
        entra.Keys = () => [Entra.Published(good.PublicKey, $"\"{Template}\"", "one"), Entra.Published(stranger.PublicKey, $"\"{Host}/{Other}/v2.0\"", "one")];
        entra.Server.SpoilIdTokenText = token => Resigned(good, token);
        (await entra.SignInAsync()).ShouldBeOfType<SignInResult.SignedIn>();

        entra.Server.SpoilIdTokenText = token => Resigned(stranger, token);

        (await entra.SignInAsync()).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe("id_token_signature");
    }

    [Theory]
    [InlineData(Host + "/" + Tenant + "/v2.0", null)]
    [InlineData(Host + "/" + Other + "/v2.0", "id_token_issuer")]
    [InlineData(Host + "/common/v2.0", "issuer_mismatch")]
    [InlineData(Template, "issuer_mismatch")]
    [InlineData("https://evil.example/" + Tenant + "/v2.0", "issuer_mismatch")]
    [InlineData(Host + "/" + Tenant + "/v2.0/", "issuer_mismatch")]
    [Assertion("CL-02")]
    [Rfc("RFC 9207", "2.4")]
    public async Task The_issuer_in_the_answer_is_a_tenant_and_the_one_of_the_ID_token(string named, string? code)
    {
        await using var entra = await Entra.StartAsync();
        entra.Server.SpoilCallback = answer =>
        {
            answer.RemoveAll(pair => pair.Key == "iss");
            answer.Add(new("iss", named));
        };

        var result = await entra.SignInAsync();

        if (code is null) result.ShouldBeOfType<SignInResult.SignedIn>();
        else result.ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe(code);
        entra.Server.TokenRequests.Count.ShouldBe(code == "issuer_mismatch" ? 0 : 1);
    }

    [Fact]
    [Assertion("CL-04")]
    [Rfc("OpenID Connect Core", "12.2")]
    public async Task A_renewal_brings_the_same_tenant_and_the_same_person()
    {
        await using var entra = await Entra.StartAsync();
        var session = (await entra.SignInAsync()).ShouldBeOfType<SignInResult.SignedIn>().Session;
        entra.Server.Time.Shift = TimeSpan.FromMinutes(11);
        entra.Tenant = Other;

        (await Should.ThrowAsync<ProtocolViolationException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Code.ShouldBe("id_token_issuer");
    }

    [Fact]
    [Assertion("CL-04")]
    [Rfc("OpenID Connect Core", "5.7")]
    public async Task The_same_subject_of_another_tenant_is_somebody_else_for_an_API_that_asks_again()
    {
        await using var entra = await Entra.StartAsync();
        var session = (await entra.SignInAsync()).ShouldBeOfType<SignInResult.SignedIn>().Session;
        using var refusal = new HttpResponseMessage(HttpStatusCode.Unauthorized);
        refusal.Headers.WwwAuthenticate.ParseAdd("Bearer error=\"insufficient_user_authentication\", acr_values=\"otp\"");
        var stepUp = StepUp.Of(Challenge.Of(refusal).Single(), session.Stored)!;
        entra.Acr = "otp";
        (await entra.SignInAsync(stepUp)).ShouldBeOfType<SignInResult.SignedIn>();

        entra.Tenant = Other;

        (await entra.SignInAsync(stepUp)).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe("id_token_subject");
    }

    [Theory]
    [InlineData("common", Host + "/" + Tenant + "/v2.0")]
    [InlineData("common", Host + "/common/v2.0")]
    [InlineData("common", "https://evil.example/{tenantid}/v2.0")]
    [InlineData("consumers", Template)]
    [InlineData(Tenant, Template)]
    [InlineData(Tenant, Host + "/" + Other + "/v2.0")]
    [Assertion("MD-11")]
    [Rfc("RFC 8414", "3.3")]
    public async Task Metadata_name_the_template_at_the_shared_addresses_and_the_issuer_itself_at_all_others(string address, string named)
    {
        await using var entra = await Entra.StartAsync(address);
        entra.IssuerInMetadata = named;

        (await Should.ThrowAsync<ProtocolViolationException>(() => entra.SignInAsync())).Code.ShouldBe("metadata_issuer");
    }

    [Fact]
    [Assertion("CL-04")]
    public async Task Who_names_a_tenant_gets_nobody_of_another_one()
    {
        await using var entra = await Entra.StartAsync(Tenant);
        entra.IssuerInMetadata = $"{Host}/{Tenant}/v2.0";
        (await entra.SignInAsync()).ShouldBeOfType<SignInResult.SignedIn>();

        entra.Tenant = Other;

        (await entra.SignInAsync()).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe("id_token_issuer");
    }

    [Fact]
    [Assertion("MD-11")]
    public void No_server_can_be_asked_for_that_stands_for_many_by_its_own_word()
    {
        IssuerRule.Of(Issuer.Parse("https://login.example.com")).Only.ShouldBe("https://login.example.com");
        Issuer.TryParse(Template, out _, out _).ShouldBeFalse();
        typeof(ClientOptions).GetProperties().ShouldNotContain(property => property.Name.Contains("Template", StringComparison.Ordinal) || property.Name.Contains("Tenant", StringComparison.Ordinal));
    }

    // A JWS under the name that both keys have.
    private static string Resigned(SigningKey key, string token)
    {
        var signed = $"{Base64UrlText.Encode("""{"alg":"ES256","kid":"one"}"""u8)}.{token.Split('.')[1]}";
        return $"{signed}.{Base64UrlText.Encode(key.Sign(Encoding.ASCII.GetBytes(signed)))}";
    }

    /// <summary>What Entra ID publishes, says and signs at one of its addresses, by a server on loopback; the wire between has its name.</summary>
    private sealed class Entra : IAsyncDisposable
    {
        private readonly Wire _wire;
        private readonly TestBrowser _browser = new();
        private readonly PublicClient _client;

        private Entra(ScriptedServer server, string address)
        {
            Server = server;
            Keys = () => [Published(server.Key.PublicKey, IssuerOfKey)];
            server.Keys = () => Encoding.UTF8.GetBytes(new JsonObject { ["keys"] = new JsonArray(Keys()) }.ToJsonString());
            server.SpoilMetadata = metadata =>
            {
                foreach (var name in server.MetadataMembers().Keys) metadata[name] = ((string)metadata[name]!).Replace(server.Issuer.Value, Host, StringComparison.Ordinal);
                metadata["issuer"] = IssuerInMetadata;
                metadata.Remove("code_challenge_methods_supported");
                metadata.Remove("authorization_response_iss_parameter_supported");
            };
            server.SpoilCallback = answer => answer.RemoveAll(pair => pair.Key == "iss");
            server.SpoilIdToken = claims => (claims["iss"], claims["tid"], claims["acr"]) = ($"{Host}/{Tenant}/v2.0", Tenant, Acr);
            _wire = new Wire(server, $"/{address}/v2.0");
            _client = new PublicClient(server.Options() with
            {
                Issuer = Issuer.Parse($"{Host}/{address}/v2.0"),
                HttpMessageHandler = _wire,
                OpenBrowser = (asked, cancel) => _browser.OpenAsync(new Uri(server.Issuer.Value + asked.PathAndQuery), cancel),
            });
        }

        public ScriptedServer Server { get; }

        public string Tenant { get; set; } = SharedTenantTests.Tenant;

        public string Acr { get; set; } = "password";

        public string IssuerInMetadata { get; set; } = Template;

        public string IssuerOfKey { get; set; } = $"\"{Template}\"";

        public Func<JsonNode[]> Keys { get; set; }

        public static async Task<Entra> StartAsync(string address = "common") => new(await ScriptedServer.StartAsync(), address);

        public static JsonNode Published(Jwk key, string issuer, string? name = null)
        {
            var json = JsonNode.Parse(new JwkSet([key]).ToJson())!["keys"]![0]!.DeepClone();
            json["issuer"] = JsonNode.Parse(issuer);
            if (name is not null) json["kid"] = name;
            return json;
        }

        public async Task<SignInResult> SignInAsync(StepUp? stepUp = null)
        {
            await using var pending = await _client.BeginAsync(SignInRoad.Browser, stepUp, Cancel);
            await pending.OpenBrowserAsync(Cancel);
            return await pending.EndAsync(Cancel);
        }

        public async ValueTask DisposeAsync()
        {
            await _client.DisposeAsync();
            _browser.Dispose();
            _wire.Dispose();
            await Server.DisposeAsync();
        }
    }

    private sealed class Wire(ScriptedServer server, string path) : DelegatingHandler(new SocketsHttpHandler { AllowAutoRedirect = false })
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var asked = request.RequestUri!;
            asked.GetLeftPart(UriPartial.Authority).ShouldBe(Host);
            request.RequestUri = new Uri(server.Issuer.Value + asked.PathAndQuery.Replace(path, "", StringComparison.Ordinal));
            var answer = await base.SendAsync(request, cancellationToken);
            request.RequestUri = asked;
            return answer;
        }
    }
}
