using System.Net;
using System.Net.Sockets;
using System.Text;
using ProofKey.Client.Loopback;

namespace ProofKey.Client.Tests;

/// <summary>Raw sockets against the listener while a sign-in waits.</summary>
public sealed class LoopbackListenerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/favicon.ico", IgnoredRequestReason.Path)]
    [InlineData("/", IgnoredRequestReason.Path)]
    [InlineData("/callback/?{0}", IgnoredRequestReason.Path)]
    [InlineData("/Callback?{0}", IgnoredRequestReason.Path)]
    [InlineData("/%63allback?{0}", IgnoredRequestReason.Path)]
    [InlineData("//callback?{0}", IgnoredRequestReason.Path)]
    [InlineData("/callback/done", IgnoredRequestReason.Path)]
    [InlineData("/callback", IgnoredRequestReason.State)]
    [InlineData("/callback?code=x", IgnoredRequestReason.State)]
    [InlineData("/callback?code=x&state=wrong", IgnoredRequestReason.State)]
    [InlineData("/callback?error=access_denied", IgnoredRequestReason.State)]
    [InlineData("/callback?error=access_denied&state=wrong", IgnoredRequestReason.State)]
    [InlineData("/callback?{0}&state=wrong", IgnoredRequestReason.State)]
    [InlineData("/callback?{0}&x=%00", IgnoredRequestReason.State)]
    [InlineData("/callback?{0}&x=%ff", IgnoredRequestReason.State)]
    [Assertion("CL-01")]
    [Assertion("CL-07")]
    [Rfc("RFC 6749", "10.12")]
    public async Task A_request_with_another_path_or_state_gets_404_and_changes_nothing(string target, IgnoredRequestReason reason)
    {
        await using var waiting = await Waiting.BeginAsync();

        var answer = await waiting.SendAsync(waiting.Get(target.Replace("{0}", waiting.Query.TrimStart('?'), StringComparison.Ordinal)));

        answer.ShouldStartWith("HTTP/1.1 404 ");
        waiting.Ignored.ShouldBe([reason]);
        await waiting.StillCompletesAsync();
    }

    [Theory]
    [InlineData("/callback", "")]
    [InlineData("/callback", "code=x")]
    [InlineData("/callback", "code=x&state=wrong")]
    [InlineData("/callback", "error=access_denied")]
    [InlineData("/callback", "error=access_denied&state=wrong")]
    [InlineData("/callback", "{0}&state=wrong")]
    [InlineData("/callback", "{0}&x=%00")]
    [InlineData("/callback", "{0}&x=%ff")]
    [InlineData("/callback?{0}", "code=x")]
    [Assertion("CL-01")]
    [Assertion("CL-07")]
    [Rfc("RFC 6749", "10.12")]
    public async Task A_form_with_another_state_gets_404_and_changes_nothing(string target, string form)
    {
        await using var waiting = await Waiting.BeginAsync(options => options with { ResponseMode = ResponseMode.FormPost });
        string Filled(string pattern) => pattern.Replace("{0}", waiting.Query.TrimStart('?'), StringComparison.Ordinal);

        var answer = await waiting.SendAsync(waiting.Post(Filled(target), Filled(form)));

        answer.ShouldStartWith("HTTP/1.1 404 ");
        waiting.Ignored.ShouldBe([IgnoredRequestReason.State]);
        await waiting.StillCompletesAsync();
    }

    [Theory]
    [InlineData("next=https://evil.example")]
    [InlineData("next=//evil.example")]
    [InlineData("redirect_uri=/%5Cevil.example")]
    [InlineData("return_url=%09//evil.example")]
    [Assertion("RU-14")]
    public async Task No_address_in_an_answer_is_gone_to(string planted)
    {
        await using var waiting = await Waiting.BeginAsync();

        var answer = await waiting.SendAsync(waiting.Get($"/callback{waiting.Query}&{planted}"));

        answer.ShouldStartWith("HTTP/1.1 303 ");
        answer.Split("\r\n").ShouldContain(line => line.StartsWith("Location: /callback/done/", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("evil.example")]
    [InlineData("localhost:{0}")]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1:1")]
    [InlineData("127.0.0.1:{0}.evil.example")]
    [InlineData("")]
    [Assertion("CL-07")]
    [Rfc("RFC 9110", "7.2")]
    public async Task A_request_for_another_host_gets_404_and_changes_nothing(string host)
    {
        await using var waiting = await Waiting.BeginAsync();
        var named = host.Replace("{0}", waiting.Port.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);

        (await waiting.SendAsync(waiting.Get("/callback" + waiting.Query, named))).ShouldStartWith("HTTP/1.1 404 ");

        waiting.Ignored.ShouldBe([IgnoredRequestReason.Host]);
        await waiting.StillCompletesAsync();
    }

    [Fact]
    [Assertion("CL-07")]
    public async Task A_preflight_gets_no_permission_and_changes_nothing()
    {
        await using var waiting = await Waiting.BeginAsync();

        var answer = await waiting.SendAsync(
            $"OPTIONS /callback{waiting.Query} HTTP/1.1\r\nHost: 127.0.0.1:{waiting.Port}\r\nOrigin: https://evil.example\r\nAccess-Control-Request-Method: GET\r\n"
            + "Access-Control-Request-Private-Network: true\r\nAccess-Control-Request-Local-Network: true\r\n\r\n");

        answer.ShouldStartWith("HTTP/1.1 204 ");
        answer.ShouldNotContain("Access-Control", Case.Insensitive);
        await waiting.StillCompletesAsync();
    }

    [Theory]
    [InlineData("HEAD")]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("get")]
    [Assertion("CL-07")]
    public async Task Another_method_than_GET_changes_nothing(string method)
    {
        await using var waiting = await Waiting.BeginAsync();

        (await waiting.SendAsync($"{method} /callback{waiting.Query} HTTP/1.1\r\nHost: 127.0.0.1:{waiting.Port}\r\n\r\n")).ShouldStartWith("HTTP/1.1 404 ");

        waiting.Ignored.ShouldBe([IgnoredRequestReason.Method]);
        await waiting.StillCompletesAsync();
    }

    [Theory]
    [InlineData("\u0016\u0003\u0001\u0002\r\n\r\n")]
    [InlineData("GET /callback{1}\r\n\r\n")]
    [InlineData("GET  /callback{1} HTTP/1.1\r\nHost: {0}\r\n\r\n")]
    [InlineData("GET http://{0}/callback{1} HTTP/1.1\r\nHost: {0}\r\n\r\n")]
    [InlineData("GET /callback{1} HTTP/2.0\r\nHost: {0}\r\n\r\n")]
    [InlineData("GET /callback{1} HTTP/1.1\r\nHost: {0}\r\nHost: {0}\r\n\r\n")]
    [InlineData("GET /callback{1} HTTP/1.1\r\nHost : {0}\r\n\r\n")]
    [InlineData("GET /callback{1}\u00ff HTTP/1.1\r\nHost: {0}\r\n\r\n")]
    [InlineData("GET\t/callback{1} HTTP/1.1\r\nHost: {0}\r\n\r\n")]
    [InlineData("GET /callback{1} HTTP/1.1\r\nHost: {0}\u00ff\r\n\r\n")]
    [InlineData("GET /callback{1} HTTP/1.1\r\nHost: {0}\r\n\tX: folded\r\n\r\n")]
    [InlineData("GET /callback{1} HTTP/1.1\r\nHost: {0}\r\nX\u00ff: 1\r\n\r\n")]
    [InlineData("GET /callback{1} HTTP/1.1\r\nHost: {0}\r\nX: a\rb\r\n\r\n")]
    [InlineData("GET /callback{1} HTTP/1.1\r\nHost: {0}\r\nX: a\nContent-Length: 9\r\n\r\n")]
    [InlineData("GET /callback{1} HTTP/1.1\r\nHost: {0}\r\nX: \u0000\r\n\r\n")]
    [InlineData("GET /callback{1} HTTP/1.1\r\nHost: {0}\r\nContent-Type: a\tb\r\n\r\n")]
    [InlineData("GET /callback{1} HTTP/1.1\r\nHost: {0}\r\n folded\r\n\r\n")]
    [InlineData("GET /callback{1} HTTP/1.1\nHost: {0}\n\r\n\r\n")]
    [InlineData("GET /callback{1} HTTP/1.1\r\nHost: {0}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("GET /callback{1} HTTP/1.1\r\nHost: {0}\r\nContent-Length: -1\r\n\r\n")]
    [InlineData("GET /callback{1} HTTP/1.1\r\nHost: {0}\r\n\r\nGET /callback{1} HTTP/1.1\r\nHost: {0}\r\n\r\n")]
    [Assertion("CL-07")]
    [Rfc("RFC 9112", "3.2"), Rfc("RFC 9112", "3.2.1"), Rfc("RFC 9112", "6.3")]
    public async Task Malformed_requests_get_400_and_change_nothing(string pattern)
    {
        await using var waiting = await Waiting.BeginAsync();
        var request = pattern.Replace("{0}", $"127.0.0.1:{waiting.Port}", StringComparison.Ordinal).Replace("{1}", waiting.Query, StringComparison.Ordinal);

        (await waiting.SendAsync(request)).ShouldStartWith("HTTP/1.1 400 ");

        waiting.Ignored.ShouldBe([IgnoredRequestReason.Malformed]);
        await waiting.StillCompletesAsync();
    }

    [Theory]
    [InlineData("Accept:\t*/*\t")]
    [InlineData("X-Note: a\tb")]
    [InlineData("Cookie: name=na\u00efve\u0080\u00ff")]
    [InlineData("Cookie: {0}")]
    [InlineData("X-Empty:")]
    [Rfc("RFC 9110", "5.5")]
    public async Task Fields_that_are_legal_and_not_for_us_are_let_pass(string field)
    {
        await using var waiting = await Waiting.BeginAsync();
        var request = $"GET /callback{waiting.Query} HTTP/1.1\r\n{field.Replace("{0}", new string('x', 40_000), StringComparison.Ordinal)}\r\nHost: 127.0.0.1:{waiting.Port}\r\n\r\n";

        await waiting.SendAsync(await waiting.LocationAsync(waiting.SendAsync(request)));

        (await waiting.Result).ShouldBeOfType<SignInResult.SignedIn>();
        waiting.Ignored.ShouldBeEmpty();
    }

    [Fact]
    [Assertion("CL-07")]
    public async Task A_megabyte_of_headers_or_of_body_is_cut_off()
    {
        await using var waiting = await Waiting.BeginAsync(options => options with { ResponseMode = ResponseMode.FormPost });
        // What comes beyond the limit is drained, so that the answer is not lost to a reset.
        (await waiting.SendAsync(waiting.Get("/callback?" + new string('x', 1_000_000)))).ShouldStartWith("HTTP/1.1 400 ");
        (await waiting.SendAsync(waiting.Post("/callback", new string('x', 1_000_000)))).ShouldStartWith("HTTP/1.1 400 ");

        waiting.Result.IsCompleted.ShouldBeFalse();
        waiting.Server.TokenRequests.ShouldBeEmpty();
        (await waiting.SendAsync(waiting.Post("/callback", waiting.Query.TrimStart('?')))).ShouldStartWith("HTTP/1.1 303 ");
    }

    [Fact]
    [Assertion("CL-07")]
    public async Task An_empty_connection_is_no_answer()
    {
        await using var waiting = await Waiting.BeginAsync();
        using var idle = await waiting.ConnectAsync();
        using (var empty = await waiting.ConnectAsync()) empty.Shutdown(SocketShutdown.Send);
        using (var reset = await waiting.ConnectAsync()) reset.LingerState = new LingerOption(true, 0);

        await waiting.StillCompletesAsync();
        waiting.Ignored.ShouldBeEmpty();
    }

    [Fact]
    [Assertion("CL-07")]
    public async Task A_client_that_sends_a_byte_now_and_then_is_cut_off()
    {
        await using var waiting = await Waiting.BeginAsync(options => options with { TimeProvider = new HastyTime() });
        using var slow = await waiting.ConnectAsync();
        var closed = EndOfAsync(slow);

        // Each byte comes well within the limit of the request, which all of them together pass ten times over.
        for (var sent = 0; sent < 1000 && !closed.IsCompleted; sent++)
        {
            await TrySendAsync(slow, "x");
            await Task.WhenAny(closed, Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, Cancel));
        }

        closed.IsCompleted.ShouldBeTrue();
        await waiting.StillCompletesAsync();
    }

    [Fact]
    [Assertion("CL-07")]
    public async Task A_hundred_requests_at_once_are_all_answered()
    {
        await using var waiting = await Waiting.BeginAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => waiting.SendAsync(waiting.Get($"/callback?code=x&state=guess{i}"))));

        answers.ShouldAllBe(answer => answer.StartsWith("HTTP/1.1 404 ", StringComparison.Ordinal));
        await waiting.StillCompletesAsync();
    }

    [Fact]
    [Assertion("CL-07")]
    public async Task A_copy_of_the_answer_ends_as_the_answer_does_and_the_code_is_redeemed_once()
    {
        await using var waiting = await Waiting.BeginAsync();
        var gate = waiting.HoldKeys();
        var first = waiting.SendAsync(waiting.Get("/callback" + waiting.Query));
        await Until(() => waiting.WasAccepted);
        var second = waiting.SendAsync(waiting.Get("/callback" + waiting.Query));

        gate.SetResult();
        var page = await waiting.LocationAsync(first);
        (await waiting.LocationAsync(second)).ShouldBe(page);
        (await waiting.LocationAsync(waiting.SendAsync(waiting.Get("/callback" + waiting.Query)))).ShouldBe(page);

        (await waiting.SendAsync(page)).ShouldContain("You are signed in");
        (await waiting.Result).ShouldBeOfType<SignInResult.SignedIn>();
        waiting.Ignored.ShouldBeEmpty();
        waiting.Server.TokenRequests.Count.ShouldBe(1);
    }

    [Fact]
    [Assertion("CL-07")]
    public async Task Who_presses_the_button_of_the_form_twice_has_the_page_of_the_second_press()
    {
        // Ten times, for what breaks there and what comes of it may change places.
        for (var i = 0; i < 10; i++)
        {
            await using var waiting = await Waiting.BeginAsync(options => options with { ResponseMode = ResponseMode.FormPost });
            var gate = waiting.HoldKeys();
            var form = waiting.Post("/callback", waiting.Query.TrimStart('?'));
            using (var first = await waiting.ConnectAsync())
            {
                await first.SendAsync(Encoding.Latin1.GetBytes(form), Cancel);
                await Until(() => waiting.WasAccepted);
                // A browser closes the connection of the first press. What the listener sends there breaks.
                first.LingerState = new LingerOption(true, 0);
            }
            var second = waiting.SendAsync(form);
            // What comes after it is answered, so it has been read.
            (await waiting.SendAsync(waiting.Get("/favicon.ico"))).ShouldStartWith("HTTP/1.1 404 ");

            gate.SetResult();

            (await waiting.SendAsync(await waiting.LocationAsync(second))).ShouldContain("You are signed in");
            (await waiting.Result).ShouldBeOfType<SignInResult.SignedIn>();
            waiting.Server.TokenRequests.Count.ShouldBe(1);
        }
    }

    [Fact]
    [Assertion("CL-07")]
    public async Task Who_presses_the_button_again_when_the_first_press_has_been_answered_in_vain_has_the_page()
    {
        for (var i = 0; i < 5; i++)
        {
            await using var waiting = await Waiting.BeginAsync(options => options with { ResponseMode = ResponseMode.FormPost });
            var gate = waiting.HoldKeys();
            var form = waiting.Post("/callback", waiting.Query.TrimStart('?'));
            using (var first = await waiting.ConnectAsync())
            {
                await first.SendAsync(Encoding.Latin1.GetBytes(form), Cancel);
                await Until(() => waiting.WasAccepted);
                first.LingerState = new LingerOption(true, 0);
            }
            gate.SetResult();
            await Until(() => waiting.Server.TokenRequests.Count == 1);

            (await waiting.SendAsync(await waiting.LocationAsync(waiting.SendAsync(form)))).ShouldContain("You are signed in");

            (await waiting.Result).ShouldBeOfType<SignInResult.SignedIn>();
        }
    }

    [Theory]
    [InlineData("/callback{0}&x=1")]
    [InlineData("/callback?error=access_denied&{1}")]
    [InlineData("/callback?code=another&{1}")]
    [Assertion("CL-07")]
    public async Task Another_answer_with_our_state_is_late_and_changes_nothing(string pattern)
    {
        await using var waiting = await Waiting.BeginAsync();
        var gate = waiting.HoldKeys();
        var first = waiting.SendAsync(waiting.Get("/callback" + waiting.Query));
        await Until(() => waiting.WasAccepted);
        var state = waiting.Query.TrimStart('?').Split('&').Single(pair => pair.StartsWith("state=", StringComparison.Ordinal));
        var other = pattern.Replace("{0}", waiting.Query, StringComparison.Ordinal).Replace("{1}", state, StringComparison.Ordinal);

        (await waiting.SendAsync(waiting.Get(other))).ShouldStartWith("HTTP/1.1 404 ");
        waiting.Ignored.ShouldBe([IgnoredRequestReason.Late]);
        gate.SetResult();
        var page = await waiting.LocationAsync(first);
        (await waiting.SendAsync(waiting.Get(other))).ShouldStartWith("HTTP/1.1 404 ");

        await waiting.SendAsync(page);
        (await waiting.Result).ShouldBeOfType<SignInResult.SignedIn>();
        waiting.Server.TokenRequests.Count.ShouldBe(1);
    }

    [Fact]
    [Assertion("CL-07")]
    [Rfc("RFC 8252", "7.3")]
    public async Task It_listens_on_both_loopback_addresses_and_on_no_other()
    {
        await using var waiting = await Waiting.BeginAsync();

        // A listener on 0.0.0.0 or [::] would answer here as well, and the whole network.
        PortHolder.Listening(waiting.Port).Select(one => one.Address).ShouldBe([IPAddress.Loopback, IPv6.Loopback]);

        (await waiting.SendAsync(waiting.Get("/callback", $"[::1]:{waiting.Port}"), IPv6.Loopback)).ShouldStartWith("HTTP/1.1 404 ");
        waiting.Ignored.ShouldBe([IgnoredRequestReason.State]);
        await waiting.StillCompletesAsync();
    }

    [Fact]
    public async Task The_answer_may_come_in_over_the_other_address_family()
    {
        await using var waiting = await Waiting.BeginAsync();
        var answer = waiting.SendAsync(waiting.Get("/callback" + waiting.Query, $"[::1]:{waiting.Port}"), IPv6.Loopback);

        await waiting.SendAsync(await waiting.LocationAsync(answer), IPv6.Loopback);

        (await waiting.Result).ShouldBeOfType<SignInResult.SignedIn>();
    }

    [Theory]
    [InlineData(ResponseMode.Query)]
    [InlineData(ResponseMode.FormPost)]
    [Assertion("CL-17")]
    [Rfc("RFC 9700", "4.2.4")]
    public async Task The_page_is_at_a_clean_address_and_holds_no_code(ResponseMode mode)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser) with { ResponseMode = mode });
        await client.GetSessionAsync(Cancel);

        var page = await browser.Page;

        page.Status.ShouldBe(HttpStatusCode.OK);
        page.Address.PathAndQuery.ShouldMatch("^/callback/done/[A-Za-z0-9_-]{22}$");
        page.Headers["Cache-Control"].ShouldBe("no-store");
        page.Headers["Referrer-Policy"].ShouldBe("no-referrer");
        page.Headers["X-Content-Type-Options"].ShouldBe("nosniff");
        page.Headers["Content-Security-Policy"].ShouldStartWith("default-src 'none'; style-src 'sha256-");
        page.Headers["Content-Security-Policy"].ShouldContain("frame-ancestors 'none'");
        foreach (var secret in server.Secrets) (page.Html + page.Address).ShouldNotContain(secret);
        page.Html.ShouldNotContain("<script");
    }

    [Fact]
    [Assertion("CL-07")]
    [Assertion("CL-17")]
    public async Task Nobody_else_finds_the_page_and_asking_for_it_takes_it_from_nobody()
    {
        await using var waiting = await Waiting.BeginAsync();
        var page = await waiting.LocationAsync(waiting.SendAsync(waiting.Get("/callback" + waiting.Query)));

        foreach (var guess in (string[])["/callback/done", "/callback/done/", "/done", $"/callback/done/{Secret.NewText(16)}"])
            (await waiting.SendAsync(waiting.Get(guess))).ShouldStartWith("HTTP/1.1 404 ");

        (await waiting.SendAsync(page)).ShouldContain("You are signed in");
        (await waiting.Result).ShouldBeOfType<SignInResult.SignedIn>();
    }

    [Fact]
    [Assertion("CL-17")]
    public async Task The_style_of_the_page_is_the_one_that_its_policy_allows()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        await using var client = new PublicClient(server.Options(browser));
        await client.GetSessionAsync(Cancel);
        var page = await browser.Page;

        var style = page.Html.Split("<style>")[1].Split("</style>")[0];

        page.Headers["Content-Security-Policy"].ShouldContain($"'sha256-{Convert.ToBase64String(Secret.Digest(style))}'");
    }

    [Fact]
    [Assertion("CL-07")]
    public async Task The_page_arrives_whole_although_the_port_is_closed_right_after()
    {
        for (var i = 0; i < 20; i++)
        {
            await using var waiting = await Waiting.BeginAsync();
            var redirect = await waiting.LocationAsync(waiting.SendAsync(waiting.Get("/callback" + waiting.Query)));
            (await waiting.SendAsync(redirect)).ShouldEndWith("</html>\n");
            (await waiting.Result).ShouldBeOfType<SignInResult.SignedIn>();
        }
    }

    [Fact]
    [Assertion("CL-07")]
    public async Task A_connection_is_closed_after_the_other_side_has_finished()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var browser = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await browser.ConnectAsync(listener.LocalEndpoint, Cancel);
        using var connection = await listener.AcceptSocketAsync(Cancel);

        var sending = LoopbackResponse.SeeOther("/done").SendAsync(connection, TimeSpan.FromMinutes(1), Cancel);

        (await Waiting.ReadAsync(browser)).ShouldStartWith("HTTP/1.1 303 ");
        sending.IsCompleted.ShouldBeFalse();
        browser.Dispose();
        await sending;
    }

    [Fact]
    public async Task A_browser_that_leaves_before_its_page_does_not_stop_the_sign_in()
    {
        await using var waiting = await Waiting.BeginAsync();
        using (var socket = await waiting.ConnectAsync())
        {
            await socket.SendAsync(Encoding.ASCII.GetBytes(waiting.Get("/callback" + waiting.Query)), Cancel);
            await Until(() => !waiting.Server.TokenRequests.IsEmpty);
            socket.LingerState = new LingerOption(true, 0);
        }

        (await waiting.Result).ShouldBeOfType<SignInResult.SignedIn>();
    }

    [Theory]
    [InlineData("PUT", "application/x-www-form-urlencoded", "/callback")]
    [InlineData("POST", "text/plain", "/callback")]
    [InlineData("POST", "application/x-www-form-urlencoded", "/other")]
    [Assertion("CL-08")]
    public async Task Who_asked_for_a_form_post_takes_nothing_else(string method, string type, string path)
    {
        await using var waiting = await Waiting.BeginAsync(options => options with { ResponseMode = ResponseMode.FormPost });
        var form = waiting.Query.TrimStart('?');

        (await waiting.SendAsync(waiting.Post(path, form, type).Replace("POST", method, StringComparison.Ordinal))).ShouldStartWith("HTTP/1.1 404 ");
        (await waiting.Pending.EndAsync(new Uri($"{waiting.Pending.RedirectUri}?{form}"), Cancel)).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe("callback_by_get");
        waiting.Result.IsCompleted.ShouldBeFalse();
        waiting.Server.TokenRequests.ShouldBeEmpty();

        await waiting.SendAsync(await waiting.LocationAsync(waiting.SendAsync(waiting.Post("/callback", form))));
        (await waiting.Result).ShouldBeOfType<SignInResult.SignedIn>();
        waiting.Server.AuthorizeRequests.Single()["response_mode"].ShouldBe("form_post");
    }

    /// <summary>Sends what the other side may want to hear no more.</summary>
    internal static async Task TrySendAsync(Socket socket, string text)
    {
        try
        {
            await socket.SendAsync(Encoding.Latin1.GetBytes(text), Cancel);
        }
        catch (SocketException)
        {
            // It has closed the connection.
        }
    }

    /// <summary>Waits until the other side has closed a connection.</summary>
    internal static async Task EndOfAsync(Socket socket)
    {
        try
        {
            await Waiting.ReadAsync(socket);
        }
        catch (SocketException)
        {
            // With what we sent and it did not read.
        }
    }

    internal static async Task Until(Func<bool> condition)
    {
        while (!condition()) await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, Cancel);
    }

    /// <summary>Runs short timers ten times as fast, so that ten seconds of patience are over in one.</summary>
    private sealed class HastyTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime == TimeSpan.FromSeconds(10) ? dueTime / 10 : dueTime, period);
    }
}
