using System.Net;
using System.Net.Sockets;
using ProofKey.Jose;
using ProofKey.Server.Http;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests.Attacks;

/// <summary>Attacks by and on registered clients that worked elsewhere. A name ends with a case of its kind, where one was published.</summary>
public sealed class ClientAttackTests(TokenServer at) : IClassFixture<TokenServer>
{
    [Fact]
    [Assertion("TK-10")]
    [Assertion("RT-05")]
    [Assertion("RV-03")]
    public async Task A_client_that_proves_itself_gains_nothing_over_what_is_anothers_CVE_2026_16089_CVE_2026_32245()
    {
        var ((victim, secret), (thief, thiefsSecret)) = (await at.AddConfidentialClientAsync(), await at.AddConfidentialClientAsync());
        var code = await at.CodeAsync(victim, "openid offline_access");
        (await at.RedeemAsync(code, ("client_id", thief.Id), ("client_secret", thiefsSecret))).Error.ShouldBe("invalid_grant");
        (await at.RedeemAsync(code, ("client_secret", thiefsSecret))).Error.ShouldBe("invalid_client");
        (await at.RedeemAsync(code, ("client_id", at.Client.Id))).Error.ShouldBe("invalid_grant");
        var tokens = await at.RedeemAsync(code, ("client_secret", secret));
        tokens.Status.ShouldBe(HttpStatusCode.OK);

        var refresh = new Dictionary<string, string> { ["grant_type"] = "refresh_token", ["refresh_token"] = tokens.Text("refresh_token"), ["client_id"] = thief.Id, ["client_secret"] = thiefsSecret };
        (await at.PostAsync(refresh)).Error.ShouldBe("invalid_grant");
        foreach (var token in (string[])[tokens.Text("refresh_token"), tokens.Text("access_token")])
        {
            KeyValuePair<string, string>[] asked = [new("token", token), new("client_id", thief.Id), new("client_secret", thiefsSecret)];
            (await at.Server.PostFormAsync("/revoke", asked)).Error.ShouldBe("invalid_grant");
            (await at.Server.PostFormAsync("/introspect", asked)).Body.GetRawText().ShouldBe("""{"active":false}""");
        }
        refresh["client_id"] = victim.Id;
        refresh["client_secret"] = secret;
        (await at.PostAsync(refresh)).Status.ShouldBe(HttpStatusCode.OK, "whom it was issued to loses nothing");
    }

    [Fact]
    [Assertion("TK-14")]
    [Rfc("RFC 7523", "3")]
    public async Task An_assertion_of_one_client_is_not_anothers_even_if_both_have_one_key()
    {
        var first = await KeyClient.AddAsync(at.Server);
        var second = await KeyClient.AddAsync(at.Server, change: registration => registration with { Jwks = KeyClient.SetOf(first.Key) });
        (await KeyClient.AskAsync(at.Server, first.Assertion(at.Server), ("client_id", second.Client.Id))).Error.ShouldBe("invalid_request");
        (await KeyClient.AskAsync(at.Server, first.Assertion(at.Server, ("sub", second.Client.Id)))).Error.ShouldBe("invalid_client");
        (await KeyClient.AskAsync(at.Server, first.Assertion(at.Server, ("iss", second.Client.Id)))).Error.ShouldBe("invalid_client");
        var token = (await KeyClient.AskAsync(at.Server, first.Assertion(at.Server))).Text("access_token");
        (await at.VerifyAsync(token, at.Server.Issuer)).Subject.ShouldBe(first.Client.Id);
        // Nor is what it is given for itself a proof of who it is.
        (await KeyClient.AskAsync(at.Server, token)).Error.ShouldBe("invalid_client");
    }

    [Fact]
    [Assertion("TK-13")]
    public async Task A_grant_that_nobody_registered_is_denied_whoever_asks_CVE_2026_75866()
    {
        var (confidential, secret) = await at.AddConfidentialClientAsync();
        foreach (var grantType in (string[])[GrantType.ClientCredentials, GrantType.DeviceCode])
        {
            (await at.PostAsync([new("grant_type", grantType), new("client_id", at.Client.Id), new("device_code", "x")])).Error.ShouldBe("unauthorized_client");
            (await at.PostAsync([new("grant_type", grantType), new("client_id", confidential.Id), new("client_secret", secret), new("device_code", "x")])).Error.ShouldBe("unauthorized_client");
        }
    }

    [Fact]
    [Assertion("RV-09")]
    public async Task A_revoked_token_is_not_called_active_by_anything_that_was_kept_CVE_2026_8922_CVE_2026_68481()
    {
        var (client, secret) = await at.AddConfidentialClientAsync();
        var tokens = await at.RedeemAsync(await at.CodeAsync(client), ("client_secret", secret));
        async Task<string> AskAsync(string token) =>
            (await at.Server.PostFormAsync("/introspect", [new("token", token), new("client_id", client.Id), new("client_secret", secret)])).Body.GetRawText();
        for (var look = 0; look < 3; look++) (await AskAsync(tokens.Text("access_token"))).ShouldStartWith("""{"active":true""");
        await at.Server.PostFormAsync("/revoke", [new("token", tokens.Text("refresh_token")), new("client_id", client.Id), new("client_secret", secret)]);
        foreach (var token in (string[])[tokens.Text("access_token"), tokens.Text("refresh_token")]) (await AskAsync(token)).ShouldBe("""{"active":false}""");
    }

    public static TheoryData<string> Refused =>
        ["javascript", "wildcard", "no redirect URI", "loopback without form_post", "introspects", "own tokens", "keys", "two sources of keys", "private keys", "network", "fragment", "no name", "scope"];

    [Theory]
    [Assertion("RG-05")]
    [Assertion("RU-04")]
    [MemberData(nameof(Refused))]
    public async Task What_cannot_be_registered_cannot_be_had_by_a_change_either_CVE_2026_15572_CVE_2020_27838(string what)
    {
        var client = await at.AddClientAsync();
        using var key = SigningKey.New(SignatureAlgorithm.ES256);
        ClientRegistration Change(ClientRegistration registration) => what switch
        {
            "javascript" => registration with { RedirectUris = ["javascript:alert(1)"] },
            "wildcard" => registration with { RedirectUris = ["https://*.example/callback"] },
            "no redirect URI" => registration with { RedirectUris = [] },
            "loopback without form_post" => registration with { IsFirstParty = true, RedirectUris = ["http://127.0.0.1/callback"], ResponseModes = ["query"] },
            "introspects" => registration with { Introspects = "https://api.example/" },
            "own tokens" => registration with { UsesClientCredentials = true },
            "keys" => registration with { Jwks = KeyClient.SetOf(key) },
            "two sources of keys" => registration with { IsPublic = false, Jwks = KeyClient.SetOf(key), JwksUri = "https://app.example/jwks" },
            "private keys" => registration with { IsPublic = false, Jwks = """{"keys":[{"kty":"EC","crv":"P-256","d":"AAAA"}]}""" },
            "network" => registration with { IsPublic = false, JwksUri = "https://169.254.169.254/latest" },
            "fragment" => registration with { Audience = "https://api.example/#x" },
            "no name" => registration with { Name = " " },
            _ => registration with { Scope = "open\"id" },
        };
        var before = ClientRegistration.Of((await at.Server.Registry.FindClientAsync(client.Id, CancellationToken.None))!);
        Should.Throw<FormatException>(() => ProofKey.Server.Protocol.RegistrationRules.Check(Change(before)));
        await Should.ThrowAsync<FormatException>(() => at.Server.Registry.UpdateClientAsync(client.Id, Change, newSecret: false, CancellationToken.None));
        ClientRegistration.Of((await at.Server.Registry.FindClientAsync(client.Id, CancellationToken.None))!).RedirectUris.ShouldBe(before.RedirectUris);
    }

    [Theory]
    [Assertion("RG-05")]
    [InlineData("https://localhost:{0}/jwks")]
    [InlineData("https://127.0.0.1:{0}/jwks")]
    [InlineData("https://[::ffff:7f00:1]:{0}/jwks")]
    [InlineData("http://localhost:{0}/jwks")]
    public async Task The_address_of_a_key_set_leads_a_public_server_nowhere_but_to_the_Internet_CVE_2026_1180_CVE_2021_26715(string format)
    {
        using var inside = new TcpListener(IPAddress.IPv6Any, 0);
        inside.Server.DualMode = true;
        inside.Start();
        using var http = new GuardedHttp(new ServerOptions { IssuerAddress = "https://login.example" });
        using var keys = new HttpRequestMessage(HttpMethod.Get, string.Format(System.Globalization.CultureInfo.InvariantCulture, format, ((IPEndPoint)inside.LocalEndpoint).Port));
        await Should.ThrowAsync<HttpRequestException>(() => http.SendAsync(keys, TestContext.Current.CancellationToken));
        inside.Pending().ShouldBeFalse();
    }
}
