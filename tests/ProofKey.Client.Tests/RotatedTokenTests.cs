using System.Text.Json.Nodes;

namespace ProofKey.Client.Tests;

/// <summary>Whatever becomes of the check of an answer, the refresh token in it is kept: its predecessor is spent.</summary>
public sealed class RotatedTokenTests
{
    private static readonly TimeSpan AfterTheEnd = TimeSpan.FromMinutes(11);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("null")]
    [InlineData("\"then\"")]
    [Assertion("CL-04")]
    public async Task A_first_ID_token_with_a_time_that_is_none_does_not_stop_a_refresh(string authTime)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilIdToken = claims => claims["auth_time"] = JsonNode.Parse(authTime);
        await using var client = await SignedInAsync(server);
        var session = (await client.FindSessionAsync(Cancel))!;
        server.Time.Shift = AfterTheEnd;
        server.SpoilIdToken = claims => claims["auth_time"] = 1_700_000_000;

        await session.GetAccessTokenAsync(cancel: Cancel);

        server.Reuses.ShouldBe(0);
    }

    [Fact]
    [Assertion("RT-15")]
    [Rfc("RFC 9700", "4.14.2")]
    public async Task A_fault_of_the_program_while_an_answer_is_checked_keeps_the_rotated_refresh_token()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var folder = new TemporaryFolder();
        using var browser = new TestBrowser();
        // The log must not throw, and one day it does.
        await using var client = new PublicClient(server.Options(browser) with
        {
            Store = folder.Store,
            OnEvent = happened => _ = happened is ClientEvent.OtherScopeGranted ? throw new InvalidOperationException("The log is full.") : 0,
        });
        var session = await client.GetSessionAsync(Cancel);
        await browser.Page;
        server.Time.Shift = AfterTheEnd;
        server.SpoilTokens = tokens => tokens["scope"] = "openid profile admin";

        await Should.ThrowAsync<InvalidOperationException>(() => session.GetAccessTokenAsync(cancel: Cancel));

        server.SpoilTokens = null;
        await session.GetAccessTokenAsync(cancel: Cancel);
        server.Reuses.ShouldBe(0);
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
