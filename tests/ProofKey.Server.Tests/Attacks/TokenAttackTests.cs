using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using ProofKey.Jose;
using ProofKey.Server.Accounts;
using ProofKey.Server.Keys;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests.Attacks;

/// <summary>Attacks on tokens. A name ends with a case of its kind, where one was published.</summary>
public sealed class TokenAttackTests(TokenServer at) : IClassFixture<TokenServer>
{
    private static readonly TimeSpan BeyondLeeway = TimeSpan.FromSeconds(11);

    private static readonly SigningKey Stranger = SigningKey.New(SignatureAlgorithm.ES256);

    [Fact]
    [Assertion("RT-02")]
    [Rfc("RFC 9700", "4.14.2")]
    public async Task A_copied_refresh_token_ends_the_grant_of_thief_and_owner_alike()
    {
        var stolen = (await at.TokensAsync("openid offline_access")).Text("refresh_token");
        var owners = await at.NextAsync(stolen);
        at.Server.Time.Advance(BeyondLeeway);
        var owners2 = await at.NextAsync(owners);
        (await at.RefreshAsync(stolen)).Error.ShouldBe("invalid_grant");
        (await at.RefreshAsync(owners2)).Error.ShouldBe("invalid_grant");
    }

    [Fact]
    [Assertion("RT-03")]
    public async Task Refreshes_that_race_each_other_fork_no_second_family_CVE_2026_1035_CVE_2026_53517_CVE_2026_50631()
    {
        var token = (await at.TokensAsync("openid offline_access")).Text("refresh_token");
        var next = (await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => at.NextAsync(token)))).Distinct().ShouldHaveSingleItem();
        at.Server.Time.Advance(BeyondLeeway);
        (await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => at.NextAsync(next)))).Distinct().ShouldHaveSingleItem();
    }

    [Fact]
    [Assertion("RT-09")]
    public async Task A_restart_forgets_no_rotation_and_no_revocation_CVE_2026_9802()
    {
        var server = await RunningServer.StartAsync();
        var client = await server.AddClientAsync();
        var first = (await server.SignInAsync(client, "openid offline_access")).Text("refresh_token");
        var second = (await server.RefreshAsync(client, first)).Text("refresh_token");
        server.Time.Advance(BeyondLeeway);
        var third = (await server.RefreshAsync(client, second)).Text("refresh_token");
        var revoked = (await server.SignInAsync(client)).Text("refresh_token");
        await server.RevokeAsync(client, revoked);
        server = await server.RestartAsync();
        await using var _ = server;
        (await server.RefreshAsync(client, revoked)).Error.ShouldBe("invalid_grant");
        (await server.RefreshAsync(client, first)).Error.ShouldBe("invalid_grant");
        (await server.RefreshAsync(client, third)).Error.ShouldBe("invalid_grant", "the replay ended the grant");
    }

    [Theory]
    [InlineData("disabled")]
    [InlineData("password")]
    [InlineData("removed")]
    [Assertion("RT-08")]
    [Assertion("UI-11")]
    public async Task An_account_that_was_shut_is_shut_at_every_door_CVE_2026_43983_CVE_2026_9798(string how)
    {
        var (account, person) = await at.AddPersonAsync();
        using var _ = person;
        var tokens = await at.TokensAsync("openid offline_access", person: person, userName: account.Name);
        var code = await at.CodeAsync(person: person, userName: account.Name);
        var accounts = at.Server.Service<AccountStore>();
        if (how == "disabled") await accounts.DisableAsync(account.Subject);
        if (how == "password") await accounts.SetPasswordAsync(account.Subject, at.Server.Service<PasswordSignIn>().Hash("another long password"));
        if (how == "removed") await at.Server.Registry.RemoveAccountAsync(account.Name, TestContext.Current.CancellationToken);
        (await at.RefreshAsync(tokens.Text("refresh_token"))).Error.ShouldBe("invalid_grant");
        (await at.RedeemAsync(code)).Error.ShouldBe("invalid_grant");
        (await at.LivesAsync(tokens.Text("access_token"))).ShouldBeFalse();
        (await person.GetAsync(new AuthorizeUrl(at.Server, at.Client).ToString())).StatusCode.ShouldBe(HttpStatusCode.OK, "the sign-in page: the session is gone");
        var silent = new AuthorizeUrl(at.Server, at.Client).Set("prompt", "none");
        (await person.GetOnceAsync(silent.ToString())).ShouldRedirectWith("login_required", silent, at.Server.Issuer);
        var form = await person.SignInFormAsync(new AuthorizeUrl(at.Server, at.Client));
        (await person.PostOnceAsync(form, [("username", account.Name), ("password", RunningServer.Password)])).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    [Assertion("RV-01")]
    [Assertion("RV-04")]
    public async Task A_client_without_a_secret_can_revoke_and_the_access_token_is_dead_too_CVE_2016_6582_CVE_2018_1000211_CVE_2026_68481()
    {
        var tokens = await at.TokensAsync("openid offline_access");
        (await at.Server.RevokeAsync(at.Client, tokens.Text("refresh_token"))).Status.ShouldBe(HttpStatusCode.OK);
        (await at.RefreshAsync(tokens.Text("refresh_token"))).Error.ShouldBe("invalid_grant");
        (await at.LivesAsync(tokens.Text("access_token"))).ShouldBeFalse();
    }

    [Fact]
    [Assertion("TK-12")]
    public async Task A_token_that_was_cut_or_lengthened_is_no_token_CVE_2026_27840()
    {
        var tokens = await at.TokensAsync();
        foreach (var (name, works) in ((string, Func<string, Task<bool>>)[])
            [("refresh_token", async text => (await at.RefreshAsync(text)).Status == HttpStatusCode.OK), ("access_token", at.LivesAsync)])
        {
            var token = tokens.Text(name);
            foreach (var changed in (string[])[token[..^1], token[..^8], token + "A", token + "=", token + ".", token[..^1] + (token[^1] == 'A' ? 'B' : 'A'), token.ToUpperInvariant(), token[1..], token[..(token.Length / 2)]])
                (await works(changed)).ShouldBeFalse(changed);
            (await works(token)).ShouldBeTrue();
        }
    }

    public static TheoryData<string> Forgeries => [.. Forged.Keys];

    private static readonly Dictionary<string, Func<JsonObject, string, KeyRing, string>> Forged = new(StringComparer.Ordinal)
    {
        ["none"] = (header, claims, _) => Unsigned(header, claims, "none") + ".",
        ["None"] = (header, claims, _) => Unsigned(header, claims, "None") + ".",
        ["none, with a signature"] = (header, claims, _) => Unsigned(header, claims, "none") + ".c2lnbmF0dXJl",
        ["HS256 with the public key"] = (header, claims, keys) => Mac(Unsigned(header, claims, "HS256"), keys.PublicKeys.ToJson()),
        ["HS256 with an empty key"] = (header, claims, _) => Mac(Unsigned(header, claims, "HS256"), []),
        ["a key of its own in jwk"] = (header, claims, _) => SignedByStranger(header, claims, header => header["jwk"] = JsonNode.Parse(new JwkSet(Stranger.PublicKey).ToJson())!["keys"]![0]!.DeepClone()),
        ["a key of its own behind jku"] = (header, claims, _) => SignedByStranger(header, claims, header => header["jku"] = "https://evil.example/jwks"),
        ["a key of its own behind x5u"] = (header, claims, _) => SignedByStranger(header, claims, header => header["x5u"] = "https://evil.example/cert"),
        ["kid a path"] = (header, claims, _) => SignedByStranger(header, claims, header => header["kid"] = "../../dev/null"),
        ["kid a statement"] = (header, claims, _) => SignedByStranger(header, claims, header => header["kid"] = "x' or '1'='1"),
        ["kid missing"] = (header, claims, _) => SignedByStranger(header, claims, header => header.Remove("kid")),
        ["five parts"] = (header, claims, _) => $"{Text(new JsonObject { ["alg"] = "dir", ["enc"] = "A128GCM" })}..AAAA.{claims}.AAAA",
        ["JSON form"] = (header, claims, _) => $$"""{"payload":"{{claims}}","protected":"{{Text(header)}}","signature":""}""",
        ["many dots"] = (_, _, _) => new string('.', 7000),
    };

    [Theory, MemberData(nameof(Forgeries))]
    [Assertion("OI-07")]
    [Rfc("RFC 8725", "3.1")]
    public async Task A_forged_access_token_opens_nothing_CVE_2026_11800_CVE_2026_45363_CVE_2023_51774_CVE_2025_22868(string how)
    {
        var parts = (await at.TokensAsync()).Text("access_token").Split('.');
        Base64UrlText.TryDecode(parts[0], out var header).ShouldBeTrue();
        var forged = Forged[how](JsonNode.Parse(header)!.AsObject(), parts[1], at.Server.Service<KeyRing>());
        var answer = await at.Server.UserinfoAsync(forged);
        answer.Status.ShouldBe(HttpStatusCode.Unauthorized);
        (await at.Server.RevokeAsync(at.Client, forged)).Status.ShouldBe(HttpStatusCode.OK);
        (await at.LivesAsync(string.Join('.', parts))).ShouldBeTrue("and it revoked nothing");
    }

    [Fact]
    [Assertion("OI-07")]
    [Rfc("RFC 8725", "3.11")]
    public async Task A_token_of_one_kind_is_not_taken_for_one_of_another_CVE_2026_18569_CVE_2019_3868()
    {
        var tokens = await at.TokensAsync();
        (await at.LivesAsync(tokens.Text("id_token"))).ShouldBeFalse("an ID token opens no API");
        (await at.LivesAsync(tokens.Text("refresh_token"))).ShouldBeFalse();
        using var person = at.Server.NewPerson();
        foreach (var name in (string[])["access_token", "id_token", "refresh_token"])
        {
            person.SetCookie(at.Server, Sessions.SessionCookie, tokens.Text(name));
            var request = new AuthorizeUrl(at.Server, at.Client).Set("prompt", "none");
            (await person.GetOnceAsync(request.ToString())).ShouldRedirectWith("login_required", request, at.Server.Issuer);
        }
    }

    [Fact]
    [Assertion("DP-07")]
    [Rfc("RFC 9449", "11.1")]
    public async Task A_proof_is_good_once_and_its_token_is_no_bearer_token_CVE_2020_15222_CVE_2024_49755()
    {
        using var key = new ClientKey(at.Server);
        await key.LearnNonceAsync(at.Client.Id);
        var tokens = await key.PostAsync("/token", (await at.CodeAsync()).Exchange());
        var access = tokens.Text("access_token");
        var proof = key.Prove("GET", "/userinfo", access);
        // Twenty at once: whoever saw the request is as quick as its sender.
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => key.UserinfoOnceAsync($"DPoP {access}", proof)));
        answers.Count(answer => answer.Status == HttpStatusCode.OK).ShouldBe(1);
        answers.ShouldAllBe(answer => answer.Status == HttpStatusCode.OK || answer.Status == HttpStatusCode.Unauthorized);
        (await at.LivesAsync(access)).ShouldBeFalse();
        (await key.UserinfoOnceAsync($"Bearer {access}", key.Prove("GET", "/userinfo", access))).Status.ShouldBe(HttpStatusCode.Unauthorized);
        using var thief = new ClientKey(at.Server) { Nonce = key.Nonce };
        (await thief.UserinfoAsync(access)).Status.ShouldBe(HttpStatusCode.Unauthorized);
        (await thief.PostAsync("/token", ClientKey.Refresh(at.Client.Id, tokens.Text("refresh_token")))).Error.ShouldBe("invalid_grant");
    }

    [Fact]
    [Assertion("RT-10")]
    public async Task A_clock_that_is_turned_back_revives_nothing()
    {
        var first = (await at.TokensAsync("openid offline_access")).Text("refresh_token");
        var second = await at.NextAsync(first);
        at.Server.Time.Advance(BeyondLeeway);
        var third = await at.NextAsync(second);
        await at.Server.RevokeAsync(at.Client, third);
        at.Server.Time.Advance(-TimeSpan.FromHours(1));
        try
        {
            foreach (var token in (string[])[first, second, third]) (await at.RefreshAsync(token)).Error.ShouldBe("invalid_grant");
        }
        finally
        {
            at.Server.Time.Advance(TimeSpan.FromHours(1));
        }
    }

    private static string Text(JsonObject json) => Base64UrlText.Encode(Encoding.UTF8.GetBytes(json.ToJsonString()));

    private static string Unsigned(JsonObject header, string claims, string algorithm)
    {
        header["alg"] = algorithm;
        return $"{Text(header)}.{claims}";
    }

    private static string Mac(string signed, byte[] key) => $"{signed}.{Base64UrlText.Encode(HMACSHA256.HashData(key, Encoding.ASCII.GetBytes(signed)))}";

    private static string SignedByStranger(JsonObject header, string claims, Action<JsonObject> change)
    {
        change(header);
        var signed = $"{Text(header)}.{claims}";
        return $"{signed}.{Base64UrlText.Encode(Stranger.Sign(Encoding.ASCII.GetBytes(signed)))}";
    }
}
