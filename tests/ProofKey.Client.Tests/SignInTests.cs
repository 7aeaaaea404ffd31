using System.Net;
using System.Net.Sockets;

namespace ProofKey.Client.Tests;

public sealed class SignInTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Rfc("RFC 7636", "4.5")]
    public async Task A_person_signs_in_with_one_call()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));

        var session = await client.GetSessionAsync(Cancel);

        session.Subject.ShouldBe("alice");
        session.Claims.GetProperty("name").GetString().ShouldBe("Alice");
        session.Scope.ToString().ShouldBe("openid profile");
        session.CanRefresh.ShouldBeTrue();
        session.ExpiresAt.ShouldBeGreaterThan(TimeProvider.System.GetUtcNow());
        (await session.GetAccessTokenAsync(cancel: Cancel)).Reveal().ShouldBe(server.Secrets.Single(secret => secret == session.Stored.AccessToken));
        (await browser.Page).Html.ShouldContain("You are signed in");
    }

    [Fact]
    public async Task The_second_call_finds_the_session_and_opens_no_browser()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));

        await client.GetSessionAsync(Cancel);
        await client.GetSessionAsync(Cancel);

        server.AuthorizeRequests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Calls_at_the_same_time_open_one_browser()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));

        var sessions = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => client.GetSessionAsync(Cancel)));

        server.AuthorizeRequests.Count.ShouldBe(1);
        sessions.ShouldAllBe(session => session.Subject == "alice");
    }

    [Fact]
    [Rfc("RFC 8252", "7.3")]
    public async Task The_listener_listens_before_the_browser_is_asked_for()
    {
        await using var server = await ScriptedServer.StartAsync();
        var connected = false;
        var options = server.Options() with
        {
            OpenBrowser = async (address, cancel) =>
            {
                var redirectUri = new Uri(Query(address)["redirect_uri"]!);
                using var probe = new TcpClient();
                await probe.ConnectAsync(IPAddress.Loopback, redirectUri.Port, cancel);
                connected = probe.Connected;
                return true;
            },
        };
        await using var client = new PublicClient(options);

        await using var pending = await client.BeginAsync(Cancel);
        (await pending.OpenBrowserAsync(Cancel)).ShouldBeTrue();

        connected.ShouldBeTrue();
    }

    [Fact]
    [Assertion("PK-20")]
    [Rfc("RFC 7636", "4.1")]
    [Rfc("RFC 7636", "4.3")]
    public async Task A_thousand_requests_have_a_thousand_verifiers_and_say_S256()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = new PublicClient(server.Options() with { Redirect = new Redirect.PrivateUse(RedirectUri.Parse("com.example.app:/callback")), Scope = Scope.Parse("profile") });
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });

        for (var i = 0; i < 1000; i++)
        {
            await using var pending = await client.BeginAsync(Cancel);
            using var answer = await http.GetAsync(pending.AuthorizeUri, Cancel);
            (await pending.EndAsync(answer.Headers.Location!, Cancel)).ShouldBeOfType<SignInResult.SignedIn>();
        }

        var verifiers = server.TokenRequests.Select(request => request["code_verifier"]).ToList();
        verifiers.Distinct().Count().ShouldBe(1000);
        verifiers.ShouldAllBe(verifier => verifier.Length >= 43 && verifier.Length <= 128);
        // 32 random bytes as base64url: every letter of the alphabet turns up in a thousand of them.
        string.Concat(verifiers).Distinct().Count().ShouldBe(64);
        server.AuthorizeRequests.ShouldAllBe(request => request["code_challenge_method"] == "S256");
        server.AuthorizeRequests.Select(request => request["code_challenge"]).Distinct().Count().ShouldBe(1000);
        server.AuthorizeRequests.Select(request => request["state"]).Distinct().Count().ShouldBe(1000);
    }

    [Fact]
    [Assertion("PK-21")]
    [Rfc("RFC 7636", "7.1")]
    public async Task The_verifier_is_in_the_body_of_the_token_request_and_nowhere_else()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        var events = new List<ClientEvent>();
        await using var client = new PublicClient(server.Options(browser) with { OnEvent = SuiteWitness.And(events.Add) });

        var session = await client.GetSessionAsync(Cancel);

        var verifier = server.TokenRequests.Single()["code_verifier"];
        var page = await browser.Page;
        var elsewhere = string.Join('\n', [.. page.Trail.Select(address => address.OriginalString), page.Html, .. events.Select(one => one.ToString()), session.ToString(), client.ToString()]);
        elsewhere.ShouldNotContain(verifier);
        server.AuthorizeRequests.Single()["state"].ShouldNotBe(verifier);
    }

    [Fact]
    [Assertion("PK-24")]
    public async Task A_new_try_after_an_error_reuses_nothing()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));

        server.AuthorizeError = "server_error";
        await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => client.GetSessionAsync(Cancel));
        server.AuthorizeError = null;
        await client.GetSessionAsync(Cancel);

        foreach (var name in (string[])["code_challenge", "state", "nonce"])
            server.AuthorizeRequests.Select(request => request[name]).Distinct().Count().ShouldBe(2);
    }

    [Fact]
    [Assertion("PK-24")]
    public async Task A_sign_in_is_completed_once()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));
        await using var pending = await client.BeginAsync(Cancel);
        await pending.OpenBrowserAsync(Cancel);
        await pending.EndAsync(Cancel);

        await Should.ThrowAsync<InvalidOperationException>(() => pending.EndAsync(Cancel));
        server.TokenRequests.Count.ShouldBe(1);
    }

    [Fact]
    [Assertion("CL-09")]
    [Rfc("RFC 8252", "8.3")]
    public async Task The_redirect_URI_names_the_loopback_address_and_no_host_name()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = new PublicClient(server.Options());

        await using var pending = await client.BeginAsync(Cancel);

        pending.RedirectUri.ShouldMatch("^http://127\\.0\\.0\\.1:[0-9]+/callback$");
        Query(pending.AuthorizeUri)["redirect_uri"].ShouldBe(pending.RedirectUri);
    }

    [Fact]
    [Assertion("CL-10")]
    [Rfc("RFC 8252", "8.5")]
    public async Task No_request_carries_a_client_secret()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));
        var session = await client.GetSessionAsync(Cancel);
        server.Time.Shift = TimeSpan.FromMinutes(9.5);
        await session.GetAccessTokenAsync(cancel: Cancel);
        await session.SignOutAsync(Cancel);

        server.TokenRequests.Count.ShouldBe(2);
        server.TokenRequests.Concat(server.Revocations).ShouldAllBe(form => form["client_id"] == ScriptedServer.ClientId && !form.ContainsKey("client_secret"));
        typeof(ClientOptions).GetProperties().ShouldNotContain(property => property.Name.Contains("Secret", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("access_denied", "You did not sign in")]
    [InlineData("invalid_scope", "The sign-in was refused")]
    [InlineData("temporarily_unavailable", "The sign-in did not work")]
    [Rfc("RFC 6749", "4.1.2.1")]
    public async Task The_page_and_the_result_say_what_the_server_said(string error, string title)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.AuthorizeError = error;
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));
        await using var pending = await client.BeginAsync(Cancel);
        await pending.OpenBrowserAsync(Cancel);

        var result = await pending.EndAsync(Cancel);

        (await browser.Page).Html.ShouldContain($"<h1>{title}</h1>");
        switch (error)
        {
            case "access_denied":
                result.ShouldBe(new SignInResult.Cancelled(CancelReason.UserDenied));
                break;
            case "invalid_scope":
                result.ShouldBeOfType<SignInResult.Refused>().Error.Code.ShouldBe(error);
                break;
            default:
                result.ShouldBeOfType<SignInResult.Unavailable>().Retryable.ShouldBeTrue();
                break;
        }
        server.TokenRequests.ShouldBeEmpty();
    }

    [Fact]
    public async Task The_page_waits_for_the_exchange_and_tells_of_its_failure()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        var pageWasThere = true;
        server.Instead["/token"] = context =>
        {
            pageWasThere = browser.Page.IsCompleted;
            return ScriptedServer.ErrorAsync(context, "invalid_grant");
        };
        await using var client = new PublicClient(server.Options(browser));
        await using var pending = await client.BeginAsync(Cancel);
        await pending.OpenBrowserAsync(Cancel);

        var result = await pending.EndAsync(Cancel);

        result.ShouldBeOfType<SignInResult.Refused>().Error.Code.ShouldBe("invalid_grant");
        pageWasThere.ShouldBeFalse();
        (await browser.Page).Html.ShouldContain("The sign-in was refused");
    }

    [Fact]
    public async Task Nobody_comes_and_the_wait_ends_and_the_port_is_free()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = new PublicClient(server.Options() with { Timeout = TimeSpan.FromMilliseconds(100) });
        await using var pending = await client.BeginAsync(Cancel);

        var result = await pending.EndAsync(Cancel);

        result.ShouldBe(new SignInResult.Cancelled(CancelReason.TimedOut));
        PortIsFree(pending).ShouldBeTrue();
    }

    [Fact]
    public async Task The_caller_gives_up_and_the_port_is_free()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = new PublicClient(server.Options());
        await using var pending = await client.BeginAsync(Cancel);
        using var giveUp = new CancellationTokenSource();
        var waiting = pending.EndAsync(giveUp.Token);

        await giveUp.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => waiting);
        PortIsFree(pending).ShouldBeTrue();
    }

    [Fact]
    public async Task A_sign_in_that_is_never_completed_frees_its_port_when_disposed()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = new PublicClient(server.Options());
        var pending = await client.BeginAsync(Cancel);
        PortIsFree(pending).ShouldBeFalse();

        await pending.DisposeAsync();

        PortIsFree(pending).ShouldBeTrue();
    }

    [Fact]
    public async Task GetSession_throws_a_reason_for_each_ending_that_is_no_session()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));

        server.AuthorizeError = "access_denied";
        (await Should.ThrowAsync<SignInRequiredException>(() => client.GetSessionAsync(Cancel))).Reason.ShouldBe(SignInRequiredReason.UserDenied);
        server.AuthorizeError = "invalid_scope";
        var refused = await Should.ThrowAsync<SignInRequiredException>(() => client.GetSessionAsync(Cancel));
        refused.Code.ShouldBe("refused");
        refused.Error!.Code.ShouldBe("invalid_scope");
        refused.Remedy.ShouldBe("Ask for scopes that this client may have.");
        server.Mend();
        server.Break(Fault.Unavailable);
        (await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => client.GetSessionAsync(Cancel))).Code.ShouldBe("server_status");
        server.Mend();
        server.Break(Fault.WrongIssuer);
        (await Should.ThrowAsync<ProtocolViolationException>(() => client.GetSessionAsync(Cancel))).Code.ShouldBe("issuer_mismatch");
        server.Mend();
        browser.Person = PersonDoes.ClosesTheWindow;
        await using var hasty = new PublicClient(server.Options(browser) with { Timeout = TimeSpan.FromMilliseconds(100) });
        (await Should.ThrowAsync<SignInRequiredException>(() => hasty.GetSessionAsync(Cancel))).Reason.ShouldBe(SignInRequiredReason.TimedOut);

        browser.Person = PersonDoes.SignsIn;
        (await client.GetSessionAsync(Cancel)).Subject.ShouldBe("alice");
    }

    [Fact]
    [Assertion("CL-08")]
    public async Task A_pasted_callback_ends_the_wait_of_the_listener_too()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = new PublicClient(server.Options() with { ResponseMode = ResponseMode.Query });
        await using var pending = await client.BeginAsync(Cancel);
        var waiting = pending.EndAsync(Cancel);

        var pasted = await pending.EndAsync(await CallbackOfAsync(pending), Cancel);

        pasted.ShouldBeOfType<SignInResult.SignedIn>();
        (await waiting).ShouldBeSameAs(pasted);
        PortIsFree(pending).ShouldBeTrue();
    }

    [Fact]
    [Assertion("CL-01")]
    public async Task A_callback_with_another_state_or_address_is_rejected_and_the_right_one_still_counts()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = new PublicClient(server.Options() with { Redirect = new Redirect.PrivateUse(RedirectUri.Parse("com.example.app:/callback")) });
        await using var pending = await client.BeginAsync(Cancel);
        var right = await CallbackOfAsync(pending);

        foreach (var wrong in (string[])["com.example.app:/callback?code=x", "com.example.app:/callback?code=x&state=y", right.OriginalString + "&state=y", right.OriginalString.Replace("/callback", "/other", StringComparison.Ordinal)])
            (await pending.EndAsync(new Uri(wrong), Cancel)).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe("callback_not_ours");
        server.TokenRequests.ShouldBeEmpty();

        (await pending.EndAsync(right, Cancel)).ShouldBeOfType<SignInResult.SignedIn>();
        await Should.ThrowAsync<InvalidOperationException>(() => pending.EndAsync(right, Cancel));
    }

    [Fact]
    public async Task Without_a_browser_one_call_does_not_wait_in_silence()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = new PublicClient(server.Options() with { OpenBrowser = (_, _) => ValueTask.FromResult(false) });

        var problem = await Should.ThrowAsync<SignInRequiredException>(() => client.GetSessionAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(20), Cancel));

        problem.Reason.ShouldBe(SignInRequiredReason.NoBrowser);
        problem.Code.ShouldBe("no_browser");
        problem.Remedy.ShouldContain(nameof(PendingSignIn.AuthorizeUri));
    }

    [Fact]
    public async Task A_program_with_its_own_callback_is_told_before_a_browser_opens()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { Redirect = new Redirect.PrivateUse(RedirectUri.Parse("com.example.app:/callback")) });

        (await Should.ThrowAsync<SignInRequiredException>(() => client.GetSessionAsync(Cancel))).Reason.ShouldBe(SignInRequiredReason.NoBrowser);

        browser.Opened.ShouldBeNull();
        server.Paths.ShouldBeEmpty();
    }

    [Fact]
    public async Task Disposing_a_sign_in_that_waits_ends_the_wait_at_once()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = new PublicClient(server.Options());
        var pending = await client.BeginAsync(Cancel);
        var waiting = pending.EndAsync(Cancel);

        await pending.DisposeAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => waiting.WaitAsync(TimeSpan.FromSeconds(20), Cancel));
        PortIsFree(pending).ShouldBeTrue();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Disposing_a_sign_in_while_its_answer_is_redeemed_keeps_the_result(bool handedOver)
    {
        await using var server = await ScriptedServer.StartAsync();
        var (accepted, gate) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var client = new PublicClient(server.Options() with
        {
            ResponseMode = ResponseMode.Query,
            OnEvent = SuiteWitness.And(happened =>
            {
                if (happened is ClientEvent.CallbackAccepted) accepted.SetResult();
            }),
        });
        var pending = await client.BeginAsync(Cancel);
        server.Instead["/jwks"] = async context =>
        {
            await gate.Task;
            await ScriptedServer.JsonAsync(context, 200, System.Text.Encoding.UTF8.GetString(new Jose.JwkSet([server.Key.PublicKey]).ToJson()));
        };
        var callback = await CallbackOfAsync(pending);
        var waiting = pending.EndAsync(Cancel);
        using var http = new HttpClient();
        var handing = handedOver ? pending.EndAsync(callback, Cancel) : waiting;
        var browsing = handedOver ? Task.CompletedTask : http.GetAsync(callback, Cancel);
        if (!handedOver) await accepted.Task;

        await pending.DisposeAsync();
        gate.SetResult();

        (await waiting).ShouldBeOfType<SignInResult.SignedIn>();
        (await handing).ShouldBeOfType<SignInResult.SignedIn>();
        // The page is gone with the listener.
        (await Record.ExceptionAsync(() => browsing) is HttpRequestException).ShouldBe(!handedOver);
    }

    [Fact]
    public async Task A_program_with_its_own_callback_has_no_listener_to_wait_for()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = new PublicClient(server.Options() with { Redirect = new Redirect.ClaimedHttps(RedirectUri.Parse("https://app.example.com/callback")) });
        await using var pending = await client.BeginAsync(Cancel);

        pending.RedirectUri.ShouldBe("https://app.example.com/callback");
        await Should.ThrowAsync<InvalidOperationException>(() => pending.EndAsync(Cancel));
    }

    [Fact]
    [Rfc("RFC 8707", "2")]
    [Rfc("RFC 6749", "4.1.1"), Rfc("RFC 8707", "2.1")]
    public async Task Resource_and_more_parameters_are_sent()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        var options = server.Options(browser) with { Resource = "https://api.example.com/", AdditionalParameters = new Dictionary<string, string> { ["prompt"] = "login" } };
        await using var client = new PublicClient(options);

        await client.GetSessionAsync(Cancel);

        server.AuthorizeRequests.Single()["resource"].ShouldBe("https://api.example.com/");
        server.AuthorizeRequests.Single()["prompt"].ShouldBe("login");
        server.TokenRequests.Single()["resource"].ShouldBe("https://api.example.com/");
    }

    [Fact]
    [Assertion("CL-13")]
    [Rfc("RFC 9700", "4.2.4")]
    public async Task No_secret_is_in_an_event_a_result_an_exception_or_a_printed_object()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        var said = new List<object>();
        await using var client = new PublicClient(server.Options(browser) with { OnEvent = SuiteWitness.And(said.Add) });
        said.Add(client);
        said.Add(client.Options);
        await using var pending = await client.BeginAsync(Cancel);
        said.Add(pending);
        await pending.OpenBrowserAsync(Cancel);
        var result = await pending.EndAsync(Cancel);
        said.Add(result);
        var session = ((SignInResult.SignedIn)result).Session;
        said.Add(session);
        said.Add(session.Stored);
        server.Time.Shift = TimeSpan.FromMinutes(9.5);
        said.Add(await session.GetAccessTokenAsync(cancel: Cancel));
        // A hostile server echoes what it was sent.
        server.Instead["/token"] = async context =>
        {
            var form = await context.Request.ReadFormAsync();
            await ScriptedServer.JsonAsync(context, 400, $$"""{"error":"invalid_client","error_description":"you sent {{form["refresh_token"]}}"}""");
        };
        server.Time.Shift = TimeSpan.FromMinutes(30);
        said.Add(await Should.ThrowAsync<SignInRequiredException>(() => session.GetAccessTokenAsync(cancel: Cancel)));

        var text = string.Join('\n', said);
        text.ShouldContain("TokensRefreshed");
        text.ShouldContain("you sent [redacted]");
        server.Secrets.Count.ShouldBeGreaterThan(6);
        foreach (var secret in server.Secrets) text.ShouldNotContain(secret);
    }

    internal static Parameters Query(Uri address)
    {
        Parameters.TryParse(address.Query.AsSpan(1), out var query, out _).ShouldBeTrue();
        return query;
    }

    internal static async Task<Uri> CallbackOfAsync(PendingSignIn pending)
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        using var answer = await http.GetAsync(pending.AuthorizeUri, Cancel);
        return answer.Headers.Location!;
    }

    private static bool PortIsFree(PendingSignIn pending)
    {
        var port = new Uri(pending.RedirectUri).Port;
        try
        {
            using var v4 = new TcpListener(IPAddress.Loopback, port);
            v4.Start();
            using var v6 = new TcpListener(IPv6.Loopback, port);
            v6.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
