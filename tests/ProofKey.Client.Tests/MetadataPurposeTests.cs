using System.Text.Json;
using System.Text.Json.Nodes;

namespace ProofKey.Client.Tests;

/// <summary>Metadata are held to what they are needed for: what a sign-in is refused for ends no session.</summary>
public sealed class MetadataPurposeTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, Action<JsonObject>> Worse => new()
    {
        { "pkce_not_advertised", metadata => metadata.Remove("code_challenge_methods_supported") },
        { "pkce_without_s256", metadata => metadata["code_challenge_methods_supported"] = new JsonArray("plain") },
        { "response_mode", metadata => metadata["response_modes_supported"] = new JsonArray("query") },
        { "dpop_not_advertised", metadata => metadata.Remove("dpop_signing_alg_values_supported") },
        { "endpoint_missing", metadata => metadata.Remove("authorization_endpoint") },
        { "endpoint_address", metadata => metadata["authorization_endpoint"] = "http://elsewhere.example/" },
        { "endpoint_address", metadata => metadata["device_authorization_endpoint"] = "ftp://elsewhere.example/" },
        { "endpoint_missing", metadata => metadata["require_pushed_authorization_requests"] = true },
        { "malformed_metadata", metadata => metadata["device_authorization_endpoint"] = 7 },
        { "malformed_metadata", metadata => metadata["response_modes_supported"] = "query" },
        { "malformed_metadata", metadata => (metadata["response_modes_supported"], metadata["authorization_endpoint"]) = (new JsonArray(7), new JsonObject()) },
        { "malformed_metadata", metadata => metadata["code_challenge_methods_supported"] = new JsonObject { ["a.b"] = "S256" } },
    };

    [Theory]
    [MemberData(nameof(Worse))]
    public async Task A_session_goes_on_where_a_sign_in_would_not_be_begun_any_more(string code, Action<JsonObject> spoil)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Binds = true;
        await using var client = await SignedInAsync(server);
        server.Time.Shift = TimeSpan.FromHours(2);
        server.SpoilMetadata = spoil;

        var session = (await client.FindSessionAsync(Cancel))!;
        await session.GetAccessTokenAsync(cancel: Cancel);
        (await session.GetUserInfoAsync(Cancel)).GetProperty("sub").GetString().ShouldBe("alice");
        (await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel))).Code.ShouldBe(code);
        (await session.SignOutAsync(Cancel)).Revoked.ShouldBeTrue();

        server.TokenRequests.Count.ShouldBe(2);
        server.Revocations.Count.ShouldBe(2, "the refresh token, then the access token that has not ended");
    }

    [Theory]
    [InlineData("issuer", "https://evil.example", "metadata_issuer")]
    [InlineData("token_endpoint", "http://elsewhere.example/", "endpoint_address")]
    [InlineData("jwks_uri", null, "endpoint_missing")]
    [InlineData("jwks_uri", 7, "malformed_metadata")]
    [InlineData("token_endpoint", true, "malformed_metadata")]
    [Assertion("MD-11")]
    [Assertion("CL-06")]
    public async Task What_a_renewal_needs_is_checked_for_it_too(string name, object? value, string code)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Binds = true;
        await using var client = await SignedInAsync(server);
        server.Time.Shift = TimeSpan.FromHours(2);
        server.SpoilMetadata = metadata => metadata[name] = JsonSerializer.SerializeToNode(value);

        var session = (await client.FindSessionAsync(Cancel))!;

        (await Should.ThrowAsync<ProtocolViolationException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Code.ShouldBe(code);
        server.TokenRequests.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("userinfo_endpoint", "7", "malformed_metadata")]
    [InlineData("userinfo_endpoint", "\"http://elsewhere.example/\"", "endpoint_address")]
    [InlineData("revocation_endpoint", "[]", "malformed_metadata")]
    [InlineData("revocation_endpoint", "\"ftp://elsewhere.example/\"", "endpoint_address")]
    [Assertion("MD-12")]
    public async Task What_is_wrong_with_an_endpoint_concerns_who_goes_there_and_a_sign_in(string name, string json, string code)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Binds = true;
        await using var client = await SignedInAsync(server);
        server.Time.Shift = TimeSpan.FromHours(2);
        server.SpoilMetadata = metadata => metadata[name] = JsonNode.Parse(json);
        var session = (await client.FindSessionAsync(Cancel))!;

        await session.GetAccessTokenAsync(cancel: Cancel);

        var begun = await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel));
        begun.Code.ShouldBe(code);
        begun.Expected.ShouldContain(name);
        if (name == "userinfo_endpoint") (await Should.ThrowAsync<ProtocolViolationException>(() => session.GetUserInfoAsync(Cancel))).Code.ShouldBe(code);
        else (await session.GetUserInfoAsync(Cancel)).GetProperty("sub").GetString().ShouldBe("alice");
        (await session.SignOutAsync(Cancel)).Revoked.ShouldBe(name != "revocation_endpoint");
        (await client.FindSessionAsync(Cancel)).ShouldBeNull();
    }

    [Fact]
    public async Task A_member_of_a_wrong_type_that_was_mended_is_seen_at_the_next_use()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Binds = true;
        await using var client = await SignedInAsync(server);
        server.Time.Shift = TimeSpan.FromHours(2);
        server.SpoilMetadata = metadata => metadata["userinfo_endpoint"] = 7;
        var session = (await client.FindSessionAsync(Cancel))!;
        await Should.ThrowAsync<ProtocolViolationException>(() => session.GetUserInfoAsync(Cancel));

        server.SpoilMetadata = null;

        (await session.GetUserInfoAsync(Cancel)).GetProperty("sub").GetString().ShouldBe("alice");
    }

    [Theory]
    [InlineData("request_parameter_supported", "\"false\"")]
    [InlineData("scopes_supported", "7")]
    [InlineData("introspection_endpoint", "[]")]
    [InlineData("claims_supported", "null")]
    public async Task A_member_that_nobody_here_reads_may_be_anything(string name, string json)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilMetadata = metadata => metadata[name] = JsonNode.Parse(json);
        await using var client = new PublicClient(server.Options());

        await (await client.BeginAsync(Cancel)).DisposeAsync();
    }

    [Fact]
    public async Task Metadata_that_were_mended_are_seen_at_the_next_try()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilMetadata = metadata => metadata.Remove("code_challenge_methods_supported");
        await using var client = new PublicClient(server.Options());
        await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel));

        server.SpoilMetadata = null;

        await (await client.BeginAsync(Cancel)).DisposeAsync();
    }

    private static async Task<PublicClient> SignedInAsync(ScriptedServer server)
    {
        using var browser = new TestBrowser();
        var client = new PublicClient(server.Options(browser) with { ResponseMode = ResponseMode.FormPost, Dpop = DpopUse.Always });
        await client.GetSessionAsync(Cancel);
        await browser.Page;
        return client;
    }
}
