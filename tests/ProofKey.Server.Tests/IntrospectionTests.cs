using System.Net;
using System.Text;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>An API asks whether a token is good, and sees at once when it is not any more.</summary>
public sealed class IntrospectionTests(TokenServer at) : IClassFixture<TokenServer>, IAsyncLifetime
{
    private const string Orders = "https://orders.example/";
    private const string Stock = "https://stock.example/";

    private (RegisteredClient Client, string Secret) _orders;
    private RegisteredClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _orders = await AddApiAsync(Orders);
        _client = await at.AddClientAsync(registration => registration with { Audience = Orders, Scope = "openid profile email offline_access orders.read" });
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    [Assertion("RV-08")]
    [Rfc("RFC 7662", "2.1")]
    public async Task Nobody_learns_anything_without_proving_who_they_are()
    {
        var token = await AccessTokenAsync();
        foreach (var fields in (KeyValuePair<string, string>[][])[[], [new("client_id", at.Client.Id)], [new("client_id", _orders.Client.Id)], [new("client_id", _orders.Client.Id), new("client_secret", "wrong")], [new("client_id", "nobody")]])
        {
            var answer = await at.Server.PostFormAsync("/introspect", [new("token", token), .. fields]);
            (answer.Status, answer.Error).ShouldBe((HttpStatusCode.Unauthorized, "invalid_client"));
            answer.Response.Headers.WwwAuthenticate.ToString().ShouldStartWith("Basic ");
            answer.Body.TryGetProperty("active", out _).ShouldBeFalse();
        }
        var bearer = await at.Server.PostFormAsync("/introspect", [new("token", token)], request => request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}"));
        (bearer.Status, bearer.Error).ShouldBe((HttpStatusCode.Unauthorized, "invalid_client"));
        var basicOfAPublicOne = await at.Server.PostFormAsync("/introspect", [new("token", token)], request => request.Headers.TryAddWithoutValidation("Authorization", Basic(at.Client.Id, "")));
        (basicOfAPublicOne.Status, basicOfAPublicOne.Error).ShouldBe((HttpStatusCode.Unauthorized, "invalid_client"));
    }

    [Fact]
    [Rfc("RFC 7662", "2.2")]
    [Rfc("RFC 9470", "6.2")]
    public async Task An_API_sees_who_may_do_what_and_for_how_long()
    {
        var tokens = await at.TokensAsync("openid orders.read", _client);
        var token = await at.VerifyAsync(tokens.Text("access_token"), Orders);
        var answer = await IntrospectAsync(tokens.Text("access_token"));
        (answer.Status, answer.Response.Content.Headers.ContentType!.MediaType, answer.Response.Headers.CacheControl!.NoStore).ShouldBe((HttpStatusCode.OK, "application/json", true));
        answer.Body.EnumerateObject().Select(member => member.Name).ShouldBe(["active", "scope", "client_id", "sub", "aud", "iss", "exp", "iat", "jti", "token_type", "auth_time", "acr"]);
        answer.Body.GetProperty("active").GetBoolean().ShouldBeTrue();
        (answer.Text("scope"), answer.Text("client_id"), answer.Text("sub"), answer.Text("aud"), answer.Text("iss"), answer.Text("jti"), answer.Text("token_type"))
            .ShouldBe(("openid orders.read", _client.Id, token.Subject, Orders, at.Server.Issuer, token.Text("jti"), "Bearer"));
        (answer.Body.GetProperty("exp").GetInt64(), answer.Body.GetProperty("iat").GetInt64(), answer.Body.GetProperty("auth_time").GetInt64())
            .ShouldBe((token.ExpiresAt.ToUnixTimeSeconds(), token.IssuedAt!.Value.ToUnixTimeSeconds(), token.Number("auth_time")!.Value));
        answer.Text("acr").ShouldBe(token.Text("acr"));
    }

    [Fact]
    [Assertion("DP-03")]
    [Rfc("RFC 9449", "6.2")]
    public async Task A_bound_token_comes_with_the_key_that_it_is_bound_to()
    {
        using var key = new ClientKey(at.Server);
        var tokens = await key.PostAsync("/token", (await at.CodeAsync(_client, "openid orders.read")).Exchange());
        var answer = await IntrospectAsync(tokens.Text("access_token"));
        answer.Text("token_type").ShouldBe("DPoP");
        answer.Body.GetProperty("cnf").GetProperty("jkt").GetString().ShouldBe(key.Thumbprint);
    }

    [Fact]
    [Assertion("RV-10")]
    [Rfc("RFC 7662", "4")]
    public async Task A_token_for_another_API_is_not_active_and_says_no_more()
    {
        var stock = await AddApiAsync(Stock);
        var token = await AccessTokenAsync();
        await ShouldBeInactiveAsync(await IntrospectAsync(token, stock));
        await ShouldBeInactiveAsync(await IntrospectAsync((await at.TokensAsync()).Text("access_token")));
        (await IntrospectAsync(token)).Body.GetProperty("active").GetBoolean().ShouldBeTrue();
    }

    [Fact]
    [Rfc("RFC 7662", "2.1")]
    public async Task A_confidential_client_sees_the_tokens_that_were_issued_to_it()
    {
        var own = await at.AddConfidentialClientAsync();
        var tokens = await at.RedeemAsync(await at.CodeAsync(own.Client), ("client_secret", own.Secret));
        (await IntrospectAsync(tokens.Text("access_token"), own)).Body.GetProperty("active").GetBoolean().ShouldBeTrue();
        var refresh = await IntrospectAsync(tokens.Text("refresh_token"), own);
        refresh.Body.EnumerateObject().Select(member => member.Name).ShouldBe(["active", "scope", "client_id", "sub", "aud", "iss", "exp", "iat", "auth_time", "acr"]);
        await ShouldBeInactiveAsync(await IntrospectAsync(tokens.Text("refresh_token")));
        await ShouldBeInactiveAsync(await IntrospectAsync(tokens.Text("id_token"), own));
    }

    [Theory]
    [InlineData("access_token")]
    [InlineData("refresh_token")]
    [InlineData("urn:example:unheard-of")]
    [Rfc("RFC 7662", "2.1")]
    public async Task A_hint_is_only_a_hint(string hint)
    {
        var answer = await at.Server.PostFormAsync("/introspect", [new("token", await AccessTokenAsync()), new("token_type_hint", hint), new("client_id", _orders.Client.Id), new("client_secret", _orders.Secret)]);
        answer.Body.GetProperty("active").GetBoolean().ShouldBeTrue();
    }

    [Fact]
    [Assertion("RV-09")]
    [Rfc("RFC 7662", "2.2")]
    public async Task What_is_malformed_changed_or_expired_is_not_active_and_says_no_more()
    {
        var token = await AccessTokenAsync();
        foreach (var bad in (string[])["x", "a.b.c", "pkr_x", "pkc_x", token[..^4], token + "AAAA", new string('a', 20_000)]) await ShouldBeInactiveAsync(await IntrospectAsync(bad));
        at.Server.Time.Advance(TimeSpan.FromMinutes(10));
        await ShouldBeInactiveAsync(await IntrospectAsync(token));
    }

    public static TheoryData<string> Ends => ["revoked", "replayed", "disabled", "removed person", "removed client", "ended session"];

    [Theory]
    [Assertion("RV-09")]
    [Assertion("RV-11")]
    [Rfc("RFC 7662", "4")]
    [MemberData(nameof(Ends))]
    public async Task Whatever_ends_a_grant_is_seen_at_once(string end)
    {
        var (account, person) = await at.AddPersonAsync();
        using var _ = person;
        var client = await at.AddClientAsync(registration => registration with { Audience = Orders });
        var code = await at.CodeAsync(client, "openid", person, account.Name);
        var tokens = await at.RedeemAsync(code);
        (await IntrospectAsync(tokens.Text("access_token"))).Body.GetProperty("active").GetBoolean().ShouldBeTrue();
        var database = at.Server.Service<Database>();
        switch (end)
        {
            case "revoked":
                (await at.Server.RevokeAsync(client, tokens.Text("refresh_token"))).Status.ShouldBe(HttpStatusCode.OK);
                break;
            case "replayed":
                (await at.RedeemAsync(code)).Error.ShouldBe("invalid_grant");
                break;
            case "disabled":
                await database.WriteAsync($"update account set disabled_at = 1 where subject = {account.Subject}");
                break;
            case "removed person":
                await at.Server.Registry.RemoveAccountAsync(account.Name, CancellationToken.None);
                break;
            case "removed client":
                await at.Server.Registry.RemoveClientAsync(client.Id);
                break;
            case "ended session":
                await database.WriteAsync($"update session set ended_at = 1 where subject = {account.Subject}");
                break;
        }
        await ShouldBeInactiveAsync(await IntrospectAsync(tokens.Text("access_token")));
    }

    [Fact]
    [Assertion("RV-09")]
    public async Task A_refresh_token_is_active_as_long_as_it_would_be_accepted()
    {
        var own = await at.AddConfidentialClientAsync();
        async Task<JsonAnswer> RefreshAsync(string token) =>
            await at.PostAsync([new("grant_type", "refresh_token"), new("client_id", own.Client.Id), new("client_secret", own.Secret), new("refresh_token", token)]);
        var first = (await at.RedeemAsync(await at.CodeAsync(own.Client, "openid offline_access"), ("client_secret", own.Secret))).Text("refresh_token");
        var second = (await RefreshAsync(first)).Text("refresh_token");
        async Task<bool> IsActiveAsync(string token) => (await IntrospectAsync(token, own)).Body.GetProperty("active").GetBoolean();
        (await IsActiveAsync(second), await IsActiveAsync(first)).ShouldBe((true, true), "the predecessor is tolerated while its answer may be lost");
        at.Server.Time.Advance(TimeSpan.FromSeconds(11));
        var third = (await RefreshAsync(second)).Text("refresh_token");
        (await IsActiveAsync(third), await IsActiveAsync(first)).ShouldBe((true, false));
        at.Server.Time.Advance(TimeSpan.FromDays(14));
        (await IsActiveAsync(third)).ShouldBeFalse("it went unused for too long");
    }

    [Fact]
    [Rfc("RFC 7662", "2.2")]
    public async Task A_clients_own_token_is_active_while_the_client_is_registered_for_such_tokens()
    {
        var added = await at.Server.Registry.AddClientAsync(new ClientRegistration { Name = "Job", IsPublic = false, UsesClientCredentials = true, Scope = "orders.read", Audience = Orders });
        var token = (await at.PostAsync(ClientCredentialsTests.Fields(added.Client, added.Secret!))).Text("access_token");
        var answer = await IntrospectAsync(token);
        answer.Body.EnumerateObject().Select(member => member.Name).ShouldBe(["active", "scope", "client_id", "sub", "aud", "iss", "exp", "iat", "jti", "token_type"]);
        answer.Text("sub").ShouldBe(added.Client.Id);
        await at.Server.Registry.RemoveClientAsync(added.Client.Id);
        await ShouldBeInactiveAsync(await IntrospectAsync(token));
    }

    [Fact]
    [Assertion("RV-08")]
    public async Task It_takes_a_POST_with_a_token_in_the_body_and_answers_no_script()
    {
        var token = await AccessTokenAsync();
        (await at.GetAsync($"/introspect?token={token}&client_id={_orders.Client.Id}&client_secret={_orders.Secret}")).Status.ShouldBe(HttpStatusCode.MethodNotAllowed);
        var none = await at.Server.PostFormAsync("/introspect", [new("client_id", _orders.Client.Id), new("client_secret", _orders.Secret)]);
        (none.Status, none.Error).ShouldBe((HttpStatusCode.BadRequest, "invalid_request"));
        var twice = await at.Server.PostFormAsync($"/introspect?token={token}", [new("token", token), new("client_id", _orders.Client.Id), new("client_secret", _orders.Secret)]);
        twice.Error.ShouldBe("invalid_request");
        foreach (var method in (string[])["POST", "OPTIONS", "GET"])
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), at.Server.Issuer + "/introspect");
            request.Headers.TryAddWithoutValidation("Origin", "https://app.example");
            (await TokenCalls.SendAsync(request)).Response.Headers.ShouldNotContain(header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
        }
    }

    [Fact]
    public async Task Only_a_confidential_client_can_be_registered_to_introspect() =>
        await Should.ThrowAsync<FormatException>(() => at.AddClientAsync(registration => registration with { Introspects = Orders }));

    private static string Basic(string id, string secret) => "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes($"{id}:{secret}"));

    private static async Task ShouldBeInactiveAsync(JsonAnswer answer)
    {
        answer.Status.ShouldBe(HttpStatusCode.OK);
        answer.Response.Headers.CacheControl!.NoStore.ShouldBeTrue();
        (await answer.Response.Content.ReadAsStringAsync()).ShouldBe("""{"active":false}""");
    }

    private async Task<(RegisteredClient, string)> AddApiAsync(string address)
    {
        var added = await at.Server.Registry.AddClientAsync(new ClientRegistration { Name = "API", IsPublic = false, Introspects = address });
        added.Client.GrantTypes.ShouldBeEmpty();
        return (added.Client, added.Secret!);
    }

    private async Task<string> AccessTokenAsync() => (await at.TokensAsync("openid orders.read", _client)).Text("access_token");

    private Task<JsonAnswer> IntrospectAsync(string token, (RegisteredClient Client, string Secret)? caller = null)
    {
        var (client, secret) = caller ?? _orders;
        return at.Server.PostFormAsync("/introspect", [new("token", token)], request => request.Headers.TryAddWithoutValidation("Authorization", Basic(client.Id, secret)));
    }
}
