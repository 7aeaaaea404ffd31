using System.Net;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>A token is for one API, and the scopes of another one are not in it.</summary>
public sealed class ResourceTests(TokenServer at) : IClassFixture<TokenServer>, IAsyncLifetime
{
    private const string Orders = "https://orders.example/";
    private const string Stock = "https://stock.example/";
    private const string Payroll = "https://payroll.example/";
    private const string Own = "https://own.example/";

    private RegisteredClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        await at.Server.Registry.AddResourceAsync(Orders, "orders.read orders.write list", "Orders");
        await at.Server.Registry.AddResourceAsync(Stock, "stock.read list", null);
        await at.Server.Registry.AddResourceAsync(Payroll, "payroll.read", null);
        _client = await at.AddClientAsync(registration => registration with { Scope = "openid profile offline_access orders.read orders.write stock.read list free", Audience = Own });
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var address in (string[])[Orders, Stock, Payroll]) await at.Server.Registry.RemoveResourceAsync(address);
    }

    [Theory]
    [Assertion("RS-14")]
    [Rfc("RFC 8707", "2")]
    [InlineData(Orders, "openid orders.read list free", Orders)]
    [InlineData(Stock, "openid stock.read list", Stock)]
    [InlineData(Own, "openid free", Own)]
    [InlineData(null, "openid free", Own)]
    public async Task The_audience_is_exactly_the_one_API_that_was_asked_for_at_a_refresh_too(string? resource, string scope, string audience)
    {
        var tokens = await at.RedeemAsync(await CodeAsync(resource, scope));
        await ShouldBeForAsync(tokens, audience, scope);
        await ShouldBeForAsync(await RefreshAsync(tokens), audience, scope);
        await ShouldBeForAsync(await RefreshAsync(tokens, ("resource", audience)), audience, scope);
    }

    [Theory]
    [Assertion("RS-14")]
    [Rfc("RFC 8707", "2")]
    [InlineData("https://unknown.example/")]
    [InlineData("https://orders.example")]
    [InlineData("https://orders.example/#part")]
    [InlineData("https://ORDERS.example/")]
    [InlineData("/orders")]
    [InlineData("orders")]
    [InlineData("*")]
    [InlineData(Payroll)]
    [InlineData(Orders, Stock)]
    [InlineData(Orders, Orders)]
    public async Task An_API_that_is_unknown_relative_not_the_clients_or_one_of_two_is_no_target(params string[] resources)
    {
        var request = new AuthorizeUrl(at.Server, _client).Set("scope", "openid");
        foreach (var resource in resources) request.Repeat("resource", resource);
        var answer = await at.Person.AuthorizeAsync(request);
        answer["error"].ShouldBe("invalid_target");
        answer.ShouldNotContainKey("code");
    }

    [Theory]
    [Assertion("RS-14")]
    [Rfc("RFC 8707", "2.1")]
    [InlineData(Orders, "openid stock.read")]
    [InlineData(Stock, "orders.read stock.read")]
    [InlineData(Own, "orders.read")]
    [InlineData(null, "openid orders.read")]
    [InlineData(null, "list")]
    public async Task The_scopes_of_one_API_go_to_no_other(string? resource, string scope)
    {
        var request = new AuthorizeUrl(at.Server, _client).Set("scope", scope).Set("resource", resource);
        (await at.Person.AuthorizeAsync(request))["error"].ShouldBe("invalid_scope");
    }

    [Theory]
    [Assertion("RS-14")]
    [Rfc("RFC 9068", "3")]
    [InlineData(Orders, "openid orders.read list", null)]
    [InlineData(Orders, "openid orders.read stock.read", "invalid_scope")]
    [InlineData(null, "openid free", null)]
    [InlineData(null, "openid orders.read", "invalid_scope")]
    public async Task Without_a_resource_the_scopes_must_be_those_of_the_clients_default(string? audience, string scope, string? error)
    {
        var client = await at.AddClientAsync(registration => registration with { Scope = _client.Scope.ToString(), Audience = audience });
        (await at.Person.AuthorizeAsync(new AuthorizeUrl(at.Server, client).Set("scope", scope))).GetValueOrDefault("error").ShouldBe(error);
        var device = await at.Server.AddDeviceClientAsync(registration => registration with { Scope = _client.Scope.ToString(), Audience = audience });
        (await at.Server.PostFormAsync("/device_authorization", [new("client_id", device.Id), new("scope", scope)])).Error.ShouldBe(error);
        (await at.Server.PostFormAsync("/par", [.. new AuthorizeUrl(at.Server, client).Set("scope", scope).Parameters])).Error.ShouldBe(error);
    }

    [Theory]
    [Assertion("RS-14")]
    [Rfc("RFC 8707", "2.2")]
    [InlineData(Stock)]
    [InlineData(Own)]
    [InlineData("https://unknown.example/")]
    [InlineData(Orders, Stock)]
    public async Task A_code_or_refresh_token_never_reaches_another_API_and_loses_nothing_by_the_attempt(params string[] resources)
    {
        var code = await CodeAsync(Orders, "openid orders.read");
        (await at.PostAsync([.. code.Exchange(), .. resources.Select(resource => new KeyValuePair<string, string>("resource", resource))])).Error.ShouldBe("invalid_target");
        var tokens = await at.RedeemAsync(code, ("resource", Orders));
        (await RefreshAsync(tokens, [.. resources.Select(resource => ("resource", resource))])).Error.ShouldBe("invalid_target");
        await ShouldBeForAsync(await RefreshAsync(tokens), Orders, "openid orders.read");
    }

    [Fact]
    [Assertion("RS-14")]
    public async Task A_removed_API_is_no_target_any_more()
    {
        await at.Server.Registry.RemoveResourceAsync(Stock);
        (await at.Person.AuthorizeAsync(new AuthorizeUrl(at.Server, _client).Set("scope", "openid").Set("resource", Stock)))["error"].ShouldBe("invalid_target");
    }

    [Fact]
    [Rfc("RFC 9068", "2.2")]
    public async Task An_access_token_has_every_claim_that_an_API_must_check()
    {
        var tokens = await at.RedeemAsync(await CodeAsync(Orders, "openid orders.read"));
        var token = await at.VerifyAsync(tokens.Text("access_token"), Orders);
        token.Type.ShouldBe("at+jwt");
        token.Claims.EnumerateObject().Select(claim => claim.Name).ShouldBe(["iss", "sub", "aud", "client_id", "iat", "exp", "jti", "gid", "auth_time", "acr", "amr", "scope"], ignoreOrder: true);
        token.Text("client_id").ShouldBe(_client.Id);
        token.Subject.ShouldBe((await at.VerifyAsync(tokens.Text("id_token"), _client.Id)).Subject);
    }

    [Theory]
    [Rfc("RFC 8707", "2")]
    [InlineData("https://api.example/#part", "read")]
    [InlineData("https://api.example/#", "read")]
    [InlineData("/api", "read")]
    [InlineData("api.example", "read")]
    [InlineData("https://api.example/ x", "read")]
    [InlineData("https://api.example/é", "read")]
    [InlineData("https://api.example/", "")]
    [InlineData("https://api.example/", "openid read")]
    [InlineData("https://api.example/", "offline_access")]
    [InlineData("https://api.example/", "a\"b")]
    public async Task What_cannot_be_an_API_is_not_registered_as_one(string address, string scope) =>
        await Should.ThrowAsync<FormatException>(() => at.Server.Registry.AddResourceAsync(address, scope, null));

    [Fact]
    public async Task An_address_is_registered_once_changed_and_removed_and_each_act_is_in_the_audit_trail()
    {
        const string Address = "urn:example:audited";
        await at.Server.Registry.AddResourceAsync(Address, "a", "First");
        await Should.ThrowAsync<FormatException>(() => at.Server.Registry.AddResourceAsync(Address, "b", null));
        var changed = await at.Server.Registry.UpdateResourceAsync(Address, "b c", null, CancellationToken.None);
        (changed!.Name, changed.Scope.ToString()).ShouldBe(("First", "b c"));
        (await at.Server.Registry.UpdateResourceAsync("urn:example:none", "b", null, CancellationToken.None)).ShouldBeNull();
        (await at.Server.Registry.RemoveResourceAsync(Address)).ShouldBeTrue();
        (await at.Server.Registry.RemoveResourceAsync(Address)).ShouldBeFalse();
        var kinds = await at.Server.Service<Database>().ListAsync($"select kind from audit_event where detail like {Address + "%"} order by id", row => row.GetString(0), CancellationToken.None);
        kinds.Order().ShouldBe(["resource-added", "resource-changed", "resource-removed"]);
    }

    private Task<IssuedCode> CodeAsync(string? resource, string scope) => IssueAsync(new AuthorizeUrl(at.Server, _client).Set("scope", scope).Set("resource", resource));

    private async Task<IssuedCode> IssueAsync(AuthorizeUrl request) => new(_client, request, (await at.Person.AuthorizeAsync(request))["code"]);

    private Task<JsonAnswer> RefreshAsync(JsonAnswer tokens, params (string Name, string Value)[] more) => at.PostAsync(
        [new("grant_type", "refresh_token"), new("client_id", _client.Id), new("refresh_token", tokens.Text("refresh_token")), .. more.Select(pair => new KeyValuePair<string, string>(pair.Name, pair.Value))]);

    private async Task ShouldBeForAsync(JsonAnswer tokens, string audience, string scope)
    {
        tokens.Status.ShouldBe(HttpStatusCode.OK, tokens.Body.ToString());
        var token = await at.VerifyAsync(tokens.Text("access_token"), audience);
        token.Audiences.ShouldBe([audience]);
        token.Text("scope").ShouldBe(scope);
    }
}
