using System.Text.Json.Nodes;

namespace ProofKey.Client.Tests;

/// <summary>Where a person ends the server's own session in a browser, as a sign-out says it.</summary>
public sealed class EndSessionTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("", "?client_id=cli")]
    [InlineData("?", "?client_id=cli")]
    [InlineData("?p=b2c_1_sign_in&x=a%2Bb", "?p=b2c_1_sign_in&x=a%2Bb&client_id=cli")]
    [Assertion("LO-14")]
    [Rfc("OpenID Connect RP-Initiated Logout", "2")]
    public async Task The_address_is_the_endpoint_with_its_own_query_and_the_client_and_no_token(string query, string asked)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilMetadata = metadata => metadata["end_session_endpoint"] = server.At("/logout").AbsoluteUri + query;
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;

        var result = await session.SignOutAsync(Cancel);

        result.ShouldBe(new SignOutResult(true, null, new Uri(server.At("/logout").AbsoluteUri + asked)));
        server.Count("/logout").ShouldBe(0, "nothing opens it by itself");
    }

    [Fact]
    [Assertion("LO-14")]
    public async Task A_client_id_cannot_add_a_parameter()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilMetadata = metadata => metadata["end_session_endpoint"] = server.At("/logout").AbsoluteUri;
        await using var client = new PublicClient(server.Options() with { ClientId = "a&state=b#c" });

        (await client.SignOut.EndSessionUriAsync(Cancel))!.Query.ShouldBe("?client_id=a%26state%3Db%23c");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("\"\"")]
    [InlineData("\"http://elsewhere.example/logout\"")]
    [InlineData("\"file:///etc/passwd\"")]
    [InlineData("\"javascript:alert(1)\"")]
    [InlineData("\"https://user@login.example.com/logout\"")]
    [InlineData("\"https://login.example.com/logout#top\"")]
    [InlineData("\"/logout\"")]
    [InlineData("\"https://login.example.com/logout?id_token_hint=x\"")]
    [InlineData("\"https://login.example.com/logout?client_id=cli\"")]
    [InlineData("\"https://login.example.com/logout?x=%00\"")]
    [InlineData("7")]
    [InlineData("[\"https://login.example.com/logout\"]")]
    [Assertion("LO-14")]
    public async Task One_that_is_absent_or_bad_is_no_address_and_stops_neither_sign_in_nor_renewal_nor_revocation(string? json)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilMetadata = metadata =>
        {
            if (json is not null) metadata["end_session_endpoint"] = JsonNode.Parse(json);
        };
        await using var client = await SignedInAsync(server);
        server.Time.Shift = TimeSpan.FromHours(2);
        var session = (await client.FindSessionAsync(Cancel))!;

        await session.GetAccessTokenAsync(cancel: Cancel);
        var result = await session.SignOutAsync(Cancel);

        result.ShouldBe(new SignOutResult(true, null, null));
        server.TokenRequests.Count.ShouldBe(2);
    }

    [Theory]
    [InlineData(503)]
    [InlineData(null)]
    [Assertion("LO-14")]
    public async Task The_address_is_there_too_where_the_tokens_were_not_revoked(int? status)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilMetadata = metadata =>
        {
            metadata["end_session_endpoint"] = server.At("/logout").AbsoluteUri;
            if (status is null) metadata.Remove("revocation_endpoint");
        };
        await using var client = await SignedInAsync(server);
        if (status is { } answer) server.Instead["/revoke"] = context => ScriptedServer.JsonAsync(context, answer, "{}");

        var result = await (await client.FindSessionAsync(Cancel))!.SignOutAsync(Cancel);

        result.Revoked.ShouldBeFalse();
        result.EndSessionUri.ShouldBe(new Uri(server.At("/logout").AbsoluteUri + "?client_id=cli"));
    }

    [Fact]
    public async Task A_server_that_is_away_has_no_address()
    {
        var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        server.SpoilMetadata = metadata => metadata["end_session_endpoint"] = server.At("/logout").AbsoluteUri;
        await (await SignedInAsync(server, folder.Store)).DisposeAsync();
        await server.DisposeAsync();
        await using var later = new PublicClient(server.Options() with { Store = folder.Store });

        var result = await (await later.FindSessionAsync(Cancel))!.SignOutAsync(Cancel);

        result.Revoked.ShouldBeFalse();
        result.EndSessionUri.ShouldBeNull();
    }

    private static async Task<PublicClient> SignedInAsync(ScriptedServer server, TokenStore? store = null)
    {
        using var browser = new TestBrowser();
        var client = new PublicClient(server.Options(browser) with { Store = store ?? TokenStore.InMemory });
        await client.GetSessionAsync(Cancel);
        await browser.Page;
        return client;
    }
}
