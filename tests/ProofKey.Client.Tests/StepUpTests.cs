using System.Net;
using System.Text.Json.Nodes;

namespace ProofKey.Client.Tests;

/// <summary>APIs that want a better sign-in, a fresher one, or a wider scope (RFC 9470, RFC 6750 section 3.1).</summary>
public sealed class StepUpTests
{
    private const string Otp = "urn:example:otp";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Bearer error=\"insufficient_user_authentication\", acr_values=\"urn:example:otp urn:example:key\", max_age=\"300\"", "acr_values=urn:example:otp urn:example:key max_age=300")]
    [InlineData("DPoP error=\"insufficient_user_authentication\", max_age=0", "max_age=0")]
    [InlineData("Bearer realm=\"a\", error=\"insufficient_user_authentication\", acr_values=\"urn:example:otp\"", "acr_values=urn:example:otp")]
    [InlineData("Bearer error=\"insufficient_user_authentication\"", "max_age=0")]
    [Rfc("RFC 9470", "3")]
    public async Task An_API_that_wants_a_better_sign_in_is_told_apart_from_one_that_does_not_take_the_token(string challenge, string asked)
    {
        await using var world = await World.StartAsync(challenge);

        var needed = await Should.ThrowAsync<SignInRequiredException>(() => world.CallAsync());

        (needed.Reason, needed.Code).ShouldBe((SignInRequiredReason.StepUp, "step_up"));
        needed.StepUp!.ToString().ShouldBe(asked);
        needed.Actual.ShouldContain(asked);
        world.Server.TokenRequests.Count.ShouldBe(1, "another token of the same sign-in would not do either");
        world.Server.Count("/api/pay").ShouldBe(1);
    }

    [Theory]
    [InlineData("acr_values=\"a\\\"b\"")]
    [InlineData("acr_values=\"a\\\\b\"")]
    [InlineData("acr_values=\"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\"")]
    [InlineData("acr_values=\"long\"")]
    [InlineData("max_age=\"-1\"")]
    [InlineData("max_age=\"soon\"")]
    [InlineData("max_age=\"999999999999\"")]
    [InlineData("max_age=\"99999999999999999999999\"")]
    [InlineData("max_age=\"1\", max_age=\"2\"")]
    [Rfc("RFC 9470", "3")]
    public async Task A_challenge_that_makes_no_sense_is_an_answer_like_any_other(string parameters)
    {
        await using var world = await World.StartAsync($"Bearer error=\"insufficient_user_authentication\", {parameters.Replace("long", new string('x', 201), StringComparison.Ordinal)}");

        using var answer = await world.CallAsync();

        answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    [Rfc("RFC 9470", "4")]
    public async Task A_new_sign_in_with_what_was_asked_answers_it_and_takes_the_place_of_the_old_one()
    {
        await using var world = await World.StartAsync($"Bearer error=\"insufficient_user_authentication\", acr_values=\"{Otp}\", max_age=\"300\"");
        var needed = await Should.ThrowAsync<SignInRequiredException>(() => world.CallAsync());
        world.SignsInWith(Otp, secondsAgo: 100);

        var session = await world.Client.GetSessionAsync(needed.StepUp!, Cancel);

        var request = world.Server.AuthorizeRequests.Last();
        (request["acr_values"], request["max_age"]).ShouldBe((Otp, "300"));
        session.Claims.GetProperty("acr").GetString().ShouldBe(Otp);
        (await world.Client.FindSessionAsync(Cancel))!.Stored.Id.ShouldBe(session.Stored.Id);
    }

    [Theory]
    [InlineData("urn:example:password", 10, "id_token_acr")]
    [InlineData(null, 10, "id_token_acr")]
    [InlineData(Otp, 500, "id_token_auth_time")]
    [InlineData(Otp, null, "id_token_auth_time")]
    [Rfc("RFC 9470", "4")]
    public async Task A_sign_in_that_was_not_as_asked_is_refused_and_the_old_session_stays(string? acr, int? secondsAgo, string code)
    {
        await using var world = await World.StartAsync("");
        var before = (await world.Client.FindSessionAsync(Cancel))!.Stored.Id;
        world.SignsInWith(acr, secondsAgo);

        await using var pending = await world.Client.BeginAsync(SignInRoad.Browser, new StepUp([Otp], TimeSpan.FromSeconds(300)), Cancel);
        await pending.OpenBrowserAsync(Cancel);

        (await pending.EndAsync(Cancel)).ShouldBeOfType<SignInResult.Rejected>().Violation.Code.ShouldBe(code);
        (await world.Client.FindSessionAsync(Cancel))!.Stored.Id.ShouldBe(before);
    }

    [Fact]
    public async Task How_old_a_sign_in_may_be_is_reckoned_from_the_request_and_not_from_the_last_page()
    {
        await using var world = await World.StartAsync("");
        await using var pending = await world.Client.BeginAsync(SignInRoad.Browser, new StepUp([], TimeSpan.Zero), Cancel);
        world.SignsInWith(null, secondsAgo: 0);
        var signedIn = world.Server.Time.GetUtcNow().ToUnixTimeSeconds();
        world.Server.SpoilIdToken = claims => claims["auth_time"] = signedIn;
        world.Server.Time.Shift = TimeSpan.FromMinutes(4);
        await pending.OpenBrowserAsync(Cancel);

        (await pending.EndAsync(Cancel)).ShouldBeOfType<SignInResult.SignedIn>();
    }

    [Fact]
    public async Task Calls_that_meet_the_same_demand_ask_the_person_once()
    {
        await using var world = await World.StartAsync($"Bearer error=\"insufficient_user_authentication\", acr_values=\"{Otp}\"");
        var first = await Should.ThrowAsync<SignInRequiredException>(() => world.CallAsync());
        var second = await Should.ThrowAsync<SignInRequiredException>(() => world.CallAsync());
        world.SignsInWith(Otp, secondsAgo: 0);

        var sessions = await Task.WhenAll(world.Client.GetSessionAsync(first.StepUp!, Cancel), world.Client.GetSessionAsync(second.StepUp!, Cancel));

        sessions.Select(session => session.Stored.Id).Distinct().Count().ShouldBe(1);
        world.Server.AuthorizeRequests.Count.ShouldBe(2, "one sign-in at first, and one more");
    }

    [Theory]
    [InlineData("openid profile")]
    [InlineData("profile")]
    [Rfc("RFC 9470", "3")]
    public async Task Calls_that_want_a_person_of_this_moment_ask_once_however_long_the_sign_in_took(string scope)
    {
        await using var world = await World.StartAsync("Bearer error=\"insufficient_user_authentication\"", change: options => options with { Scope = Scope.Parse(scope) });
        var first = await Should.ThrowAsync<SignInRequiredException>(() => world.CallAsync());
        var second = await Should.ThrowAsync<SignInRequiredException>(() => world.CallAsync());
        // The person had signed in before the code came back.
        world.SignsInWith(null, secondsAgo: 2);

        var sessions = await Task.WhenAll(world.Client.GetSessionAsync(first.StepUp!, Cancel), world.Client.GetSessionAsync(second.StepUp!, Cancel));

        sessions.Select(session => session.Stored.Id).Distinct().Count().ShouldBe(1);
        world.Server.AuthorizeRequests.Count.ShouldBe(2, "one sign-in at first, and one more");
    }

    [Fact]
    [Rfc("RFC 9470", "3")]
    public async Task Another_program_that_waited_takes_the_sign_in_that_was_asked_for_meanwhile()
    {
        using var folder = new TemporaryFolder();
        await using var world = await World.StartAsync("", change: options => options with { Store = folder.Store });
        await using var second = new PublicClient(world.Server.Options() with { Store = folder.Store });
        var now = new StepUp([], TimeSpan.Zero);
        world.Server.Time.Shift = TimeSpan.FromMinutes(2);
        await using var pending = await world.Client.BeginAsync(SignInRoad.Browser, now, Cancel);
        var waiting = second.GetSessionAsync(now, Cancel);
        (await Task.WhenAny(waiting, Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, Cancel))).ShouldNotBe(waiting);
        world.SignsInWith(null, secondsAgo: 2);

        await pending.OpenBrowserAsync(Cancel);
        var session = (await pending.EndAsync(Cancel)).ShouldBeOfType<SignInResult.SignedIn>().Session;

        (await waiting).Stored.Id.ShouldBe(session.Stored.Id);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("\"then\"")]
    public async Task A_stored_session_whose_time_is_none_is_asked_anew(string time)
    {
        await using var world = await World.StartAsync("", spoil: claims => claims["auth_time"] = JsonNode.Parse(time));
        world.SignsInWith(null, secondsAgo: 0);

        await world.Client.GetSessionAsync(new StepUp([], TimeSpan.FromMinutes(5)), Cancel);

        world.Server.AuthorizeRequests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_session_that_was_there_before_is_as_old_as_it_is()
    {
        await using var world = await World.StartAsync("");
        var before = (await world.Client.FindSessionAsync(Cancel))!.Stored.Id;
        world.Server.Time.Shift = TimeSpan.FromSeconds(5);
        world.SignsInWith(null, secondsAgo: 0);

        (await world.Client.GetSessionAsync(new StepUp([], TimeSpan.Zero), Cancel)).Stored.Id.ShouldNotBe(before);
    }

    [Fact]
    [Rfc("RFC 9470", "4")]
    public async Task Somebody_elses_sign_in_answers_nothing_and_the_old_session_stays()
    {
        await using var world = await World.StartAsync("Bearer error=\"insufficient_user_authentication\"");
        var needed = await Should.ThrowAsync<SignInRequiredException>(() => world.CallAsync());
        var before = (await world.Client.FindSessionAsync(Cancel))!.Stored.Id;
        world.Server.SpoilIdToken = claims => (claims["sub"], claims["auth_time"]) = ("bob", world.Server.Time.GetUtcNow().ToUnixTimeSeconds());

        var refused = await Should.ThrowAsync<ProtocolViolationException>(() => world.Client.GetSessionAsync(needed.StepUp!, Cancel));

        refused.Code.ShouldBe("id_token_subject");
        refused.Remedy.ShouldContain("same person");
        (await world.Client.FindSessionAsync(Cancel))!.Stored.Id.ShouldBe(before);
        await world.Client.GetSessionAsync(new StepUp([], TimeSpan.Zero), Cancel);
        (await Should.ThrowAsync<ProtocolViolationException>(() => world.Client.GetSessionAsync(needed.StepUp!, Cancel))).Code.ShouldBe("id_token_subject", "a stored session of somebody else is no answer either");
    }

    [Fact]
    public async Task A_session_whose_token_was_refused_is_no_answer_whatever_it_says_of_itself()
    {
        await using var world = await World.StartAsync($"Bearer error=\"insufficient_user_authentication\", acr_values=\"{Otp}\"", Otp);
        var needed = await Should.ThrowAsync<SignInRequiredException>(() => world.CallAsync());

        await world.Client.GetSessionAsync(needed.StepUp!, Cancel);

        world.Server.AuthorizeRequests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task What_is_asked_goes_before_what_the_program_always_asks()
    {
        await using var world = await World.StartAsync("", change: options => options with { AdditionalParameters = new Dictionary<string, string> { ["acr_values"] = "urn:example:any", ["login_hint"] = "alice" } });
        await using var pending = await world.Client.BeginAsync(SignInRoad.Paste, new StepUp([Otp], null), Cancel);

        Parameters.TryParse(pending.AuthorizeUri.Query.AsSpan(1), out var request, out _).ShouldBeTrue();

        request.All("acr_values").ShouldBe([Otp]);
        request["login_hint"].ShouldBe("alice");
    }

    [Fact]
    [Rfc("RFC 6750", "3.1")]
    public async Task An_API_that_wants_a_wider_scope_says_which()
    {
        await using var world = await World.StartAsync("Bearer error=\"insufficient_scope\", scope=\"orders.read orders.write\"", status: 403);

        var needed = await Should.ThrowAsync<SignInRequiredException>(() => world.CallAsync());

        (needed.Reason, needed.Code).ShouldBe((SignInRequiredReason.InsufficientScope, "insufficient_scope"));
        needed.Scope!.ToString().ShouldBe("orders.read orders.write");
    }

    [Theory]
    [InlineData("Bearer error=\"insufficient_scope\"")]
    [InlineData("Bearer error=\"insufficient_scope\", scope=\"profile openid\"")]
    [InlineData("Bearer error=\"insufficient_scope\", scope=\"orders\\\"\"")]
    [InlineData("")]
    [Rfc("RFC 6750", "3.1")]
    public async Task A_refusal_that_a_sign_in_would_not_mend_is_an_answer_like_any_other(string challenge)
    {
        await using var world = await World.StartAsync(challenge, status: 403);

        using var answer = await world.CallAsync();

        answer.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public void What_is_asked_by_hand_is_something_and_well_formed()
    {
        Should.Throw<ArgumentException>(() => new StepUp([], null));
        Should.Throw<ArgumentException>(() => new StepUp(["a b"], null));
        Should.Throw<ArgumentException>(() => new StepUp(["a\""], null));
        Should.Throw<ArgumentException>(() => new StepUp([], TimeSpan.FromSeconds(-1)));
    }

    /// <summary>A person who has signed in, and an API that asks for more.</summary>
    private sealed class World : IAsyncDisposable
    {
        private readonly TestBrowser _browser = new();

        public required ScriptedServer Server { get; init; }

        public PublicClient Client { get; private set; } = null!;

        public static async Task<World> StartAsync(string challenge, string? acr = null, int status = 401, Func<ClientOptions, ClientOptions>? change = null, Action<JsonObject>? spoil = null)
        {
            var world = new World { Server = await ScriptedServer.StartAsync() };
            world.Server.Instead["/api/pay"] = context =>
            {
                if (challenge.Length > 0) context.Response.Headers.WWWAuthenticate = challenge;
                return ScriptedServer.JsonAsync(context, status, "{}");
            };
            world.SignsInWith(acr, 0);
            if (spoil is not null) world.Server.SpoilIdToken = spoil;
            world.Client = new PublicClient((change ?? (options => options))(world.Server.Options(world._browser)));
            await world.Client.GetSessionAsync(Cancel);
            return world;
        }

        public void SignsInWith(string? acr, int? secondsAgo) => Server.SpoilIdToken = claims =>
        {
            if (acr is not null) claims["acr"] = acr;
            if (secondsAgo is { } seconds) claims["auth_time"] = Server.Time.GetUtcNow().ToUnixTimeSeconds() - seconds;
        };

        public async Task<HttpResponseMessage> CallAsync()
        {
            using var http = (await Client.FindSessionAsync(Cancel))!.CreateHttpClient(onlyFor: Server.At("/api/"));
            return await http.GetAsync("pay", Cancel);
        }

        public async ValueTask DisposeAsync()
        {
            await Client.DisposeAsync();
            await Server.DisposeAsync();
            _browser.Dispose();
        }
    }
}
