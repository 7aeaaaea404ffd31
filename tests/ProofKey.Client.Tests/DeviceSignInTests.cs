using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ProofKey.Client.Tests;

/// <summary>A machine whose person is elsewhere, and a server that does not always answer as it should.</summary>
public sealed class DeviceSignInTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Rfc("RFC 8628", "3.1"), Rfc("RFC 8628", "3.2"), Rfc("RFC 8628", "3.4")]
    public async Task A_person_enters_the_code_elsewhere_and_the_device_is_signed_in()
    {
        await using var device = await Device.StartAsync();
        device.Server.Polls.Enqueue(Says("authorization_pending"));

        var signIn = await device.Client.BeginDeviceAsync(Cancel);
        signIn.UserCode.ShouldBe("WDJB-MJHT");
        signIn.VerificationUri.AbsoluteUri.ShouldBe(device.Server.Issuer.Endpoint("/device"));
        signIn.VerificationUriComplete!.Query.ShouldBe("?user_code=WDJB-MJHT");
        var session = (await signIn.EndAsync(Cancel)).ShouldBeOfType<SignInResult.SignedIn>().Session;

        session.Subject.ShouldBe("alice");
        session.CanRefresh.ShouldBeTrue();
        device.Server.TokenRequests.Count.ShouldBe(2);
        device.Server.TokenRequests.ShouldAllBe(form => form["grant_type"] == "urn:ietf:params:oauth:grant-type:device_code" && form["client_id"] == ScriptedServer.ClientId);
        device.Server.AuthorizeRequests.ShouldBeEmpty();
        device.Clock.Waits.ShouldBe([5, 5]);
        (await device.Client.FindSessionAsync(Cancel))!.Stored.Id.ShouldBe(session.Stored.Id);
    }

    [Theory]
    [InlineData(302)]
    [InlineData(307)]
    [Assertion("CL-11")]
    public async Task A_redirect_of_the_request_for_a_code_is_not_followed(int status)
    {
        await using var device = await Device.StartAsync();
        device.Server.Instead["/device_authorization"] = context => DiscoveryTests.Redirect(context, status, device.Server.At("/elsewhere"));

        (await Should.ThrowAsync<ProtocolViolationException>(() => device.Client.BeginDeviceAsync(Cancel))).Code.ShouldBe("redirect");

        device.Server.Count("/elsewhere").ShouldBe(0);
    }

    [Fact]
    [Assertion("DV-11")]
    [Rfc("RFC 8628", "3.2")]
    public async Task Without_an_interval_it_is_five_seconds()
    {
        await using var device = await Device.StartAsync();
        device.Server.SpoilDevice = answer => answer.Remove("interval");

        (await device.RunAsync()).ShouldBeOfType<SignInResult.SignedIn>();

        device.Clock.Waits.ShouldBe([5]);
    }

    [Fact]
    [Assertion("DV-11")]
    [Rfc("RFC 8628", "3.5")]
    public async Task Each_slow_down_adds_five_seconds_for_good()
    {
        await using var device = await Device.StartAsync();
        foreach (var code in (string[])["slow_down", "authorization_pending", "slow_down", "authorization_pending"]) device.Server.Polls.Enqueue(Says(code));

        (await device.RunAsync()).ShouldBeOfType<SignInResult.SignedIn>();

        device.Clock.Waits.ShouldBe([5, 10, 10, 15, 15]);
    }

    [Fact]
    [Assertion("DV-11")]
    [Rfc("RFC 8628", "3.5")]
    public async Task A_server_that_is_away_busy_or_answers_with_a_page_is_asked_again_later()
    {
        await using var device = await Device.StartAsync();
        device.Server.Polls.Enqueue(Answers(503, "text/html"));
        device.Server.Polls.Enqueue(Answers(429, "text/plain"));
        device.Server.Polls.Enqueue(Answers(200, "text/html"));
        device.Server.Polls.Enqueue(context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        device.Server.Polls.Enqueue(Says("authorization_pending"));

        (await device.RunAsync()).ShouldBeOfType<SignInResult.SignedIn>();

        device.Clock.Waits.ShouldBe([5, 10, 20, 40, 60, 5]);
        device.Events.OfType<ClientEvent.PollFailed>().Select(failed => failed.Code).ShouldBe(["server_status", "server_status", "not_json", "no_connection"]);
    }

    [Fact]
    [Assertion("DV-11")]
    public async Task A_portal_or_a_broken_answer_in_between_is_a_poll_that_failed()
    {
        await using var device = await Device.StartAsync();
        device.Server.Polls.Enqueue(context => DiscoveryTests.Redirect(context, 302, device.Server.At("/portal")));
        device.Server.Polls.Enqueue(context => ScriptedServer.JsonAsync(context, 200, "{\"access_token\":"));
        device.Server.Polls.Enqueue(context => ScriptedServer.JsonAsync(context, 400, new string(' ', 70_000) + "{}"));

        (await device.RunAsync()).ShouldBeOfType<SignInResult.SignedIn>();

        device.Clock.Waits.ShouldBe([5, 10, 20, 40]);
        device.Events.OfType<ClientEvent.PollFailed>().Select(failed => failed.Code).ShouldBe(["redirect", "malformed_json", "too_large"]);
        device.Server.Count("/portal").ShouldBe(0);
    }

    [Fact]
    public async Task A_portal_that_stays_to_the_end_is_named()
    {
        await using var device = await Device.StartAsync();
        for (var i = 0; i < 100; i++) device.Server.Polls.Enqueue(context => DiscoveryTests.Redirect(context, 302, device.Server.At("/portal")));

        (await device.RunAsync()).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe("redirect");
    }

    [Fact]
    public async Task A_server_that_says_how_long_to_wait_is_given_that_time()
    {
        await using var device = await Device.StartAsync();
        device.Server.Polls.Enqueue(context =>
        {
            context.Response.Headers.RetryAfter = "90";
            return Answers(429, "text/plain")(context);
        });

        (await device.RunAsync()).ShouldBeOfType<SignInResult.SignedIn>();

        device.Clock.Waits.ShouldBe([5, 90]);
    }

    [Fact]
    public async Task A_code_that_nobody_enters_ends_when_the_server_said_so()
    {
        await using var device = await Device.StartAsync();
        for (var i = 0; i < 100; i++) device.Server.Polls.Enqueue(Says("authorization_pending"));

        (await device.RunAsync()).ShouldBe(new SignInResult.Cancelled(CancelReason.TimedOut));

        device.Clock.Waits.Sum().ShouldBeInRange(290, 300);
    }

    [Fact]
    public async Task A_server_that_stays_away_to_the_end_is_unavailable_and_nobody_is_blamed()
    {
        await using var device = await Device.StartAsync();
        for (var i = 0; i < 100; i++) device.Server.Polls.Enqueue(Answers(500, "text/html"));

        (await device.RunAsync()).ShouldBeOfType<SignInResult.Unavailable>().Problem.Code.ShouldBe("server_status");
    }

    [Theory]
    [InlineData("access_denied")]
    [InlineData("expired_token")]
    [InlineData("invalid_grant")]
    [Rfc("RFC 8628", "3.5")]
    public async Task A_final_answer_ends_the_polling(string code)
    {
        await using var device = await Device.StartAsync();
        device.Server.Polls.Enqueue(Says(code));

        (await device.RunAsync()).Outcome.ShouldBe(code switch { "access_denied" => "user_denied", "expired_token" => "timed_out", _ => code });

        device.Server.TokenRequests.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(503, "server_status")]
    [InlineData(200, "malformed_keys")]
    [Rfc("RFC 8628", "3.5")]
    public async Task No_poll_may_spend_the_code_while_the_keys_cannot_be_had(int status, string code)
    {
        await using var device = await Device.StartAsync();
        device.Server.Instead["/jwks"] = context =>
        {
            if (device.Server.Count("/jwks") == 3) device.Server.Instead.Clear();
            return Answers(status, "text/html")(context);
        };

        (await device.RunAsync()).ShouldBeOfType<SignInResult.SignedIn>();

        // Once ahead, then before each poll.
        device.Server.Count("/jwks").ShouldBe(4);
        device.Server.TokenRequests.Count.ShouldBe(1);
        device.Events.OfType<ClientEvent.PollFailed>().Select(failed => failed.Code).ShouldBe([code, code]);
    }

    [Fact]
    [Rfc("RFC 8628", "3.2")]
    public async Task What_goes_wrong_where_the_codes_come_from_is_told_as_that()
    {
        await using var device = await Device.StartAsync();
        device.Server.Instead["/device_authorization"] = Says("temporarily_unavailable");

        var problem = await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => device.Client.BeginDeviceAsync(Cancel));

        problem.Code.ShouldBe("temporarily_unavailable");
        problem.Expected.ShouldBe("an answer as the device authorization answer");
    }

    [Fact]
    public async Task A_device_is_held_to_no_max_age_since_it_sends_none()
    {
        await using var device = await Device.StartAsync(change: options => options with { AdditionalParameters = new Dictionary<string, string> { ["max_age"] = "300" } });

        (await device.RunAsync()).ShouldBeOfType<SignInResult.SignedIn>();
    }

    [Fact]
    public async Task An_answer_against_the_protocol_ends_the_polling()
    {
        await using var device = await Device.StartAsync();
        device.Server.SpoilIdToken = claims => claims["aud"] = "another";

        (await device.RunAsync()).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe("id_token_audience");
    }

    [Theory]
    [InlineData("device_code", null)]
    [InlineData("device_code", "a b")]
    [InlineData("user_code", null)]
    [InlineData("user_code", "\u001b[2J")]
    [InlineData("verification_uri", null)]
    [InlineData("verification_uri", "file:///etc/passwd")]
    [InlineData("verification_uri", "http://evil.example/device")]
    [InlineData("verification_uri_complete", "javascript:alert(1)")]
    [InlineData("expires_in", null)]
    [InlineData("expires_in", "soon")]
    [InlineData("interval", "0")]
    [Assertion("CL-06")]
    [Rfc("RFC 8628", "3.2")]
    public async Task A_wrong_answer_to_the_first_request_is_shown_to_nobody(string member, string? value)
    {
        await using var device = await Device.StartAsync();
        device.Server.SpoilDevice = answer => answer[member] = value is null ? null : JsonValue.Create(value);

        (await Should.ThrowAsync<ProtocolViolationException>(() => device.Client.BeginDeviceAsync(Cancel))).Code.ShouldBe("device_answer");
    }

    [Fact]
    [Rfc("RFC 8628", "4")]
    public async Task A_server_without_the_endpoint_is_named()
    {
        await using var device = await Device.StartAsync();
        device.Server.SpoilMetadata = metadata => metadata.Remove("device_authorization_endpoint");

        var problem = await Should.ThrowAsync<SignInRequiredException>(() => device.Client.BeginDeviceAsync(Cancel));

        problem.Reason.ShouldBe(SignInRequiredReason.NoDeviceGrant);
        problem.Actual.ShouldContain(device.Server.Issuer.Value);
    }

    [Fact]
    public async Task A_client_that_may_not_run_on_devices_hears_it_at_once()
    {
        await using var device = await Device.StartAsync();
        device.Server.Instead["/device_authorization"] = context => ScriptedServer.ErrorAsync(context, "unauthorized_client");

        (await Should.ThrowAsync<SignInRequiredException>(() => device.Client.BeginDeviceAsync(Cancel))).Error!.Code.ShouldBe("unauthorized_client");
    }

    [Fact]
    public async Task Giving_up_ends_the_wait_at_once()
    {
        await using var device = await Device.StartAsync(hasty: false);
        var signIn = await device.Client.BeginDeviceAsync(Cancel);
        var waiting = signIn.EndAsync(Cancel);

        await signIn.DisposeAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => waiting.WaitAsync(TimeSpan.FromSeconds(20), Cancel));
        device.Server.TokenRequests.ShouldBeEmpty();
        await Should.ThrowAsync<InvalidOperationException>(() => signIn.EndAsync(Cancel));
    }

    [Fact]
    [Rfc("RFC 9449", "5")]
    public async Task A_device_gets_tokens_that_are_bound_to_a_key_and_the_nonce_costs_no_poll()
    {
        await using var device = await Device.StartAsync();
        device.Server.Binds = true;
        device.Server.Nonce = "nonce";
        device.Server.Polls.Enqueue(Says("authorization_pending"));

        var session = (await device.RunAsync()).ShouldBeOfType<SignInResult.SignedIn>().Session;

        session.IsBound.ShouldBeTrue();
        device.Clock.Waits.ShouldBe([5, 5]);
        device.Server.Count("/token").ShouldBe(3);
        (await session.GetUserInfoAsync(Cancel)).GetProperty("sub").GetString().ShouldBe("alice");
    }

    private static RequestDelegate Says(string code) => context => ScriptedServer.ErrorAsync(context, code);

    private static RequestDelegate Answers(int status, string type) => context => ScriptedServer.JsonAsync(context, status, "<h1>Sorry</h1>", type);

    /// <summary>A client without a browser, whose pauses pass at once.</summary>
    private sealed class Device : IAsyncDisposable
    {
        public required ScriptedServer Server { get; init; }

        public required PublicClient Client { get; init; }

        public required PausingTime Clock { get; init; }

        public required List<ClientEvent> Events { get; init; }

        public static async Task<Device> StartAsync(bool hasty = true, Func<ClientOptions, ClientOptions>? change = null)
        {
            var server = await ScriptedServer.StartAsync();
            var clock = new PausingTime(hasty ? server.Time : null);
            var events = new List<ClientEvent>();
            var options = server.Options() with { TimeProvider = clock, OnEvent = SuiteWitness.And(events.Add), RequestTimeout = TimeSpan.FromMinutes(9) };
            return new Device { Server = server, Client = new PublicClient(change is null ? options : change(options)), Clock = clock, Events = events };
        }

        public async Task<SignInResult> RunAsync()
        {
            await using var signIn = await Client.BeginDeviceAsync(Cancel);
            return await signIn.EndAsync(Cancel);
        }

        public async ValueTask DisposeAsync()
        {
            await Client.DisposeAsync();
            await Server.DisposeAsync();
        }
    }

    /// <summary>Notes each pause of a poll; with a clock to move, lets it pass at once.</summary>
    private sealed class PausingTime(ShiftedTime? moved) : TimeProvider
    {
        public List<double> Waits { get; } = [];

        public override DateTimeOffset GetUtcNow() => moved?.GetUtcNow() ?? base.GetUtcNow();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            // The limit of a request is longer than any pause.
            if (moved is null || dueTime <= TimeSpan.Zero || dueTime > TimeSpan.FromMinutes(6)) return base.CreateTimer(callback, state, dueTime, period);
            Waits.Add(dueTime.TotalSeconds);
            moved.Shift += dueTime;
            return base.CreateTimer(callback, state, TimeSpan.FromMilliseconds(1), period);
        }
    }
}
