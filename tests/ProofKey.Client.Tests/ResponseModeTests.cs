namespace ProofKey.Client.Tests;

/// <summary>How the answer is asked for, and what becomes of one that comes another way.</summary>
public sealed class ResponseModeTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Assertion("CL-08")]
    public async Task The_answer_is_asked_for_by_form_post_where_the_metadata_list_it()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));

        (await client.GetSessionAsync(Cancel)).Subject.ShouldBe("alice");

        server.AuthorizeRequests.Single()["response_mode"].ShouldBe("form_post");
        (await browser.Page).Trail.ShouldAllBe(address => !address.Query.Contains("code=", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_server_that_does_not_list_it_is_asked_for_nothing_that_it_may_not_know()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilMetadata = metadata => metadata.Remove("response_modes_supported");
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));

        await client.GetSessionAsync(Cancel);

        server.AuthorizeRequests.Single()["response_mode"].ShouldBeNull();
    }

    [Theory]
    [InlineData(ResponseMode.Automatic)]
    [InlineData(ResponseMode.FormPost)]
    [Assertion("CL-08")]
    public async Task A_code_that_comes_by_GET_is_refused_and_the_option_that_allows_it_is_named(ResponseMode mode)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Posts = false;
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { ResponseMode = mode });
        await using var pending = await client.BeginAsync(Cancel);
        await pending.OpenBrowserAsync(Cancel);

        var violation = (await pending.EndAsync(Cancel)).ShouldBeOfType<SignInResult.Rejected>().Violation;

        violation.Code.ShouldBe("callback_by_get");
        violation.Remedy.ShouldContain("ResponseMode.Query");
        (await browser.Page).Html.ShouldContain("callback_by_get");
        server.TokenRequests.ShouldBeEmpty();
    }

    [Fact]
    [Rfc("RFC 6749", "4.1.2.1")]
    public async Task A_server_that_refuses_the_response_mode_is_asked_once_more_with_a_new_state_and_verifier()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.FormPostError = "Unsupported response_mode.";
        using var browser = new TestBrowser();
        var events = new List<ClientEvent>();
        await using var client = new PublicClient(server.Options(browser) with { OnEvent = SuiteWitness.And(events.Add) });

        (await client.GetSessionAsync(Cancel)).Subject.ShouldBe("alice");

        server.AuthorizeRequests.Select(request => request["response_mode"]).ShouldBe(["form_post", "query"]);
        foreach (var name in (string[])["state", "nonce", "code_challenge"]) server.AuthorizeRequests.Select(request => request[name]).ShouldBeUnique();
        server.AuthorizeRequests.Select(request => request["redirect_uri"]).Distinct().Count().ShouldBe(1);
        events.ShouldContain(new ClientEvent.QueryAskedInstead());
        (await browser.Page).Html.ShouldContain("You are signed in");
        server.TokenRequests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_server_that_refuses_the_query_too_is_not_asked_a_third_time()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.FormPostError = "response_mode";
        server.AuthorizeError = "invalid_request";
        server.SpoilCallback = answer => answer.Add(new("error_description", "response_mode"));
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));

        (await Should.ThrowAsync<SignInRequiredException>(() => client.GetSessionAsync(Cancel))).Error!.Code.ShouldBe("invalid_request");

        server.AuthorizeRequests.Count.ShouldBe(2);
    }

    [Theory]
    [InlineData(ResponseMode.FormPost, "response_mode")]
    [InlineData(ResponseMode.Automatic, "Something else.")]
    public async Task Another_refusal_or_a_mode_that_was_asked_for_is_not_tried_again(ResponseMode mode, string description)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.FormPostError = description;
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { ResponseMode = mode });

        (await Should.ThrowAsync<SignInRequiredException>(() => client.GetSessionAsync(Cancel))).Reason.ShouldBe(SignInRequiredReason.Refused);

        server.AuthorizeRequests.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Assertion("CL-02")]
    public async Task A_refusal_that_names_another_issuer_is_not_followed(bool posts)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Posts = posts;
        server.AuthorizeError = "invalid_request";
        server.SpoilCallback = answer =>
        {
            answer.RemoveAll(pair => pair.Key == "iss");
            answer.AddRange([new("iss", "http://evil.example"), new("error_description", "response_mode")]);
        };
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));

        (await Should.ThrowAsync<ProtocolViolationException>(() => client.GetSessionAsync(Cancel))).Code.ShouldBe("issuer_mismatch");

        server.AuthorizeRequests.Count.ShouldBe(1);
    }

    [Fact]
    [Assertion("CL-08")]
    public async Task What_is_pasted_is_taken_only_where_that_road_was_chosen_from_the_start()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));
        await using var onBrowserRoad = await client.BeginAsync(Cancel);
        await using var onPasteRoad = await client.BeginAsync(SignInRoad.Paste, Cancel);

        // A code in an address of the browser road came from somebody who was talked into copying it.
        server.Posts = false;
        var copied = await SignInTests.CallbackOfAsync(onBrowserRoad);
        (await onBrowserRoad.EndAsync(copied, Cancel)).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe("callback_by_get");
        server.TokenRequests.ShouldBeEmpty();

        (await onPasteRoad.EndAsync(await SignInTests.CallbackOfAsync(onPasteRoad), Cancel)).ShouldBeOfType<SignInResult.SignedIn>();
        server.AuthorizeRequests.Select(request => request["response_mode"]).ShouldBe(["form_post", "query"]);
    }

    [Fact]
    public async Task A_program_that_insists_on_form_post_cannot_have_anything_pasted()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = new PublicClient(server.Options() with { ResponseMode = ResponseMode.FormPost });

        await Should.ThrowAsync<ArgumentException>(() => client.BeginAsync(SignInRoad.Paste, Cancel));
        await Should.ThrowAsync<ArgumentException>(() => client.BeginAsync(SignInRoad.Device, Cancel));
    }

    [Theory]
    [InlineData("{0}")]
    [InlineData("  {0}\n")]
    [InlineData("\"{0}\"")]
    [InlineData("<{0}>")]
    [InlineData("{1}")]
    [InlineData("?{2}")]
    [InlineData("{2}")]
    [InlineData("{3}")]
    public async Task A_pasted_address_may_be_whole_without_scheme_broken_over_lines_or_its_query_alone(string form)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = new PublicClient(server.Options());
        await using var pending = await client.BeginAsync(SignInRoad.Paste, Cancel);
        var callback = (await SignInTests.CallbackOfAsync(pending)).AbsoluteUri;
        var pasted = form.Replace("{0}", callback, StringComparison.Ordinal).Replace("{1}", callback["http://".Length..], StringComparison.Ordinal)
            .Replace("{2}", callback.Split('?')[1], StringComparison.Ordinal).Replace("{3}", string.Join("\r\n", callback.Chunk(40).Select(part => new string(part))), StringComparison.Ordinal);

        (await pending.EndAsync(pasted, Cancel)).ShouldBeOfType<SignInResult.SignedIn>();
    }

    [Theory]
    [InlineData("")]
    [InlineData("what is this")]
    [InlineData("code=x")]
    [InlineData("code=x&state=y")]
    [InlineData("http://127.0.0.1/callback?code=x")]
    [InlineData("file:///etc/passwd")]
    [Assertion("CL-01")]
    public async Task Anything_else_that_is_pasted_is_rejected_and_changes_nothing(string pasted)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = new PublicClient(server.Options());
        await using var pending = await client.BeginAsync(SignInRoad.Paste, Cancel);

        (await pending.EndAsync(pasted, Cancel)).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe("callback_not_ours");

        server.TokenRequests.ShouldBeEmpty();
        (await pending.EndAsync(await SignInTests.CallbackOfAsync(pending), Cancel)).ShouldBeOfType<SignInResult.SignedIn>();
    }
}
