using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;

namespace ProofKey.Client.Extensions.Tests;

/// <summary>What is logged, counted and traced; that none of it holds a secret is asserted at the end of each of these apps.</summary>
public sealed class TelemetryTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Assertion("CL-13")]
    public async Task A_sign_in_is_logged_counted_and_traced()
    {
        await using var app = await SignedInApp.StartAsync();
        app.Browser.Strays = Strays.Favicon;
        await app.Client.GetSessionAsync(Cancel);
        await app.Browser.Page;

        app.Lines.ShouldContain(line => line.StartsWith("Information ProofKey.Client: contoso: a sign-in began; its answer comes in at http://127.0.0.1:"));
        app.Lines.ShouldContain(line => line.StartsWith("Debug ProofKey.Client: contoso: a request at the loopback address changed nothing (Path)."));
        app.Lines.ShouldContain(line => line.StartsWith("Information ProofKey.Client: contoso: signed in."));
        app.Lines.ShouldContain(line => line.Contains("BrowserLaunched", StringComparison.Ordinal), "an event without a line of its own is logged as it prints");
        app.Counts.ShouldContain("proofkey.client.sign_ins 1 client=contoso outcome=signed_in");
        app.Counts.ShouldContain("proofkey.client.ignored_requests 1 client=contoso reason=Path");
        app.Spans.ShouldContain(span => span.DisplayName == "sign-in" && span.Status == ActivityStatusCode.Unset && (string)span.GetTagItem("proofkey.outcome")! == "signed_in");
    }

    [Theory]
    [InlineData(PersonDoes.Denies, "user_denied")]
    [InlineData(PersonDoes.HasNoBrowser, "no_browser")]
    public async Task A_sign_in_that_comes_to_nothing_is_a_warning(PersonDoes person, string code)
    {
        await using var app = await SignedInApp.StartAsync();
        app.Browser.Person = person;

        (await Should.ThrowAsync<SignInRequiredException>(() => app.Client.GetSessionAsync(Cancel))).Code.ShouldBe(code);

        app.Lines.ShouldContain(line => line.StartsWith(person == PersonDoes.Denies ? "Warning ProofKey.Client: contoso: nobody signed in (user_denied)." : "Warning ProofKey.Client: contoso: no browser could be opened."));
        if (person == PersonDoes.Denies) app.Counts.ShouldContain("proofkey.client.sign_ins 1 client=contoso outcome=user_denied");
    }

    [Fact]
    public async Task A_session_that_another_client_had_in_the_same_profile_is_not_replaced_in_silence()
    {
        await using var app = await SignedInApp.StartAsync();
        using var browser = new TestBrowser();
        await using (var before = new PublicClient(app.Server.Options(browser) with { Store = app.Vault.Store, Profile = "contoso", Scope = Scope.Parse("openid") })) await before.GetSessionAsync(Cancel);
        await browser.Page;

        await app.Client.GetSessionAsync(Cancel);

        app.Lines.ShouldContain(line => line.StartsWith($"Warning ProofKey.Client: contoso: took the place of a session of {ScriptedServer.ClientId} at {app.Server.Issuer} that was for something else;"));
    }

    [Fact]
    public async Task Renewals_are_told_apart_from_those_that_failed_and_those_that_ended_the_session()
    {
        await using var app = await SignedInApp.StartAsync();
        await app.Client.GetSessionAsync(Cancel);
        app.Server.Time.Shift += TimeSpan.FromHours(1);
        await app.Http().GetStringAsync("me", Cancel);
        app.Server.Break(Fault.Unavailable);
        app.Server.Time.Shift += TimeSpan.FromHours(1);
        (await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => app.Http().GetAsync("me", Cancel))).Code.ShouldBe("server_status");
        app.Server.Mend();
        app.Server.Instead["/token"] = context => ScriptedServer.ErrorAsync(context, "invalid_grant");
        await Should.ThrowAsync<SignInRequiredException>(() => app.Http().GetAsync("me", Cancel));

        app.Lines.ShouldContain(line => line.StartsWith("Debug ProofKey.Client: contoso: the session was renewed; its access token ends at "));
        app.Lines.ShouldContain(line => line.StartsWith("Warning ProofKey.Client: contoso: the session could not be renewed (server_status); it goes on."));
        app.Lines.ShouldContain(line => line.StartsWith("Warning ProofKey.Client: contoso: the session has ended (") && line.Contains("a person must sign in.", StringComparison.Ordinal));
        app.Counts.Where(count => count.StartsWith("proofkey.client.refreshes")).Select(count => count.Split("outcome=")[1]).ShouldBe(["ok", "server_status", "renewal_interrupted"]);
        app.Spans.Count(span => span is { DisplayName: "refresh", Status: ActivityStatusCode.Error }).ShouldBe(2);
    }

    [Fact]
    public async Task A_sign_out_says_whether_the_server_took_part()
    {
        await using var app = await SignedInApp.StartAsync();
        await (await app.Client.GetSessionAsync(Cancel)).SignOutAsync(Cancel);

        app.Lines.ShouldContain(line => line.StartsWith("Information ProofKey.Client: contoso: signed out; the server took its tokens back: True."));
        app.Counts.ShouldContain("proofkey.client.sign_outs 1 client=contoso revoked=true");
    }

    [Fact]
    [Assertion("CL-13")]
    public async Task The_factorys_own_log_of_headers_does_not_hold_the_token()
    {
        // The app wants to see headers, all but one.
        await using var app = await SignedInApp.StartAsync((services, server) =>
            services.AddHttpClient("api", http => http.BaseAddress = server.At("/api/")).AddProofKeyToken("contoso").RedactLoggedHeaders(["Cookie"]));
        await app.Client.GetSessionAsync(Cancel);
        await app.Http().GetStringAsync("me", Cancel);

        app.Lines.ShouldContain(line => line.StartsWith("Trace System.Net.Http.HttpClient.api.ClientHandler") && line.Contains("Authorization: *", StringComparison.Ordinal));
    }
}
