namespace ProofKey.Client.Tests;

public sealed class CallbackTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("http://evil.example", "issuer_mismatch")]
    [InlineData("{0}/", "issuer_mismatch")]
    [InlineData(null, "issuer_missing")]
    [Assertion("CL-02")]
    [Rfc("RFC 9207", "2.4")]
    public async Task A_wrong_issuer_or_none_where_it_was_promised_ends_the_sign_in_before_the_token_request(string? pattern, string code)
    {
        await using var server = await ScriptedServer.StartAsync();
        var issuer = pattern?.Replace("{0}", server.Issuer.Value, StringComparison.Ordinal);
        server.SpoilCallback = answer => Set(answer, "iss", issuer);

        (await RejectedAsync(server)).ShouldBe(code);
        server.AuthorizeError = "access_denied";
        (await RejectedAsync(server)).ShouldBe(code);
        server.TokenRequests.ShouldBeEmpty();
    }

    [Fact]
    [Assertion("CL-02")]
    [Rfc("RFC 9207", "2.4")]
    public async Task No_issuer_is_fine_where_none_was_promised_and_a_wrong_one_is_not()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilMetadata = metadata => metadata.Remove("authorization_response_iss_parameter_supported");
        server.SpoilCallback = answer => Set(answer, "iss", null);
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));
        (await client.GetSessionAsync(Cancel)).Subject.ShouldBe("alice");

        server.SpoilCallback = answer => Set(answer, "iss", "http://evil.example");
        (await RejectedAsync(server)).ShouldBe("issuer_mismatch");
        server.TokenRequests.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("code")]
    [InlineData("iss")]
    [Assertion("CL-15")]
    [Rfc("RFC 6749", "3.1")]
    public async Task A_parameter_that_comes_twice_ends_the_sign_in_before_the_token_request(string name)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilCallback = answer => answer.Add(answer.First(pair => pair.Key == name));

        (await RejectedAsync(server)).ShouldBe("callback_duplicate");
        server.TokenRequests.ShouldBeEmpty();
    }

    [Fact]
    [Assertion("CL-20")]
    public async Task A_refusal_with_a_code_of_the_servers_own_shows_no_secret_and_counts_under_a_stable_word()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));
        await using var pending = await client.BeginAsync(Cancel);
        server.SpoilCallback = answer =>
        {
            var nonce = server.AuthorizeRequests.Last()["nonce"];
            answer[0] = new("error", $"ticket_{nonce}");
            answer.Add(new("error_description", $"No nonce {nonce} here"));
        };
        await pending.OpenBrowserAsync(Cancel);

        var refused = (await pending.EndAsync(Cancel)).ShouldBeOfType<SignInResult.Refused>();

        refused.Error.ShouldBe(new OAuthError("ticket_[redacted]", "No nonce [redacted] here"));
        refused.Outcome.ShouldBe("refused");
        new SignInResult.Refused(new OAuthError("invalid_scope", "No.")).Outcome.ShouldBe("invalid_scope");
    }

    [Fact]
    [Assertion("CL-15")]
    public async Task A_state_that_comes_twice_is_no_answer_at_all()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilCallback = answer => answer.Add(new("state", "other"));
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { Timeout = TimeSpan.FromMilliseconds(500) });
        await using var pending = await client.BeginAsync(Cancel);
        await pending.OpenBrowserAsync(Cancel);

        (await pending.EndAsync(Cancel)).ShouldBe(new SignInResult.Cancelled(CancelReason.TimedOut));
        ((int)(await browser.Page).Status).ShouldBe(404);
        server.TokenRequests.ShouldBeEmpty();
    }

    [Fact]
    [Assertion("CL-15")]
    public async Task A_code_beside_an_error_ends_the_sign_in_before_the_token_request()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilCallback = answer => answer.Add(new("error", "access_denied"));

        (await RejectedAsync(server)).ShouldBe("callback_code_and_error");
        server.TokenRequests.ShouldBeEmpty();
    }

    [Fact]
    public async Task An_answer_without_code_and_error_ends_the_sign_in()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilCallback = answer => Set(answer, "code", null);

        (await RejectedAsync(server)).ShouldBe("callback_without_code");
        server.TokenRequests.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("caf\u00e9")]
    [InlineData("a\nb")]
    [Rfc("RFC 6749", "A.11")]
    public async Task A_code_with_other_characters_than_printable_ASCII_is_no_code(string code)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilCallback = answer => Set(answer, "code", code);

        (await RejectedAsync(server)).ShouldBe("callback_without_code");
        server.TokenRequests.ShouldBeEmpty();
    }

    [Fact]
    [Assertion("CL-01")]
    public async Task The_state_of_another_sign_in_or_of_an_earlier_one_counts_for_nothing()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options());
        await using var first = await client.BeginAsync(Cancel);
        await using var second = await client.BeginAsync(Cancel);
        var answerOfFirst = await SignInTests.CallbackOfAsync(first);
        var waiting = second.EndAsync(Cancel);

        // The answer of the first tab, brought to the listener of the second.
        var page = await browser.BrowseAsync(new Uri(second.RedirectUri + answerOfFirst.Query));

        ((int)page.Status).ShouldBe(404);
        waiting.IsCompleted.ShouldBeFalse();
        server.TokenRequests.ShouldBeEmpty();
        await browser.BrowseAsync(second.AuthorizeUri);
        (await waiting).ShouldBeOfType<SignInResult.SignedIn>();
    }

    private static void Set(List<KeyValuePair<string, string>> answer, string name, string? value)
    {
        answer.RemoveAll(pair => pair.Key == name);
        if (value is not null) answer.Add(new(name, value));
    }

    private static async Task<string> RejectedAsync(ScriptedServer server)
    {
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));
        await using var pending = await client.BeginAsync(Cancel);
        await pending.OpenBrowserAsync(Cancel);
        var result = await pending.EndAsync(Cancel);
        (await browser.Page).Html.ShouldContain("The sign-in did not work");
        return result.ShouldBeOfType<SignInResult.Rejected>().Violation.Code;
    }
}
