using System.Net;

namespace ProofKey.Client.Tests;

/// <summary>What the browser shows after the exchange.</summary>
public sealed class CallbackPageTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_page_says_who_signed_in_to_what()
    {
        await using var server = await ScriptedServer.StartAsync();

        var page = await PageAsync(server);

        page.Html.ShouldContain($"You are <b>Alice</b> at <b>{new Uri(server.Issuer.Value).Authority}</b>, in the program <b>cli</b>.");
        page.Headers["Cache-Control"].ShouldBe("no-store");
    }

    [Theory]
    [InlineData(200, "alice@example.com")]
    [InlineData(500, "alice")]
    public async Task A_name_that_the_ID_token_lacks_is_asked_for_and_done_without(int status, string shown)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilIdToken = claims => claims.Remove("name");
        if (status != 200) server.Instead["/userinfo"] = context => ScriptedServer.JsonAsync(context, status, "{}");

        (await PageAsync(server)).Html.ShouldContain($"You are <b>{shown}</b> at");
    }

    [Fact]
    public async Task The_page_says_why_it_failed_and_what_to_do()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilIdToken = claims => claims["aud"] = "another";

        var html = WebUtility.HtmlDecode((await PageAsync(server)).Html);

        html.ShouldContain("<h1>The sign-in did not work</h1>");
        html.ShouldContain("Expected an ID token that holds, but");
        html.ShouldContain("Do not go on: sign in again");
        html.ShouldContain("<b>id_token_audience</b>");
    }

    [Fact]
    public async Task What_the_server_refused_is_on_the_page_with_the_remedy()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.AuthorizeError = "invalid_scope";
        server.SpoilCallback = answer => answer.Add(new("error_description", "No such scope."));

        var html = (await PageAsync(server)).Html;

        html.ShouldContain("said <b>invalid_scope</b>: No such scope.");
        html.ShouldContain("Ask for scopes that this client may have.");
    }

    [Theory]
    [InlineData("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;")]
    [InlineData("\"'&", "&quot;&#39;&amp;")]
    [InlineData("a\u202eb\u0000c", "a?b?c")]
    [Assertion("CL-17")]
    public async Task A_name_is_text_and_nothing_else(string name, string shown)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilIdToken = claims => claims["name"] = name;

        (await PageAsync(server)).Html.ShouldContain($"You are <b>{shown}</b> at");
    }

    [Fact]
    [Assertion("CL-17")]
    public async Task What_a_hostile_server_says_is_text_and_nothing_else()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.AuthorizeError = "<img src=x>";
        server.SpoilCallback = answer => answer.Add(new("error_description", "<script>alert(1)</script>" + new string('x', 20_000)));

        var html = (await PageAsync(server)).Html;

        html.ShouldNotContain("<script");
        html.ShouldNotContain("<img");
        html.Length.ShouldBeLessThan(10_000);
    }

    [Fact]
    [Assertion("CL-13")]
    public async Task A_server_that_echoes_the_code_gets_it_on_no_page()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Instead["/token"] = async context =>
        {
            var form = await context.Request.ReadFormAsync();
            await ScriptedServer.JsonAsync(context, 400, $$"""{"error":"invalid_grant","error_description":"{{form["code"]}} {{form["code_verifier"]}}"}""");
        };

        var html = (await PageAsync(server)).Html;

        html.ShouldContain("said <b>invalid_grant</b>: [redacted] [redacted]");
        foreach (var secret in server.Secrets) html.ShouldNotContain(secret);
    }

    private static async Task<ShownPage> PageAsync(ScriptedServer server)
    {
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));
        await using var pending = await client.BeginAsync(Cancel);
        await pending.OpenBrowserAsync(Cancel);
        await pending.EndAsync(Cancel);
        return await browser.Page;
    }
}
