using System.Net;

namespace ProofKey.Client.Tests;

/// <summary>An answer is held to the same, whether it comes in an address or as a form.</summary>
public sealed class CallbackTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(ResponseMode.Query, "http://evil.example", "issuer_mismatch")]
    [InlineData(ResponseMode.Query, "{0}/", "issuer_mismatch")]
    [InlineData(ResponseMode.Query, null, "issuer_missing")]
    [InlineData(ResponseMode.FormPost, "http://evil.example", "issuer_mismatch")]
    [InlineData(ResponseMode.FormPost, "{0}/", "issuer_mismatch")]
    [InlineData(ResponseMode.FormPost, null, "issuer_missing")]
    [Assertion("CL-02")]
    [Rfc("RFC 9207", "2.4")]
    public async Task A_wrong_issuer_or_none_where_it_was_promised_ends_the_sign_in_before_the_token_request(ResponseMode mode, string? pattern, string code)
    {
        await using var server = await ScriptedServer.StartAsync();
        var issuer = pattern?.Replace("{0}", server.Issuer.Value, StringComparison.Ordinal);
        server.SpoilCallback = answer => Set(answer, "iss", issuer);

        (await RejectedAsync(server, mode)).ShouldBe(code);
        server.AuthorizeError = "access_denied";
        (await RejectedAsync(server, mode)).ShouldBe(code);
        server.TokenRequests.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(ResponseMode.Query)]
    [InlineData(ResponseMode.FormPost)]
    [Assertion("CL-02")]
    [Rfc("RFC 9207", "2.4")]
    public async Task No_issuer_is_fine_where_none_was_promised_and_a_wrong_one_is_not(ResponseMode mode)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilMetadata = metadata => metadata.Remove("authorization_response_iss_parameter_supported");
        server.SpoilCallback = answer => Set(answer, "iss", null);
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { ResponseMode = mode });
        (await client.GetSessionAsync(Cancel)).Subject.ShouldBe("alice");

        server.SpoilCallback = answer => Set(answer, "iss", "http://evil.example");
        (await RejectedAsync(server, mode)).ShouldBe("issuer_mismatch");
        server.TokenRequests.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(ResponseMode.Query, "code")]
    [InlineData(ResponseMode.Query, "iss")]
    [InlineData(ResponseMode.FormPost, "code")]
    [InlineData(ResponseMode.FormPost, "iss")]
    [Assertion("CL-15")]
    [Rfc("RFC 6749", "3.1")]
    public async Task A_parameter_that_comes_twice_ends_the_sign_in_before_the_token_request(ResponseMode mode, string name)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilCallback = answer => answer.Add(answer.First(pair => pair.Key == name));

        (await RejectedAsync(server, mode)).ShouldBe("callback_duplicate");
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

    [Theory]
    [InlineData(ResponseMode.Query)]
    [InlineData(ResponseMode.FormPost)]
    [Assertion("CL-15")]
    public async Task A_state_that_comes_twice_is_no_answer_at_all(ResponseMode mode)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilCallback = answer => answer.Add(new("state", "other"));
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { ResponseMode = mode, Timeout = TimeSpan.FromMilliseconds(500) });
        await using var pending = await client.BeginAsync(Cancel);
        await pending.OpenBrowserAsync(Cancel);

        (await pending.EndAsync(Cancel)).ShouldBe(new SignInResult.Cancelled(CancelReason.TimedOut));
        ((int)(await browser.Page).Status).ShouldBe(404);
        server.TokenRequests.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(ResponseMode.Query)]
    [InlineData(ResponseMode.FormPost)]
    [Assertion("CL-15")]
    public async Task A_code_beside_an_error_ends_the_sign_in_before_the_token_request(ResponseMode mode)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilCallback = answer => answer.Add(new("error", "access_denied"));

        (await RejectedAsync(server, mode)).ShouldBe("callback_code_and_error");
        server.TokenRequests.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(ResponseMode.Query)]
    [InlineData(ResponseMode.FormPost)]
    public async Task An_answer_without_code_and_error_ends_the_sign_in(ResponseMode mode)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilCallback = answer => Set(answer, "code", null);

        (await RejectedAsync(server, mode)).ShouldBe("callback_without_code");
        server.TokenRequests.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(ResponseMode.Query, "caf\u00e9")]
    [InlineData(ResponseMode.Query, "a\nb")]
    [InlineData(ResponseMode.FormPost, "caf\u00e9")]
    [InlineData(ResponseMode.FormPost, "a\nb")]
    [Rfc("RFC 6749", "A.11")]
    public async Task A_code_with_other_characters_than_printable_ASCII_is_no_code(ResponseMode mode, string code)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilCallback = answer => Set(answer, "code", code);

        (await RejectedAsync(server, mode)).ShouldBe("callback_without_code");
        server.TokenRequests.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(ResponseMode.Query)]
    [InlineData(ResponseMode.FormPost)]
    [Assertion("CL-01")]
    public async Task The_state_of_another_sign_in_or_of_an_earlier_one_counts_for_nothing(ResponseMode mode)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options() with { ResponseMode = mode });
        await using var first = await client.BeginAsync(Cancel);
        await using var second = await client.BeginAsync(Cancel);
        server.Posts = false;
        var answerOfFirst = await SignInTests.CallbackOfAsync(first);
        server.Posts = true;
        var waiting = second.EndAsync(Cancel);

        // The answer of the first tab, brought to the listener of the second.
        (await BringAsync(new Uri(second.RedirectUri), answerOfFirst.Query, mode)).ShouldBe(HttpStatusCode.NotFound);

        waiting.IsCompleted.ShouldBeFalse();
        server.TokenRequests.ShouldBeEmpty();
        await browser.BrowseAsync(second.AuthorizeUri);
        (await waiting).ShouldBeOfType<SignInResult.SignedIn>();
    }

    private static async Task<HttpStatusCode> BringAsync(Uri listener, string query, ResponseMode mode)
    {
        using var http = new HttpClient();
        using var form = new StringContent(query.TrimStart('?'), null, "application/x-www-form-urlencoded");
        using var answer = mode == ResponseMode.FormPost ? await http.PostAsync(listener, form, Cancel) : await http.GetAsync(new Uri(listener, query), Cancel);
        return answer.StatusCode;
    }

    private static void Set(List<KeyValuePair<string, string>> answer, string name, string? value)
    {
        answer.RemoveAll(pair => pair.Key == name);
        if (value is not null) answer.Add(new(name, value));
    }

    private static async Task<string> RejectedAsync(ScriptedServer server, ResponseMode mode)
    {
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { ResponseMode = mode });
        await using var pending = await client.BeginAsync(Cancel);
        await pending.OpenBrowserAsync(Cancel);
        var result = await pending.EndAsync(Cancel);
        (await browser.Page).Html.ShouldContain("The sign-in did not work");
        return result.ShouldBeOfType<SignInResult.Rejected>().Violation.Code;
    }
}
