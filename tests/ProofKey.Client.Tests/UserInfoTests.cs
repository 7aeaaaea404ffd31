using System.Text.Json.Nodes;

namespace ProofKey.Client.Tests;

public sealed class UserInfoTests
{
    [Fact]
    public async Task A_name_for_the_page_is_not_worth_a_renewal_where_the_token_is_for_another_API()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilIdToken = claims => claims.Remove("name");
        server.Instead["/userinfo"] = context => ScriptedServer.JsonAsync(context, 401, "{}");
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { Resource = "https://orders.example/" });

        (await client.GetSessionAsync(Cancel)).Subject.ShouldBe("alice");

        server.Count("/userinfo").ShouldBe(1);
        server.TokenRequests.Count.ShouldBe(1);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Rfc("OpenID Connect Core", "5.3")]
    public async Task Claims_about_the_person_come_back()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);

        var claims = await (await client.FindSessionAsync(Cancel))!.GetUserInfoAsync(Cancel);

        claims.GetProperty("email").GetString().ShouldBe("alice@example.com");
    }

    [Theory]
    [InlineData("\"mallory\"")]
    [InlineData("\"Alice\"")]
    [InlineData("[\"alice\"]")]
    [InlineData("")]
    [Assertion("CL-05")]
    [Rfc("OpenID Connect Core", "5.3.2")]
    public async Task Claims_about_somebody_else_are_thrown_away(string subject)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        server.SpoilUserInfo = claims =>
        {
            claims.Remove("sub");
            if (subject.Length > 0) claims["sub"] = JsonNode.Parse(subject);
        };
        var session = (await client.FindSessionAsync(Cancel))!;

        (await Should.ThrowAsync<ProtocolViolationException>(() => session.GetUserInfoAsync(Cancel))).Code.ShouldBe("userinfo_subject");
    }

    [Fact]
    [Assertion("CL-11")]
    public async Task The_token_follows_no_redirect()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var thief = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        server.Instead["/userinfo"] = context => DiscoveryTests.Redirect(context, 307, thief.At("/userinfo"));
        var session = (await client.FindSessionAsync(Cancel))!;

        (await Should.ThrowAsync<ProtocolViolationException>(() => session.GetUserInfoAsync(Cancel))).Code.ShouldBe("redirect");
        thief.Paths.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_token_that_was_revoked_is_replaced_once()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        var revoked = session.Stored.AccessToken;
        server.Instead["/userinfo"] = context => context.Request.Headers.Authorization == $"Bearer {revoked}"
            ? ScriptedServer.ErrorAsync(context, "invalid_token", 401)
            : ScriptedServer.JsonAsync(context, 200, """{"sub":"alice"}""");

        await session.GetUserInfoAsync(Cancel);

        server.TokenRequests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_place_that_takes_no_token_costs_no_renewal_for_each_call()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Instead["/userinfo"] = context => ScriptedServer.ErrorAsync(context, "invalid_token", 401);

        for (var call = 0; call < 4; call++) (await Should.ThrowAsync<ProtocolViolationException>(() => session.GetUserInfoAsync(Cancel))).Code.ShouldBe("userinfo");

        server.TokenRequests.Count.ShouldBe(2, "the sign-in, and one renewal");
    }

    [Fact]
    public async Task A_token_that_cannot_be_replaced_leaves_the_401_as_it_is()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.GivesRefreshTokens = false;
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Instead["/userinfo"] = context => ScriptedServer.ErrorAsync(context, "invalid_token", 401);

        var problem = await Should.ThrowAsync<ProtocolViolationException>(() => session.GetUserInfoAsync(Cancel));

        problem.Code.ShouldBe("userinfo");
        problem.Actual.ShouldContain("401");
        problem.Remedy.ShouldContain("sign in again");
        server.Count("/userinfo").ShouldBe(1);
    }

    [Fact]
    public async Task A_server_without_the_endpoint_is_said_to_have_none()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilMetadata = metadata => metadata.Remove("userinfo_endpoint");
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;

        (await Should.ThrowAsync<ProtocolViolationException>(() => session.GetUserInfoAsync(Cancel))).Code.ShouldBe("no_userinfo");
    }

    private static async Task<PublicClient> SignedInAsync(ScriptedServer server)
    {
        using var browser = new TestBrowser();
        var client = new PublicClient(server.Options(browser));
        await client.GetSessionAsync(Cancel);
        await browser.Page;
        return client;
    }
}
