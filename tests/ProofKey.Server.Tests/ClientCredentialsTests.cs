using System.Net;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>A confidential client gets tokens of its own, and they are no person's.</summary>
public sealed class ClientCredentialsTests(TokenServer at) : IClassFixture<TokenServer>
{
    private const string Api = "https://api.example/";

    [Fact]
    [Assertion("RT-13")]
    [Assertion("TK-16")]
    [Rfc("RFC 6749", "4.4")]
    [Rfc("RFC 6749", "4.4.3")]
    [Rfc("RFC 9068", "2.2")]
    public async Task A_client_gets_an_access_token_and_nothing_else()
    {
        var (client, secret) = await AddAsync();
        var answer = await AskAsync(client, secret);
        answer.Status.ShouldBe(HttpStatusCode.OK, answer.Body.ToString());
        answer.Body.EnumerateObject().Select(member => member.Name).ShouldBe(["access_token", "token_type", "expires_in", "scope"], ignoreOrder: true);
        answer.Text("scope").ShouldBe("orders.read orders.write", "all that it may have, without the scopes about a person");
        var token = await at.VerifyAsync(answer.Text("access_token"), Api);
        token.Claims.EnumerateObject().Select(claim => claim.Name).ShouldBe(["iss", "sub", "aud", "client_id", "iat", "exp", "jti", "scope"], ignoreOrder: true);
        (token.Subject, token.Text("client_id"), token.Type).ShouldBe((client.Id, client.Id, "at+jwt"));
        (await at.LivesAsync(answer.Text("access_token"))).ShouldBeFalse("there is nobody to tell about");
    }

    [Theory]
    [Rfc("RFC 6749", "3.3")]
    [InlineData("orders.read", null)]
    [InlineData("orders.delete", "invalid_scope")]
    [InlineData("openid", "invalid_scope")]
    [InlineData("orders.read offline_access", "invalid_scope")]
    [InlineData("orders.read \"", "invalid_scope")]
    public async Task The_scope_is_within_the_registration_and_about_no_person(string scope, string? error)
    {
        var (client, secret) = await AddAsync();
        var answer = await AskAsync(client, secret, ("scope", scope));
        answer.Error.ShouldBe(error);
        if (error is null) answer.Text("scope").ShouldBe(scope);
    }

    [Fact]
    [Assertion("RS-14")]
    [Rfc("RFC 8707", "2.2")]
    public async Task A_registered_API_may_be_asked_for_and_gets_its_own_scopes_alone()
    {
        const string Orders = "https://orders-of-clients.example/";
        const string Writing = "https://writing.example/";
        await at.Server.Registry.AddResourceAsync(Orders, "orders.read", null);
        await at.Server.Registry.AddResourceAsync(Writing, "orders.write", null);
        var (client, secret) = await AddAsync();
        var answer = await AskAsync(client, secret, ("resource", Orders));
        answer.Text("scope").ShouldBe("orders.read");
        (await at.VerifyAsync(answer.Text("access_token"), Orders)).Audiences.ShouldBe([Orders]);
        (await AskAsync(client, secret, ("resource", Orders), ("scope", "orders.write"))).Error.ShouldBe("invalid_scope");
        (await AskAsync(client, secret, ("resource", "https://unknown.example/"))).Error.ShouldBe("invalid_target");
        var twice = await at.PostAsync([.. Fields(client, secret), new("resource", Orders), new("resource", Writing)]);
        twice.Error.ShouldBe("invalid_target");

        (await AskAsync(client, secret, ("scope", "orders.write"))).Error.ShouldBe("invalid_scope", "its default is another API");
        (await AskAsync(client, secret)).Body.TryGetProperty("scope", out _).ShouldBeFalse();
        await at.Server.Registry.UpdateClientAsync(client.Id, registration => registration with { Audience = Writing }, newSecret: false, CancellationToken.None);
        (await AskAsync(client, secret)).Text("scope").ShouldBe("orders.write");
        foreach (var address in (string[])[Orders, Writing]) await at.Server.Registry.RemoveResourceAsync(address);
    }

    [Fact]
    [Assertion("TK-13")]
    [Rfc("RFC 6749", "4.4")]
    public async Task Neither_a_public_client_nor_one_that_is_not_registered_for_it_gets_any()
    {
        (await at.PostAsync([new("grant_type", "client_credentials"), new("client_id", at.Client.Id)])).Error.ShouldBe("unauthorized_client");
        var (confidential, secret) = await at.AddConfidentialClientAsync();
        (await AskAsync(confidential, secret)).Error.ShouldBe("unauthorized_client");
        (await AskAsync(confidential, "wrong")).Error.ShouldBe("invalid_client");
        await Should.ThrowAsync<FormatException>(() => at.AddClientAsync(registration => registration with { UsesClientCredentials = true }));
    }

    [Fact]
    [Assertion("TK-13")]
    public async Task A_client_without_a_redirect_URI_signs_nobody_in()
    {
        var (client, secret) = await AddAsync();
        client.GrantTypes.ShouldBe(["client_credentials"]);
        (await at.PostAsync([new("grant_type", "authorization_code"), new("client_id", client.Id), new("client_secret", secret), new("code", "pkc_x")])).Error.ShouldBe("unauthorized_client");
        (await at.PostAsync([new("grant_type", "refresh_token"), new("client_id", client.Id), new("client_secret", secret), new("refresh_token", "pkr_x")])).Error.ShouldBe("unauthorized_client");
        await (await at.Person.GetAsync(new AuthorizeUrl(at.Server, at.Client).Set("client_id", client.Id).ToString())).ShouldBeErrorPageAsync();
    }

    [Fact]
    [Assertion("DP-01")]
    [Rfc("RFC 9449", "5")]
    public async Task A_clients_own_token_is_bound_to_the_key_of_its_proof()
    {
        var (client, secret) = await AddAsync();
        using var key = new ClientKey(at.Server);
        var answer = await key.PostAsync("/token", Fields(client, secret));
        answer.Text("token_type").ShouldBe("DPoP");
        (await at.VerifyAsync(answer.Text("access_token"), Api)).Claims.GetProperty("cnf").GetProperty("jkt").GetString().ShouldBe(key.Thumbprint);
    }

    [Fact]
    [Assertion("RS-13")]
    [Rfc("RFC 9068", "5")]
    public async Task Ids_and_subjects_are_the_servers_choice_so_neither_can_be_made_equal_to_the_other()
    {
        var (first, _) = await AddAsync();
        var (second, _) = await AddAsync();
        var (account, person) = await at.AddPersonAsync();
        person.Dispose();
        string[] ids = [first.Id, second.Id, account.Subject];
        ids.ShouldBeUnique();
        ids.ShouldAllBe(id => id.Length == 22, "16 random bytes each; no registration names its own");
        typeof(ClientRegistration).GetProperty("Id").ShouldBeNull();
    }

    internal static IEnumerable<KeyValuePair<string, string>> Fields(RegisteredClient client, string secret) =>
        [new("grant_type", "client_credentials"), new("client_id", client.Id), new("client_secret", secret)];

    private async Task<(RegisteredClient Client, string Secret)> AddAsync()
    {
        var added = await at.Server.Registry.AddClientAsync(new ClientRegistration
        {
            Name = "Nightly job",
            IsPublic = false,
            UsesClientCredentials = true,
            Scope = "openid orders.read orders.write offline_access",
            Audience = Api,
        });
        return (added.Client, added.Secret!);
    }

    private Task<JsonAnswer> AskAsync(RegisteredClient client, string secret, params (string Name, string Value)[] more) =>
        at.PostAsync([.. Fields(client, secret), .. more.Select(pair => new KeyValuePair<string, string>(pair.Name, pair.Value))]);
}
