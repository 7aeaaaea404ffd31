using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace ProofKey.Client.Tests;

/// <summary>Tokens that are bound to a key of the session, and the proofs that go with them (RFC 9449).</summary>
public sealed class ProofTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Rfc("RFC 9449", "5"), Rfc("RFC 9449", "5.1"), Rfc("RFC 9449", "10")]
    public async Task Where_the_metadata_say_so_the_tokens_are_bound_to_a_key_and_so_is_the_code()
    {
        await using var server = await StartAsync();
        await using var client = await SignedInAsync(server);
        var session = await FoundAsync(client);

        session.IsBound.ShouldBeTrue();
        (await session.GetAccessTokenAsync(cancel: Cancel)).Type.ShouldBe("DPoP");
        var proof = server.Proved.Single(request => request.Path == "/token").Checked.ShouldNotBeNull();
        server.AuthorizeRequests.Single()["dpop_jkt"].ShouldBe(proof.Thumbprint);
    }

    [Theory]
    [InlineData(DpopUse.Never, true)]
    [InlineData(DpopUse.WhenAdvertised, false)]
    [Rfc("RFC 9449", "5.1")]
    public async Task Elsewhere_and_where_nobody_wants_it_they_are_bearer_tokens_and_there_is_no_proof(DpopUse use, bool advertised)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Binds = advertised;
        await using var client = await SignedInAsync(server, options => options with { Dpop = use });
        var session = await FoundAsync(client);

        (await session.GetAccessTokenAsync(cancel: Cancel)).Type.ShouldBe("Bearer");
        server.Proved.ShouldAllBe(request => request.Proof == null);
        server.AuthorizeRequests.Single()["dpop_jkt"].ShouldBeNull();
    }

    [Theory]
    [InlineData("RS256")]
    [InlineData(null)]
    public async Task A_server_that_does_not_promise_to_bind_by_our_algorithm_is_refused_where_nothing_else_will_do(string? algorithm)
    {
        await using var server = await ScriptedServer.StartAsync();
        if (algorithm is not null) server.SpoilMetadata = metadata => metadata["dpop_signing_alg_values_supported"] = new System.Text.Json.Nodes.JsonArray(algorithm);
        await using var client = new PublicClient(server.Options() with { Dpop = DpopUse.Always });

        (await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel))).Code.ShouldBe("dpop_not_advertised");
    }

    [Fact]
    [Assertion("CL-16")]
    [Rfc("RFC 9449", "5")]
    public async Task A_bearer_token_in_answer_to_a_proof_is_refused()
    {
        await using var server = await StartAsync();
        server.SpoilTokens = tokens => tokens["token_type"] = "Bearer";
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));

        (await Should.ThrowAsync<ProtocolViolationException>(() => client.GetSessionAsync(Cancel))).Code.ShouldBe("token_not_bound");

        (await client.FindSessionAsync(Cancel)).ShouldBeNull();
    }

    [Fact]
    [Assertion("CL-16")]
    [Rfc("RFC 9449", "5")]
    public async Task A_bearer_token_in_answer_to_a_refresh_with_a_proof_is_refused_and_the_session_goes_on()
    {
        await using var server = await StartAsync();
        await using var client = await SignedInAsync(server);
        var session = await FoundAsync(client);
        server.Time.Shift = TimeSpan.FromMinutes(11);
        server.SpoilTokens = tokens => tokens["token_type"] = "Bearer";

        (await Should.ThrowAsync<ProtocolViolationException>(() => session.GetAccessTokenAsync(cancel: Cancel))).Code.ShouldBe("token_not_bound");
        server.SpoilTokens = null;

        (await session.GetAccessTokenAsync(cancel: Cancel)).Type.ShouldBe("DPoP");
        server.Reuses.ShouldBe(0);
    }

    [Fact]
    [Assertion("DP-11")]
    [Rfc("RFC 9449", "8")]
    public async Task A_nonce_is_asked_for_once_and_kept_for_what_follows()
    {
        await using var server = await StartAsync();
        server.Nonce = "first";
        server.TakesPushed = true;
        await using var client = await SignedInAsync(server);
        var session = await FoundAsync(client);

        server.Count("/par").ShouldBe(2);
        server.Count("/token").ShouldBe(1, "the nonce came with the pushed request");
        await session.GetUserInfoAsync(Cancel);
        server.Count("/userinfo").ShouldBe(1);
        server.Proved.Select(request => request.Checked?.Id).Where(id => id is not null).ShouldBeUnique();
    }

    [Fact]
    [Assertion("DP-11")]
    [Rfc("RFC 9449", "8.2")]
    public async Task The_newest_nonce_of_a_good_answer_is_the_next_one()
    {
        await using var server = await StartAsync();
        server.Nonce = "first";
        server.NextNonce = "second";
        await using var client = await SignedInAsync(server);
        var session = await FoundAsync(client);
        server.NextNonce = "third";
        server.Time.Shift = TimeSpan.FromMinutes(11);

        await session.GetAccessTokenAsync(cancel: Cancel);

        server.Count("/token").ShouldBe(3, "one try without a nonce, and none that was refused since");
        server.Proved.Where(request => request.Path == "/token").Select(request => request.Checked?.Nonce).ShouldBe([null, "first", "second"]);
    }

    [Theory]
    [InlineData("/token")]
    [InlineData("/par")]
    [Assertion("DP-11")]
    [Rfc("RFC 9449", "8")]
    public async Task A_server_that_is_never_content_with_its_own_nonce_is_asked_twice_and_no_more(string path)
    {
        await using var server = await StartAsync();
        server.TakesPushed = true;
        var given = 0;
        server.Instead[path] = context =>
        {
            context.Response.Headers["DPoP-Nonce"] = $"nonce-{++given}";
            return ScriptedServer.ErrorAsync(context, "use_dpop_nonce");
        };
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));

        (await Should.ThrowAsync<ProtocolViolationException>(() => client.GetSessionAsync(Cancel))).Code.ShouldBe("dpop_nonce");

        server.Count(path).ShouldBe(2);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("quo\"te")]
    [InlineData("long")]
    [Rfc("RFC 9449", "8.1")]
    public async Task A_nonce_that_is_none_is_not_used(string? nonce)
    {
        await using var server = await StartAsync();
        server.Instead["/token"] = context =>
        {
            if (nonce is not null) context.Response.Headers["DPoP-Nonce"] = nonce == "long" ? new string('x', 5000) : nonce;
            return ScriptedServer.ErrorAsync(context, "use_dpop_nonce");
        };
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));

        (await Should.ThrowAsync<ProtocolViolationException>(() => client.GetSessionAsync(Cancel))).Code.ShouldBe("dpop_nonce");

        server.Count("/token").ShouldBe(1);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(-10)]
    [InlineData(60 * 24 * 30)]
    [Assertion("DP-11")]
    public async Task A_proof_is_made_by_the_servers_clock_whatever_this_machines_says(int minutes)
    {
        await using var server = await StartAsync();
        using var browser = new TestBrowser();
        // The ID token's times are held against our own clock, so nothing is asked for that has one.
        await using var client = new PublicClient(server.Options(browser) with { Scope = Scope.Parse("orders"), TimeProvider = new ShiftedTime { Shift = TimeSpan.FromMinutes(minutes) } });

        var session = await client.GetSessionAsync(Cancel);
        using var api = session.CreateHttpClient(onlyFor: server.At("/"));

        (await api.GetStringAsync("api/bound/orders", Cancel)).ShouldBe("bound");
        server.Proved.ShouldAllBe(request => request.Checked != null);
    }

    [Fact]
    [Rfc("RFC 9449", "5")]
    public async Task The_key_outlives_the_program_with_the_session_and_refreshes_it()
    {
        await using var server = await StartAsync();
        using var folder = new TemporaryFolder();
        await using (await SignedInAsync(server, options => options with { Store = folder.Store })) { }
        server.Time.Shift = TimeSpan.FromMinutes(11);

        await using var later = new PublicClient(server.Options() with { Store = folder.Store });
        (await (await FoundAsync(later)).GetAccessTokenAsync(cancel: Cancel)).Type.ShouldBe("DPoP");

        server.Proved.Where(request => request.Path == "/token").Select(request => request.Checked!.Thumbprint).Distinct().Count().ShouldBe(1);
        server.AuthorizeRequests.Count.ShouldBe(1);
    }

    [Fact]
    [Assertion("CL-20")]
    public async Task A_session_is_taken_for_what_it_is_and_each_sign_in_has_a_key_of_its_own()
    {
        await using var server = await StartAsync();
        using var folder = new TemporaryFolder();
        await using (await SignedInAsync(server, options => options with { Store = folder.Store })) { }
        await using var bearer = new PublicClient(server.Options() with { Store = folder.Store, Dpop = DpopUse.Never });
        (await bearer.FindSessionAsync(Cancel)).ShouldBeNull();

        await using (await SignedInAsync(server, options => options with { Store = folder.Store, Dpop = DpopUse.Never })) { }
        await using var bound = new PublicClient(server.Options() with { Store = folder.Store, Dpop = DpopUse.Always });
        (await bound.FindSessionAsync(Cancel)).ShouldBeNull();

        await using (await SignedInAsync(server, options => options with { Store = folder.Store, Dpop = DpopUse.Always })) { }
        server.AuthorizeRequests.Select(request => request["dpop_jkt"]).Where(key => key is not null).ShouldBeUnique();
    }

    [Fact]
    [Assertion("DP-11")]
    [Assertion("CL-20")]
    [Rfc("RFC 9449", "7.1"), Rfc("RFC 9449", "9")]
    public async Task An_API_gets_the_token_with_a_proof_for_each_request_and_its_own_nonce_in_it()
    {
        await using var server = await StartAsync();
        server.Nonce = "of-the-server";
        await using var client = await SignedInAsync(server);
        var session = await FoundAsync(client);
        server.ApiNonce = "of-the-api";
        using var http = session.CreateHttpClient(onlyFor: server.At("/"));

        (await http.GetStringAsync("api/bound/orders?page=2#top", Cancel)).ShouldBe("bound");
        using var body = new StringContent("seven");
        using var posted = await http.PostAsync("api/bound/orders", body, Cancel);

        (await posted.Content.ReadAsStringAsync(Cancel)).ShouldBe("bound seven");
        server.Proved.Count(request => request.Path == "/api/bound/orders").ShouldBe(3, "one try without the nonce");
        server.Proved.Where(request => request.Path == "/api/bound/orders").ShouldAllBe(request => request.Authorization == $"DPoP {session.Stored.AccessToken}");
        server.Proved.Where(request => request.Path == "/api/bound/orders").Select(request => request.Checked?.Nonce).ShouldBe([null, "of-the-api", "of-the-api"]);
    }

    [Fact]
    [Assertion("DP-11")]
    [Rfc("RFC 9449", "8.2")]
    public async Task A_nonce_goes_to_the_origin_that_gave_it_and_to_no_other()
    {
        await using var server = await StartAsync();
        server.Nonce = "of-the-server";
        await using var other = await ScriptedServer.StartAsync();
        var proof = "";
        other.Instead["/api/me"] = context =>
        {
            proof = context.Request.Headers["DPoP"].ToString();
            context.Response.Headers["DPoP-Nonce"] = "of-the-api";
            return Task.CompletedTask;
        };
        await using var client = await SignedInAsync(server);
        var session = await FoundAsync(client);
        using var http = session.CreateHttpClient(onlyFor: other.At("/api/"));

        await http.GetAsync("me", Cancel);
        Payload(proof).TryGetProperty("nonce", out _).ShouldBeFalse();
        await http.GetAsync("me", Cancel);
        Payload(proof).GetProperty("nonce").GetString().ShouldBe("of-the-api");
        await session.GetUserInfoAsync(Cancel);
        server.Proved.Last().Checked!.Nonce.ShouldBe("of-the-server");
    }

    [Fact]
    public async Task A_token_that_lasts_is_good_after_its_client_is_gone_too()
    {
        await using var server = await StartAsync();
        var client = await SignedInAsync(server);
        var session = await FoundAsync(client);
        using var http = session.CreateHttpClient(onlyFor: server.At("/"));
        await client.DisposeAsync();

        (await http.GetStringAsync("api/bound/orders", Cancel)).ShouldBe("bound");
        (await http.GetStringAsync("api/bound/orders", Cancel)).ShouldBe("bound");
    }

    [Fact]
    [Assertion("DP-11")]
    [Rfc("RFC 9449", "4.2")]
    public async Task A_message_that_is_sent_again_has_another_proof()
    {
        await using var server = await StartAsync();
        await using var client = await SignedInAsync(server);
        var session = await FoundAsync(client);
        using var retrying = new HttpMessageInvoker(new TokenHandler(session, server.At("/"), new SocketsHttpHandler { AllowAutoRedirect = false }));
        using var message = new HttpRequestMessage(HttpMethod.Get, server.At("/api/bound/orders"));

        using var first = await retrying.SendAsync(message, Cancel);
        using var second = await retrying.SendAsync(message, Cancel);

        (first.StatusCode, second.StatusCode).ShouldBe((HttpStatusCode.OK, HttpStatusCode.OK));
        server.Proved.Where(request => request.Path == "/api/bound/orders").Select(request => request.Proof).ShouldBeUnique();
    }

    [Fact]
    [Rfc("RFC 9449", "9")]
    public async Task A_body_in_memory_is_sent_again_with_the_nonce_and_one_that_is_read_once_is_not()
    {
        await using var server = await StartAsync();
        await using var client = await SignedInAsync(server);
        var session = await FoundAsync(client);
        server.ApiNonce = "nonce";
        using var http = session.CreateHttpClient(onlyFor: server.At("/"));

        using var stream = new MemoryStream("once"u8.ToArray());
        using var once = new StreamContent(stream);
        using var refused = await http.PostAsync("api/bound/orders", once, Cancel);
        refused.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        server.ApiNonce = "another";
        using var twice = new StringContent("twice");
        using var answer = await http.PostAsync("api/bound/orders", twice, Cancel);

        (await answer.Content.ReadAsStringAsync(Cancel)).ShouldBe("bound twice");
    }

    [Fact]
    [Rfc("RFC 9449", "9")]
    public async Task JSON_of_what_can_be_read_but_once_is_sent_again_as_it_was()
    {
        await using var server = await StartAsync();
        await using var client = await SignedInAsync(server);
        var session = await FoundAsync(client);
        server.ApiNonce = "nonce";
        using var http = session.CreateHttpClient(onlyFor: server.At("/"));
        var queue = new Queue<int>([1, 2]);
        IEnumerable<int> Drained()
        {
            while (queue.TryDequeue(out var next)) yield return next;
        }

        using var answer = await http.PostAsJsonAsync("api/bound/orders", Drained(), Cancel);

        (await answer.Content.ReadAsStringAsync(Cancel)).ShouldBe("bound [1,2]");
    }

    [Fact]
    [Assertion("DP-11")]
    public async Task An_API_that_is_never_content_is_asked_twice_and_no_more()
    {
        await using var server = await StartAsync();
        await using var client = await SignedInAsync(server);
        var given = 0;
        server.Instead["/api/me"] = context =>
        {
            context.Response.Headers["DPoP-Nonce"] = $"nonce-{++given}";
            context.Response.Headers.WWWAuthenticate = "DPoP error=\"use_dpop_nonce\"";
            return ScriptedServer.JsonAsync(context, 401, "{}");
        };
        using var http = (await FoundAsync(client)).CreateHttpClient(onlyFor: server.At("/api/"));

        using var answer = await http.GetAsync("me", Cancel);

        answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        server.Count("/api/me").ShouldBe(2);
    }

    [Fact]
    [Assertion("CL-11")]
    [Rfc("RFC 9700", "4.9.1")]
    public async Task Neither_token_nor_proof_follows_a_redirect_elsewhere_and_within_the_origin_there_is_a_new_proof()
    {
        await using var server = await StartAsync();
        await using var other = await ScriptedServer.StartAsync();
        await using var client = await SignedInAsync(server);
        var headers = "";
        other.Instead["/stolen"] = context =>
        {
            headers = string.Join(", ", context.Request.Headers.Select(header => header.Key));
            return Task.CompletedTask;
        };
        server.Instead["/api/away"] = context => DiscoveryTests.Redirect(context, 302, other.At("/stolen"));
        server.Instead["/api/moved"] = context => DiscoveryTests.Redirect(context, 302, server.At("/api/bound/orders"));
        using var http = (await FoundAsync(client)).CreateHttpClient(onlyFor: server.At("/api/"));

        await http.GetAsync("away", Cancel);
        headers.ShouldContain("Host");
        headers.ShouldNotContain("Authorization");
        headers.ShouldNotContain("DPoP");
        (await http.GetStringAsync("moved", Cancel)).ShouldBe("bound");
    }

    [Fact]
    public async Task A_token_that_the_API_does_not_take_any_more_is_replaced_by_another_bound_one()
    {
        await using var server = await StartAsync();
        await using var client = await SignedInAsync(server);
        var session = await FoundAsync(client);
        var revoked = session.Stored.AccessToken;
        server.Instead["/api/me"] = context =>
        {
            if (context.Request.Headers.Authorization != $"DPoP {revoked}") return ScriptedServer.JsonAsync(context, 200, "\"fine\"");
            context.Response.Headers.WWWAuthenticate = "DPoP error=\"invalid_token\", algs=\"ES256\"";
            return ScriptedServer.JsonAsync(context, 401, "{}");
        };
        using var http = session.CreateHttpClient(onlyFor: server.At("/api/"));
        // A token that has just come is replaced by none.
        server.Time.Shift = TimeSpan.FromMinutes(1);

        (await http.GetStringAsync("me", Cancel)).ShouldBe("\"fine\"");
        server.TokenRequests.Count.ShouldBe(2);
    }

    [Fact]
    [Assertion("CL-12"), Assertion("CL-13")]
    public async Task The_key_is_in_no_file_in_the_clear_and_nothing_prints_it()
    {
        await using var server = await StartAsync();
        using var folder = new TemporaryFolder();
        var events = new List<ClientEvent>();
        await using var client = await SignedInAsync(server, options => options with { Store = folder.Store, OnEvent = SuiteWitness.And(events.Add) });
        var session = await FoundAsync(client);
        var key = session.Stored.DpopKey.ShouldNotBeNull();
        var token = await session.GetAccessTokenAsync(cancel: Cancel);

        string[] printed = [session.ToString(), session.Stored.ToString(), token.ToString(), client.ToString(), client.Backchannel.Proofs.ToString(), .. events.Select(one => one.ToString()), JsonSerializer.Serialize(token)];
        printed.ShouldAllBe(text => !text.Contains(key, StringComparison.Ordinal) && !text.Contains(token.Reveal(), StringComparison.Ordinal));
        var file = await File.ReadAllBytesAsync(folder.Store.PathOf("default"), Cancel);
        Base64UrlText.TryDecode(key, out var pkcs8).ShouldBeTrue();
        file.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(key)).ShouldBe(-1);
        file.AsSpan().IndexOf(pkcs8.AsSpan(0, 32)).ShouldBe(-1);
    }

    private static JsonElement Payload(string proof) =>
        JsonElement.Parse(Base64UrlText.TryDecode(proof.Split('.')[1], out var payload) ? payload : []);

    private static async Task<ScriptedServer> StartAsync()
    {
        var server = await ScriptedServer.StartAsync();
        server.Binds = true;
        return server;
    }

    private static async Task<Session> FoundAsync(PublicClient client) => (await client.FindSessionAsync(Cancel)).ShouldNotBeNull();

    private static async Task<PublicClient> SignedInAsync(ScriptedServer server, Func<ClientOptions, ClientOptions>? change = null)
    {
        using var browser = new TestBrowser();
        var client = new PublicClient((change ?? (options => options))(server.Options(browser)));
        await client.GetSessionAsync(Cancel);
        await browser.Page;
        return client;
    }
}
