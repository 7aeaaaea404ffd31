using System.Net;
using System.Text.Json;
using ProofKey.Jose;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>A client is changed while the server runs, at once, and in nothing that was not said.</summary>
public sealed class ClientUpdateTests(TokenServer at) : IClassFixture<TokenServer>
{
    [Fact]
    public async Task Everything_that_was_said_survives_a_change_that_says_nothing()
    {
        using var key = SigningKey.New(SignatureAlgorithm.ES256);
        ClientRegistration[] registrations =
        [
            new() { Name = "Plain", IsPublic = true, RedirectUris = ["http://127.0.0.1/callback"] },
            new()
            {
                Name = "All", IsPublic = false, RedirectUris = ["https://a.example/callback"], PostLogoutRedirectUris = ["https://a.example/bye"], BackchannelLogoutUri = "https://a.example/logged-out", Origins = ["https://b.example"], Scope = "openid x", Audience = "https://api.example/",
                ResponseModes = ["form_post"], IdTokenAlgorithm = "RS256", IsFirstParty = true, IsStrict = true, RequiresPushedRequests = true, RequiresDpop = true, UsesDevices = true, MayRefresh = false, UsesClientCredentials = true, Introspects = "https://api.example/", Jwks = KeyClient.SetOf(key),
            },
            new() { Name = "API", IsPublic = false, Introspects = "https://api.example/" },
            new() { Name = "Published", IsPublic = false, UsesClientCredentials = true, JwksUri = "https://a.example/jwks.json" },
        ];
        foreach (var registration in registrations)
        {
            var client = (await at.Server.Registry.AddClientAsync(registration)).Client;
            await at.Server.Registry.UpdateClientAsync(client.Id, same => same, newSecret: false, CancellationToken.None);
            var after = await at.Server.Registry.FindClientAsync(client.Id, CancellationToken.None);
            JsonSerializer.Serialize(ClientRegistration.Of(after!)).ShouldBe(JsonSerializer.Serialize(ClientRegistration.Of(client)));
            (after!.SecretDigest ?? []).ShouldBe(client.SecretDigest ?? []);
            after.CreatedAt.ToUnixTimeMilliseconds().ShouldBe(client.CreatedAt.ToUnixTimeMilliseconds());
            foreach (var property in Properties.Where(property => Said(property, registration) is not "[]"))
                Said(property, ClientRegistration.Of(after)).ShouldBe(Said(property, registration), property.Name);
        }
        // A new property must be read back too, so it must be said here.
        var plain = new ClientRegistration { Name = "", IsPublic = true };
        foreach (var property in Properties) registrations.ShouldContain(registration => Said(property, registration) != Said(property, plain), property.Name);
    }

    [Fact]
    public async Task Two_changes_at_once_take_nothing_of_each_other_back()
    {
        var added = await at.Server.Registry.AddClientAsync(new ClientRegistration { Name = "Before", IsPublic = false, RedirectUris = ["https://a.example/callback"] });
        NewClient? beside = null;
        ClientRegistration change(ClientRegistration registration)
        {
            // Somebody else changes it after it was read here, and before it is written.
            beside ??= at.Server.Registry.UpdateClientAsync(added.Client.Id, other => other with { Name = "Other" }, newSecret: true, CancellationToken.None).GetAwaiter().GetResult();
            return registration with { RedirectUris = [.. registration.RedirectUris, "https://b.example/callback"] };
        }
        var changed = await at.Server.Registry.UpdateClientAsync(added.Client.Id, change, newSecret: false, CancellationToken.None);
        (changed!.Client.Name, changed.Secret).ShouldBe(("Other", null));
        var after = await at.Server.Registry.FindClientAsync(added.Client.Id, CancellationToken.None);
        (after!.Name, after.RedirectUris.Count).ShouldBe(("Other", 2));
        after.SecretDigest.ShouldBe(Secret.Digest(beside!.Secret!), "the leaked one stays dead");
    }

    private static System.Reflection.PropertyInfo[] Properties { get; } = typeof(ClientRegistration).GetProperties();

    private static string Said(System.Reflection.PropertyInfo property, ClientRegistration registration) => JsonSerializer.Serialize(property.GetValue(registration));

    [Fact]
    [Assertion("AZ-27")]
    public async Task A_redirect_URI_that_was_taken_away_gets_no_code_and_its_pages_read_nothing()
    {
        var client = await at.AddClientAsync(registration => registration with { RedirectUris = ["https://old.example/callback"] });
        (await AllowedAsync("https://old.example")).ShouldBeTrue();
        await at.Server.Registry.UpdateClientAsync(client.Id, registration => registration with { RedirectUris = ["https://new.example/callback"] }, newSecret: false, CancellationToken.None);
        (await AllowedAsync("https://old.example"), await AllowedAsync("https://new.example")).ShouldBe((false, true));
        await (await at.Person.GetAsync(new AuthorizeUrl(at.Server, client).ToString())).ShouldBeErrorPageAsync();
        (await at.Person.AuthorizeAsync(new AuthorizeUrl(at.Server, client).Set("redirect_uri", "https://new.example/callback"))).ShouldContainKey("code");
    }

    [Fact]
    [Assertion("TK-14")]
    public async Task A_new_secret_is_good_at_once_and_the_old_one_is_not()
    {
        var (client, old) = await at.AddConfidentialClientAsync();
        var changed = await at.Server.Registry.UpdateClientAsync(client.Id, same => same, newSecret: true, CancellationToken.None);
        (await at.RedeemAsync(await at.CodeAsync(client), ("client_secret", old))).Error.ShouldBe("invalid_client");
        (await at.RedeemAsync(await at.CodeAsync(client), ("client_secret", changed!.Secret))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_public_client_stays_public_and_a_confidential_one_confidential()
    {
        var (confidential, _) = await at.AddConfidentialClientAsync();
        foreach (var client in (RegisteredClient[])[at.Client, confidential])
            await Should.ThrowAsync<FormatException>(() => at.Server.Registry.UpdateClientAsync(client.Id, registration => registration with { IsPublic = !registration.IsPublic }, newSecret: false, CancellationToken.None));
        await Should.ThrowAsync<FormatException>(() => at.Server.Registry.UpdateClientAsync(at.Client.Id, same => same, newSecret: true, CancellationToken.None));
        (await at.Server.Registry.UpdateClientAsync("nobody", same => same, newSecret: false, CancellationToken.None)).ShouldBeNull();
    }

    [Fact]
    public async Task Each_administrative_act_is_in_the_audit_trail()
    {
        var (client, _) = await at.AddConfidentialClientAsync();
        await at.Server.Registry.UpdateClientAsync(client.Id, same => same, newSecret: true, CancellationToken.None);
        await at.Server.Registry.RemoveClientAsync(client.Id);
        await at.Server.Registry.RemoveClientAsync(client.Id);
        var kinds = await at.Server.Service<Database>().ListAsync($"select kind from audit_event where client_id = {client.Id} order by id", row => row.GetString(0), CancellationToken.None);
        kinds.Order().ShouldBe(["client-added", "client-changed", "client-removed"]);
    }

    [Fact]
    [Assertion("UI-22")]
    public async Task The_audit_trail_says_what_of_a_client_changed()
    {
        var (client, _) = await at.AddConfidentialClientAsync();
        await at.Server.Registry.UpdateClientAsync(
            client.Id, registration => registration with { RedirectUris = [.. registration.RedirectUris, "https://new.example/cb"], RequiresDpop = true }, newSecret: true, CancellationToken.None);
        var detail = (await at.Server.Service<Database>().ListAsync($"select detail from audit_event where client_id = {client.Id} and kind = 'client-changed'", row => row.GetString(0), CancellationToken.None)).ShouldHaveSingleItem();
        detail.ShouldContain("https://new.example/cb");
        detail.ShouldContain("DPoP: yes");
        detail.ShouldEndWith("; new secret");
        detail.ShouldNotContain("scope:");
    }

    private async Task<bool> AllowedAsync(string origin) =>
        (await at.Server.PostFormAsync("/token", [], request => request.Headers.TryAddWithoutValidation("Origin", origin))).Response.Headers.Contains("Access-Control-Allow-Origin");
}
