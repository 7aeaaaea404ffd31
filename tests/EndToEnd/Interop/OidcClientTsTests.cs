using System.Text.Json;
using Microsoft.Playwright;

namespace EndToEnd.Interop;

/// <summary>npm's oidc-client-ts in Chromium: everything but the way through the pages goes over CORS.</summary>
public sealed class OidcClientTsTests(RunningServer server, Chromium chromium)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    [Assertion("TK-17")]
    [Assertion("MD-10")]
    public async Task It_signs_in_reads_userinfo_refreshes_and_revokes()
    {
        await using var site = await OidcClientTsSite.StartAsync();
        await ConfigureAsync(site);
        await using var observed = await chromium.NewPageAsync();
        var user = await SignInAsync(observed, site);

        user.GetProperty("token_type").GetString().ShouldBe("Bearer");
        user.GetProperty("profile").GetProperty("email").GetString().ShouldBe("alice@example.com");
        var refreshed = await ObjectAsync(observed, "client.signinSilent()");
        refreshed.GetProperty("access_token").GetString().ShouldNotBe(user.GetProperty("access_token").GetString());
        refreshed.GetProperty("refresh_token").GetString().ShouldNotBe(user.GetProperty("refresh_token").GetString());

        (await EvaluateAsync(observed, "client.revokeTokens(['refresh_token'])")).GetString().ShouldBe("done");
        observed.Complaints.ShouldBeEmpty();
        (await observed.Page.EvaluateAsync<int>($$"""fetch("{{server.Issuer}}/userinfo", { headers: { authorization: "Bearer {{refreshed.GetProperty("access_token").GetString()}}" } }).then((answer) => answer.status)"""))
            .ShouldBe(401);
    }

    [Fact]
    [Assertion("DP-04")]
    [Assertion("DP-06")]
    public async Task It_binds_its_tokens_to_a_key_that_the_browser_keeps()
    {
        await using var site = await OidcClientTsSite.StartAsync();
        await ConfigureAsync(site, dpop: true, "--dpop");
        await using var observed = await chromium.NewPageAsync();
        var user = await SignInAsync(observed, site);

        user.GetProperty("token_type").GetString().ShouldBe("DPoP");
        var claims = await ObjectAsync(observed,
            $$"""
            (async () => {
              const address = "{{server.Issuer}}/userinfo";
              const user = await client.getUser();
              const ask = async (nonce) => fetch(address, { headers: { authorization: `DPoP ${user.access_token}`, dpop: await client.dpopProof(address, user, "GET", nonce) } });
              const first = await ask();
              return (first.status === 401 ? await ask(first.headers.get("DPoP-Nonce")) : first).json();
            })()
            """);
        claims.GetProperty("email").GetString().ShouldBe("alice@example.com");
        var refreshed = await ObjectAsync(observed, "client.signinSilent()");
        refreshed.GetProperty("token_type").GetString().ShouldBe("DPoP");
        refreshed.GetProperty("access_token").GetString().ShouldNotBe(user.GetProperty("access_token").GetString());
    }

    [Fact]
    [Assertion("LO-01")]
    [Assertion("LO-04")]
    public async Task It_ends_the_session_and_comes_back()
    {
        await using var site = await OidcClientTsSite.StartAsync();
        await ConfigureAsync(site, false, "--post-logout-redirect-uri", site.Address);
        await using var observed = await chromium.NewPageAsync();
        await SignInAsync(observed, site);

        // Waited for from before it begins: the site takes the answer out of its address.
        var back = observed.Page.WaitForURLAsync(address => address.StartsWith(site.Address, StringComparison.Ordinal) && address.Contains("state=", StringComparison.Ordinal), new() { WaitUntil = WaitUntilState.Commit, Timeout = 60_000 });
        await observed.Page.EvaluateAsync("() => { client.signoutRedirect({ state: 'after' }); }");
        await back;
        await observed.Page.EvaluateAsync("() => { ready.then(() => client.signinRedirect()); }");

        await observed.Page.Locator("[name=password]").WaitForAsync();
    }

    private async Task ConfigureAsync(OidcClientTsSite site, bool dpop = false, params string[] options)
    {
        var client = await server.AddClientAsync("oidc-client-ts", Cancellation, ["--redirect-uri", site.Address, "--origin", site.Origin, .. options]);
        site.Configure(server.Issuer, client, dpop);
    }

    private static async Task<JsonElement> SignInAsync(ObservedPage observed, OidcClientTsSite site)
    {
        await observed.Page.GotoAsync(site.Address);
        await observed.Page.EvaluateAsync("() => { ready.then(() => client.signinRedirect()); }");
        await observed.SignInAsync();
        await observed.DecideAsync("allow");
        return await ObjectAsync(observed, "ready");
    }

    private static async Task<JsonElement> ObjectAsync(ObservedPage observed, string call)
    {
        var result = await EvaluateAsync(observed, call);
        result.ValueKind.ShouldBe(JsonValueKind.Object, result.ToString());
        return result;
    }

    private static async Task<JsonElement> EvaluateAsync(ObservedPage observed, string call) => (await observed.Page.EvaluateAsync($"outcome({call})"))!.Value;
}
