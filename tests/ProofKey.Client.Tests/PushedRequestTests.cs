namespace ProofKey.Client.Tests;

/// <summary>Requests that are pushed before anybody is asked (RFC 9126).</summary>
public sealed class PushedRequestTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Rfc("RFC 9126", "2.1")]
    [Rfc("RFC 9126", "4")]
    public async Task Where_the_metadata_have_a_place_for_it_the_request_is_pushed_and_the_browser_takes_a_reference_alone()
    {
        await using var server = await StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));

        (await client.GetSessionAsync(Cancel)).Subject.ShouldBe("alice");

        server.Pushed.Single().Pairs.Select(pair => pair.Key).Order().ShouldBe(
            ["client_id", "code_challenge", "code_challenge_method", "nonce", "redirect_uri", "response_mode", "response_type", "scope", "state"]);
        server.AuthorizeRequests.Single().Pairs.Select(pair => pair.Key).ShouldBe(["client_id", "request_uri"]);
        server.AuthorizeRequests.Single()["client_id"].ShouldBe(ScriptedServer.ClientId);
    }

    [Fact]
    [Rfc("RFC 9126", "5")]
    public async Task A_server_that_wants_every_request_pushed_and_names_no_place_is_refused()
    {
        await using var server = await StartAsync();
        server.SpoilMetadata = metadata =>
        {
            metadata.Remove("pushed_authorization_request_endpoint");
            metadata["require_pushed_authorization_requests"] = true;
        };
        await using var client = new PublicClient(server.Options());

        (await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel))).Code.ShouldBe("endpoint_missing");
    }

    [Fact]
    [Rfc("RFC 9126", "2.3")]
    public async Task What_the_place_refuses_is_what_the_client_says_and_nobody_is_asked()
    {
        await using var server = await StartAsync();
        server.PushedError = request => $$"""{"error":"invalid_scope","error_description":"Not {{request["state"]}} \u001b[31m"}""";
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));

        var refused = await Should.ThrowAsync<SignInRequiredException>(() => client.GetSessionAsync(Cancel));

        refused.Reason.ShouldBe(SignInRequiredReason.Refused);
        refused.Error.ShouldBe(new OAuthError("invalid_scope", "Not [redacted] ?[31m"));
        browser.Opened.ShouldBeNull();
    }

    [Theory]
    [InlineData(400, "application/json", "{\"error\":\"server_error\"}", "server_error")]
    [InlineData(403, "text/html", "<h1>Sorry</h1>", "not_json")]
    [InlineData(400, "application/json", "{}", "malformed_refusal")]
    [Rfc("RFC 9126", "2.3")]
    public async Task What_goes_wrong_there_is_told_as_what_it_is(int status, string type, string body, string code)
    {
        await using var server = await StartAsync();
        server.Instead["/par"] = context => ScriptedServer.JsonAsync(context, status, body, type);
        await using var client = new PublicClient(server.Options());

        var problem = (await Should.ThrowAsync<Exception>(() => client.BeginAsync(Cancel))).ShouldBeAssignableTo<ClientException>()!;

        problem.Code.ShouldBe(code);
        problem.Message.ShouldContain("the answer to the pushed request");
        problem.Message.ShouldNotContain("token");
    }

    [Theory]
    [InlineData(302)]
    [InlineData(307)]
    [Assertion("CL-11")]
    public async Task A_request_is_not_pushed_on_to_where_the_place_leads(int status)
    {
        await using var server = await StartAsync();
        server.Instead["/par"] = context => DiscoveryTests.Redirect(context, status, server.At("/elsewhere"));
        await using var client = new PublicClient(server.Options());

        (await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel))).Code.ShouldBe("redirect");

        server.Count("/elsewhere").ShouldBe(0);
    }

    [Fact]
    public async Task The_port_is_free_again_where_pushing_failed()
    {
        await using var server = await StartAsync();
        server.Instead["/par"] = context => ScriptedServer.JsonAsync(context, 503, "{}");
        var port = RedirectTests.FreePort();
        await using var client = new PublicClient(server.Options() with { Redirect = new Redirect.LoopbackPort(port) });

        (await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => client.BeginAsync(Cancel))).Retryable.ShouldBeTrue();
        server.Instead.Clear();

        await using var pending = await client.BeginAsync(Cancel);
        pending.RedirectUri.ShouldBe($"http://127.0.0.1:{port}/callback");
    }

    [Theory]
    [InlineData("request_uri", "null")]
    [InlineData("request_uri", "7")]
    [InlineData("request_uri", "\"\"")]
    [InlineData("request_uri", "\"relative\"")]
    [InlineData("request_uri", "\"urn:a b\"")]
    [InlineData("request_uri", "\"urn:a\\u0007\"")]
    [InlineData("expires_in", "null")]
    [InlineData("expires_in", "0")]
    [InlineData("expires_in", "-60")]
    [InlineData("expires_in", "\"soon\"")]
    [Rfc("RFC 9126", "2.2")]
    public async Task An_answer_that_is_none_is_refused(string member, string json)
    {
        await using var server = await StartAsync();
        server.SpoilPushed = answer => answer[member] = System.Text.Json.Nodes.JsonNode.Parse(json);
        await using var client = new PublicClient(server.Options());

        (await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel))).Code.ShouldBe("pushed_answer");
    }

    [Fact]
    [Rfc("RFC 9126", "4")]
    public async Task A_reference_cannot_change_whom_or_what_the_browser_asks()
    {
        await using var server = await StartAsync();
        server.SpoilPushed = answer => answer["request_uri"] = "urn:x&client_id=evil#scope=all";
        await using var client = new PublicClient(server.Options());

        await using var pending = await client.BeginAsync(Cancel);

        pending.AuthorizeUri.Query.ShouldBe("?client_id=cli&request_uri=urn%3Ax%26client_id%3Devil%23scope%3Dall");
        pending.AuthorizeUri.Fragment.ShouldBeEmpty();
    }

    [Fact]
    [Rfc("RFC 9126", "2.2")]
    public async Task A_person_who_comes_late_gets_a_new_reference_to_the_same_request()
    {
        await using var server = await StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));
        await using var pending = await client.BeginAsync(Cancel);
        var first = pending.AuthorizeUri;

        server.Time.Shift = TimeSpan.FromSeconds(59);
        (await pending.RenewAuthorizeUriAsync(Cancel)).ShouldBe(first);
        pending.AuthorizeUriEndsAt.ShouldNotBeNull().ShouldBe(server.Time.GetUtcNow() + TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
        server.Time.Shift = TimeSpan.FromSeconds(62);
        await pending.OpenBrowserAsync(Cancel);
        (await pending.EndAsync(Cancel)).ShouldBeOfType<SignInResult.SignedIn>();

        browser.Opened.ShouldNotBe(first);
        server.Pushed.Select(request => request["state"]).Distinct().Count().ShouldBe(1);
        server.Pushed.Count.ShouldBe(2);
    }

    [Fact]
    [Rfc("RFC 6749", "4.1.2.1")]
    public async Task A_response_mode_that_is_refused_when_it_is_pushed_is_asked_for_once_more_as_a_query()
    {
        await using var server = await StartAsync();
        server.PushedError = request => request["response_mode"] == "form_post" ? """{"error":"invalid_request","error_description":"Unsupported response_mode."}""" : null;
        using var browser = new TestBrowser();
        var events = new List<ClientEvent>();
        await using var client = new PublicClient(server.Options(browser) with { OnEvent = SuiteWitness.And(events.Add) });

        (await client.GetSessionAsync(Cancel)).Subject.ShouldBe("alice");

        server.Pushed.Select(request => request["response_mode"]).ShouldBe(["form_post", "query"]);
        foreach (var name in (string[])["state", "nonce", "code_challenge"]) server.Pushed.Select(request => request[name]).ShouldBeUnique();
        events.ShouldContain(new ClientEvent.QueryAskedInstead());
        server.AuthorizeRequests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_response_mode_that_the_browser_brings_back_refused_is_pushed_anew_as_a_query()
    {
        await using var server = await StartAsync();
        server.FormPostError = "Unsupported response_mode.";
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));

        (await client.GetSessionAsync(Cancel)).Subject.ShouldBe("alice");

        server.Pushed.Select(request => request["response_mode"]).ShouldBe(["form_post", "query"]);
        server.AuthorizeRequests.ShouldAllBe(request => request.Pairs.Count == 2);
        (await browser.Page).Html.ShouldContain("You are signed in");
    }

    [Fact]
    public async Task Where_the_second_push_is_refused_the_page_says_so_too()
    {
        await using var server = await StartAsync();
        server.FormPostError = "Unsupported response_mode.";
        server.PushedError = request => request["response_mode"] == "query" ? """{"error":"invalid_request","error_description":"response_mode"}""" : null;
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));
        await using var pending = await client.BeginAsync(Cancel);
        await pending.OpenBrowserAsync(Cancel);

        (await pending.EndAsync(Cancel)).ShouldBeOfType<SignInResult.Refused>().Error.Code.ShouldBe("invalid_request");

        (await browser.Page).Html.ShouldContain("invalid_request");
        server.Pushed.Count.ShouldBe(2);
    }

    [Fact]
    [Assertion("CL-06")]
    public async Task A_place_that_is_no_https_address_is_not_asked()
    {
        await using var server = await StartAsync();
        server.SpoilMetadata = metadata => metadata["pushed_authorization_request_endpoint"] = "http://evil.example/par";
        await using var client = new PublicClient(server.Options());

        (await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel))).Code.ShouldBe("endpoint_address");
    }

    private static async Task<ScriptedServer> StartAsync()
    {
        var server = await ScriptedServer.StartAsync();
        server.TakesPushed = true;
        return server;
    }
}
