using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace ProofKey.Client.Extensions.Tests;

/// <summary>The HTTP clients of the factory, against a real server.</summary>
public sealed class TokenTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Assertion("CL-11")]
    public async Task A_typed_client_sends_the_token_to_its_base_address_and_nowhere_else()
    {
        await using var elsewhere = await ScriptedServer.StartAsync();
        await using var app = await SignedInApp.StartAsync((services, server) => services.AddHttpClient<Orders>(http => http.BaseAddress = server.At("/")).AddProofKeyToken("contoso"));
        var session = await app.Client.GetSessionAsync(Cancel);
        var orders = app.Get<Orders>();

        (await orders.ReadAsync("api/me")).ShouldBe($"Bearer {(await session.GetAccessTokenAsync(cancel: Cancel)).Reveal()}");
        (await orders.ReadAsync(elsewhere.At("/api/me").AbsoluteUri)).ShouldBeEmpty();
        app.Server.Instead["/api/away"] = context =>
        {
            context.Response.Redirect(elsewhere.At("/api/me").AbsoluteUri);
            return Task.CompletedTask;
        };
        (await orders.ReadAsync("api/away")).ShouldBeEmpty("the token stays behind when a redirect leads elsewhere");
    }

    [Fact]
    public async Task A_synchronous_request_is_refused_instead_of_being_sent_without_the_token()
    {
        await using var app = await SignedInApp.StartAsync();
        await app.Client.GetSessionAsync(Cancel);
        using var request = new HttpRequestMessage(HttpMethod.Get, "me");

        Should.Throw<NotSupportedException>(() => app.Http().Send(request, Cancel));

        app.Server.Count("/api/me").ShouldBe(0);
    }

    [Fact]
    [Rfc("RFC 8707", "2")]
    public async Task An_API_of_several_gets_its_own_token_and_one_that_is_none_of_them_stops_the_start()
    {
        await using var app = await SignedInApp.StartAsync((services, server) =>
        {
            services.PostConfigure<ProofKeyClientOptions>("contoso", options =>
            {
                options.Resource = "https://orders.example/";
                options.FurtherResources.Add("https://bills.example/");
            });
            services.AddHttpClient("orders", http => http.BaseAddress = server.At("/api/")).AddProofKeyToken("contoso");
            services.AddHttpClient("bills", http => http.BaseAddress = server.At("/api/")).AddProofKeyToken("contoso", resource: "https://bills.example/");
        });
        var session = await app.Client.GetSessionAsync(Cancel);

        (await app.Http("orders").GetStringAsync("me", Cancel)).ShouldBe($"Bearer {(await session.GetAccessTokenAsync(cancel: Cancel)).Reveal()}");
        (await app.Http("bills").GetStringAsync("me", Cancel)).ShouldBe($"Bearer {(await session.GetAccessTokenAsync("https://bills.example/", cancel: Cancel)).Reveal()}");
        app.Server.TokenRequests.Last()["resource"].ShouldBe("https://bills.example/");

        var refused = await Should.ThrowAsync<Microsoft.Extensions.Options.OptionsValidationException>(() => SignedInApp.StartAsync((services, server) =>
            services.AddHttpClient("other", http => http.BaseAddress = server.At("/api/")).AddProofKeyToken("contoso", resource: "https://other.example/")));
        refused.Message.ShouldContain("asks for tokens for https://other.example/, which contoso does not sign in for");
    }

    [Fact]
    public async Task A_request_without_a_session_says_so_and_opens_no_browser()
    {
        await using var app = await SignedInApp.StartAsync();

        (await Should.ThrowAsync<SignInRequiredException>(() => app.Http().GetAsync("me", Cancel))).Code.ShouldBe("no_session");

        app.Browser.Opened.ShouldBeNull();
        app.Server.Count("/api/me").ShouldBe(0);
    }

    [Fact]
    public async Task A_request_that_gets_no_token_needs_no_session()
    {
        await using var elsewhere = await ScriptedServer.StartAsync();
        await using var app = await SignedInApp.StartAsync();
        elsewhere.Instead["/moved"] = context =>
        {
            context.Response.Redirect(elsewhere.At("/api/me").AbsoluteUri);
            return Task.CompletedTask;
        };
        app.Vault.Problem = TokenStoreState.Locked;

        (await app.Http().GetStringAsync(elsewhere.At("/moved"), Cancel)).ShouldBeEmpty();
        using var byHand = new HttpRequestMessage(HttpMethod.Get, "me") { Headers = { Authorization = new("Basic", "abc") } };
        using var answer = await app.Http().SendAsync(byHand, Cancel);
        (await answer.Content.ReadAsStringAsync(Cancel)).ShouldBe("Basic abc");
    }

    [Fact]
    public async Task A_client_that_is_not_registered_is_named_when_the_app_starts_also_where_an_API_is_named()
    {
        var refused = await Should.ThrowAsync<Microsoft.Extensions.Options.OptionsValidationException>(() => SignedInApp.StartAsync((services, server) =>
            services.AddHttpClient("api", http => http.BaseAddress = server.At("/api/")).AddProofKeyToken("fabrikam", resource: "https://orders.example/")));

        refused.Message.ShouldContain("asks for tokens of fabrikam, which is not registered");
    }

    [Fact]
    public async Task A_sign_in_and_a_sign_out_count_from_the_next_request_on()
    {
        await using var app = await SignedInApp.StartAsync();
        var http = app.Http();
        await Should.ThrowAsync<SignInRequiredException>(() => http.GetAsync("me", Cancel));

        var first = await app.Client.GetSessionAsync(Cancel);
        (await http.GetStringAsync("me", Cancel)).ShouldBe($"Bearer {(await first.GetAccessTokenAsync(cancel: Cancel)).Reveal()}");
        await first.SignOutAsync(Cancel);
        (await Should.ThrowAsync<SignInRequiredException>(() => http.GetAsync("me", Cancel))).Code.ShouldBe("no_session");

        app.Server.Subject = "bob";
        var second = await app.Client.GetSessionAsync(Cancel);
        (await http.GetStringAsync("me", Cancel)).ShouldBe($"Bearer {(await second.GetAccessTokenAsync(cancel: Cancel)).Reveal()}");
    }

    [Fact]
    public async Task A_session_of_before_the_restart_is_used_and_renewed_once_for_all_requests()
    {
        await using var app = await SignedInApp.StartAsync();
        await using (var before = new PublicClient(app.Client.Options)) await before.GetSessionAsync(Cancel);
        app.Server.Time.Shift += TimeSpan.FromHours(1);

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => app.Http().GetStringAsync("me", Cancel)));

        answers.Distinct().ShouldHaveSingleItem().ShouldStartWith("Bearer ");
        app.Server.TokenRequests.Count(request => request["grant_type"] == "refresh_token").ShouldBe(1);
        app.Server.Reuses.ShouldBe(0);
    }

    [Fact]
    [Rfc("RFC 6750", "3.1")]
    public async Task A_token_that_the_API_does_not_take_is_replaced_once()
    {
        await using var app = await SignedInApp.StartAsync();
        await app.Client.GetSessionAsync(Cancel);
        // One that has just come is not replaced: a new one would not be better.
        app.Server.Time.Shift += TimeSpan.FromMinutes(2);
        var asked = 0;
        app.Server.Instead["/api/orders"] = context =>
        {
            if (Interlocked.Increment(ref asked) > 1) return context.Response.WriteAsync("three");
            context.Response.StatusCode = 401;
            context.Response.Headers.WWWAuthenticate = "Bearer error=\"invalid_token\"";
            return Task.CompletedTask;
        };

        (await app.Http().GetStringAsync("orders", Cancel)).ShouldBe("three");
        app.Server.TokenRequests.Count(request => request["grant_type"] == "refresh_token").ShouldBe(1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Assertion("CL-11")]
    public async Task A_primary_handler_that_follows_redirects_is_kept_from_it_whenever_it_was_set(bool before)
    {
        await using var elsewhere = await ScriptedServer.StartAsync();
        await using var app = await SignedInApp.StartAsync((services, server) =>
        {
            var http = services.AddHttpClient("api", http => http.BaseAddress = server.At("/api/"));
            if (before) http.ConfigurePrimaryHttpMessageHandler(() => new HttpClientHandler());
            http.AddProofKeyToken("contoso");
            if (!before) http.ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler());
        });
        await app.Client.GetSessionAsync(Cancel);
        app.Server.Instead["/api/away"] = context =>
        {
            context.Response.Redirect(elsewhere.At("/api/me").AbsoluteUri);
            return Task.CompletedTask;
        };

        using var post = await app.Http().PostAsync("away", new StringContent("x"), Cancel);

        post.StatusCode.ShouldBe(HttpStatusCode.Found, "a POST is not sent again by itself");
        elsewhere.Count("/api/me").ShouldBe(0);
    }

    [Fact]
    public async Task Every_try_of_a_handler_that_retries_has_a_token_of_its_own()
    {
        await using var app = await SignedInApp.StartAsync((services, server) => services.AddHttpClient("api", http => http.BaseAddress = server.At("/api/"))
            .AddProofKeyToken("contoso").AddHttpMessageHandler(() => new Twice(() => server.Time.Shift += TimeSpan.FromHours(1))));
        await app.Client.GetSessionAsync(Cancel);

        (await app.Http().GetStringAsync("me", Cancel)).ShouldBe($"Bearer {(await (await app.Client.GetSessionAsync(Cancel)).GetAccessTokenAsync(cancel: Cancel)).Reveal()}");
        app.Server.Count("/api/me").ShouldBe(2);
        app.Server.TokenRequests.Count(request => request["grant_type"] == "refresh_token").ShouldBe(1);
    }

    [Fact]
    public async Task A_locked_vault_is_said_and_opens_no_browser()
    {
        await using var app = await SignedInApp.StartAsync();
        await app.Client.GetSessionAsync(Cancel);
        var opened = app.Browser.Opened;
        app.Vault.Problem = TokenStoreState.Locked;

        (await Should.ThrowAsync<TokenStoreException>(() => app.Http().GetAsync("me", Cancel))).State.ShouldBe(TokenStoreState.Locked);
        (await Should.ThrowAsync<TokenStoreException>(() => app.Client.GetSessionAsync(Cancel))).State.ShouldBe(TokenStoreState.Locked);
        app.Browser.Opened.ShouldBeSameAs(opened);

        app.Vault.Problem = null;
        (await app.Http().GetStringAsync("me", Cancel)).ShouldStartWith("Bearer ");
    }

    private sealed class Orders(HttpClient http)
    {
        public Task<string> ReadAsync(string address) => http.GetStringAsync(address, Cancel);
    }

    private sealed class Twice(Action between) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            (await base.SendAsync(request, cancellationToken)).Dispose();
            between();
            using var again = new HttpRequestMessage(request.Method, request.RequestUri);
            return await base.SendAsync(again, cancellationToken);
        }
    }
}
