using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using ProofKey.Jose;
using ProofKey.Server.Http;
using ProofKey.Server.Keys;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Clients hear that a session ended, whatever stands in the way.</summary>
public sealed class BackchannelLogoutTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private LogoutReceiver _receiver = null!;
    private RegisteredClient _client = null!;
    private Person _person = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        _receiver = await LogoutReceiver.StartAsync();
        _client = await AddClientAsync(_receiver);
        _person = await _server.SignedInAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _person.Dispose();
        await _receiver.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Theory]
    [Assertion("LO-06")]
    [Rfc("OpenID Connect Back-Channel Logout", "2.4")]
    [Rfc("OpenID Connect Back-Channel Logout", "2.5")]
    [InlineData("ES256")]
    [InlineData("RS256")]
    [InlineData("PS256")]
    public async Task A_client_is_posted_a_logout_token_that_names_the_session_of_its_ID_token(string algorithm)
    {
        var client = await AddClientAsync(_receiver, algorithm);
        var idToken = await IdTokenAsync(client);
        await SignOutAsync();

        var received = await _receiver.NextAsync();
        received.Path.ShouldBe("/logged-out");
        received.ContentType.ShouldBe("application/x-www-form-urlencoded");
        received.Form.Keys.ShouldBe(["logout_token"]);
        Jws.TryRead(received.Token, out var jws, out _).ShouldBeTrue();
        (jws!.AlgorithmName, jws.Type).ShouldBe((algorithm, "logout+jwt"));
        var expected = new JwtExpectations { Issuer = _server.Issuer, Audience = client.Id, Types = ["logout+jwt"] };
        Jwt.Verify(received.Token, _server.Service<KeyRing>().PublicKeys, expected, _server.Time.Now).TryGet(out var token, out var problem).ShouldBeTrue(problem?.Message);
        token!.Claims.EnumerateObject().Select(claim => claim.Name).ShouldBe(["iss", "sub", "aud", "iat", "exp", "jti", "sid", "events"], customMessage: "and no nonce");
        token.Claims.GetProperty("events").GetRawText().ShouldBe("{\"http://schemas.openid.net/event/backchannel-logout\":{}}");
        token.Subject.ShouldBe(Claims(idToken).GetProperty("sub").GetString());
        token.Text("sid").ShouldBe(Claims(idToken).GetProperty("sid").GetString());
        (token.ExpiresAt - token.IssuedAt!.Value).ShouldBe(TimeSpan.FromMinutes(2));
        // Nothing that opens something else.
        (await _server.UserinfoAsync(received.Token)).Status.ShouldBe(HttpStatusCode.Unauthorized);
        await NothingIsOwedAsync(client);
    }

    [Fact]
    [Assertion("LO-06")]
    public async Task Each_client_of_the_session_hears_once_and_others_nothing()
    {
        await using var second = await LogoutReceiver.StartAsync();
        await using var uninvolved = await LogoutReceiver.StartAsync();
        await using var oauth = await LogoutReceiver.StartAsync();
        await AddClientAsync(uninvolved);
        using var elsewhere = await _server.SignedInAsync();
        var other = await AddClientAsync(second);
        await IdTokenAsync(_client);
        await IdTokenAsync(_client);
        await IdTokenAsync(other);
        await IdTokenAsync(other, elsewhere);
        var withoutIdToken = await AddClientAsync(oauth);
        await TokensAsync(withoutIdToken, scope: "email");
        await SignOutAsync();
        var (first, next) = (await _receiver.NextAsync(), await second.NextAsync());
        await Delivery.RunAsync(TestContext.Current.CancellationToken);
        (_receiver.Count, second.Count, uninvolved.Count, oauth.Count).ShouldBe((0, 0, 0, 0));
        Claims(first.Token).GetProperty("jti").GetString().ShouldNotBe(Claims(next.Token).GetProperty("jti").GetString());
        Claims(first.Token).GetProperty("aud").GetString().ShouldBe(_client.Id);
        Claims(next.Token).GetProperty("aud").GetString().ShouldBe(other.Id);
    }

    [Theory]
    [Assertion("LO-06")]
    [Rfc("OpenID Connect Back-Channel Logout", "2.8")]
    [InlineData(500)]
    [InlineData(400)]
    [InlineData(201)]
    public async Task A_client_that_does_not_take_it_is_asked_again_ever_more_seldom_for_a_day(int status)
    {
        _receiver.Status = status;
        await IdTokenAsync(_client);
        await SignOutAsync();
        await _receiver.NextAsync();
        await Delivery.RunAsync(TestContext.Current.CancellationToken);
        var waits = new List<double>();
        var since = _server.Time.Now;
        while (_server.Time.Now - since < TimeSpan.FromHours(23))
        {
            var before = _server.Time.Now;
            while (_receiver.Count == 0 && _server.Time.Now - before < TimeSpan.FromHours(2))
            {
                _server.Time.Advance(TimeSpan.FromSeconds(30));
                await Delivery.RunAsync(TestContext.Current.CancellationToken);
            }
            await _receiver.NextAsync();
            waits.Add((_server.Time.Now - before).TotalMinutes);
            if (waits.Count == 10) break;
        }
        waits.ShouldBe([0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
        _server.Time.Advance(TimeSpan.FromDays(1));
        await Delivery.RunAsync(TestContext.Current.CancellationToken);
        _receiver.Count.ShouldBe(0, "after a day nobody is asked any more");
        await NothingIsOwedAsync(_client);
        _server.Log.Lines.ShouldContain(line => line.Contains("Gave up", StringComparison.Ordinal));
    }

    [Theory]
    [Assertion("LO-06")]
    [InlineData(200)]
    [InlineData(204)]
    public async Task A_second_try_that_is_taken_is_the_last(int status)
    {
        _receiver.Status = 503;
        await IdTokenAsync(_client);
        await SignOutAsync();
        var first = await _receiver.NextAsync();
        await Delivery.RunAsync(TestContext.Current.CancellationToken);
        _receiver.Status = status;
        _server.Time.Advance(TimeSpan.FromMinutes(1));
        await Delivery.RunAsync(TestContext.Current.CancellationToken);
        var second = await _receiver.NextAsync();
        Claims(second.Token).GetProperty("jti").GetString().ShouldNotBe(Claims(first.Token).GetProperty("jti").GetString());
        await NothingIsOwedAsync(_client);
    }

    [Fact]
    [Assertion("LO-06")]
    public async Task A_client_that_never_answers_holds_up_no_other()
    {
        await using var silent = await LogoutReceiver.StartAsync();
        silent.Status = null;
        for (var client = 0; client < 3; client++) await IdTokenAsync(await AddClientAsync(silent));
        await IdTokenAsync(_client);
        await SignOutAsync();
        await silent.NextAsync();
        await _receiver.NextAsync();
        // Signed out a second time while the first still hangs.
        using var next = await _server.SignedInAsync();
        await IdTokenAsync(_client, next);
        await next.SubmitAsync(await Person.FormOf(await next.GetAsync("/logout")), ("everyone", "1"));
        await _receiver.NextAsync();
    }

    [Fact]
    [Assertion("LO-06")]
    public async Task Many_clients_that_failed_before_and_now_hang_share_a_small_room_and_hold_up_no_other()
    {
        await using var silent = await LogoutReceiver.StartAsync();
        silent.Status = 503;
        var failing = new List<RegisteredClient>();
        for (var client = 0; client < 20; client++) failing.Add(await AddClientAsync(silent));
        foreach (var client in failing) await IdTokenAsync(client);
        await SignOutAsync();
        for (var call = 0; call < failing.Count; call++) await silent.NextAsync();
        await Delivery.RunAsync(TestContext.Current.CancellationToken);
        await Delivery.StopAsync(TestContext.Current.CancellationToken);

        // All of them have one that failed and one that is new, and hang for longer than this test.
        silent.Status = null;
        using var next = await _server.SignedInAsync();
        foreach (var client in failing) await IdTokenAsync(client, next);
        await IdTokenAsync(_client, next);
        await next.SubmitAsync(await Person.FormOf(await next.GetAsync("/logout")), ("everyone", "1"));
        _server.Time.Advance(TimeSpan.FromMinutes(1));
        using var patient = new GuardedHttp(_server.Service<ServerOptions>()) { Patience = TimeSpan.FromHours(1) };
        using var delivery = NewDelivery(patient);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var running = delivery.RunAsync(stop.Token);
        await silent.NextAsync();
        await _receiver.NextAsync();
        var tried = 0;
        foreach (var client in failing) tried += (await OwedAsync(client)).Count(owed => owed.NextTryAt > _server.Time.Now);
        tried.ShouldBeInRange(1, 8, "a row is taken when there is room for its call, and not before");
        await stop.CancelAsync();
        await Task.WhenAny(running);
    }

    [Fact]
    [Assertion("LO-06")]
    public async Task What_a_client_is_owed_waits_with_the_row_that_it_did_not_take()
    {
        await Delivery.StopAsync(TestContext.Current.CancellationToken);
        _receiver.Status = 503;
        for (var session = 0; session < 3; session++)
        {
            using var person = await _server.SignedInAsync();
            await IdTokenAsync(_client, person);
            await person.SubmitAsync(await Person.FormOf(await person.GetAsync("/logout")), ("everyone", "1"));
        }
        foreach (var (tries, seconds) in ((long, int)[])[(1, 30), (2, 60), (3, 120)])
        {
            await Delivery.RunAsync(TestContext.Current.CancellationToken);
            _receiver.Count.ShouldBe(1, "one of three is tried");
            await _receiver.NextAsync();
            (await OwedAsync(_client)).ShouldAllBe(owed => owed.Tries == tries && owed.NextTryAt == _server.Time.Now.AddSeconds(seconds));
            _server.Time.Advance(TimeSpan.FromSeconds(seconds));
        }
    }

    [Fact]
    [Assertion("LO-06")]
    public async Task A_client_of_a_session_that_was_renewed_hears_of_its_end_when_its_own_grant_is_long_over()
    {
        var sid = Claims(await IdTokenAsync(_client)).GetProperty("sid").GetString();
        for (var day = 0; day < 3; day++)
        {
            _server.Time.Advance(TimeSpan.FromHours(11));
            await _server.CleanAsync();
            var form = await _person.SignInFormAsync(new AuthorizeUrl(_server, _client).Set("prompt", "login"));
            await _person.SubmitAsync(form, ("username", RunningServer.UserName), ("password", RunningServer.Password));
        }
        await SignOutAsync();
        Claims((await _receiver.NextAsync()).Token).GetProperty("sid").GetString().ShouldBe(sid);
        await NothingIsOwedAsync(_client);
        _server.Time.Advance(TimeSpan.FromHours(2));
        (await _server.CleanAsync()).ShouldBeGreaterThan(0);
        (await _server.Service<PeopleRegistry>().ListGrantsAsync(null, _client.Id, TestContext.Current.CancellationToken)).ShouldNotContain(grant => grant.ExpiresAt < _server.Time.Now - TimeSpan.FromHours(1), "and then the row goes");
    }

    [Fact]
    [Assertion("LO-06")]
    public async Task What_was_not_told_before_a_restart_is_told_after_it()
    {
        _receiver.Status = 503;
        await IdTokenAsync(_client);
        await SignOutAsync();
        await _receiver.NextAsync();
        _server = await _server.RestartAsync();
        (await _server.Service<LogoutOutbox>().ListDueAsync(_client.Id, DateTimeOffset.MaxValue, TestContext.Current.CancellationToken)).ShouldHaveSingleItem();
        _receiver.Status = 200;
        _server.Time.Advance(TimeSpan.FromMinutes(1));
        _server = await _server.RestartAsync();
        // A pass that meets a locked database is made again after a while, and this clock makes none pass.
        for (var pass = 0; pass < 10 && _receiver.Count == 0; pass++)
        {
            await Delivery.RunAsync(TestContext.Current.CancellationToken);
            _server.Time.Advance(TimeSpan.FromMinutes(2));
        }
        _receiver.Count.ShouldBe(1);
        (await _receiver.NextAsync()).Token.ShouldNotBeEmpty();
    }

    [Fact]
    [Assertion("LO-06")]
    public async Task Of_several_servers_that_see_a_row_one_delivers_it()
    {
        _receiver.Status = 503;
        for (var session = 0; session < 5; session++)
        {
            using var person = await _server.SignedInAsync();
            await IdTokenAsync(_client, person);
            await person.SubmitAsync(await Person.FormOf(await person.GetAsync("/logout")), ("everyone", "1"));
        }
        await Delivery.RunAsync(TestContext.Current.CancellationToken);
        while (_receiver.Count > 0) await _receiver.NextAsync();
        _receiver.Status = 200;
        _server.Time.Advance(TimeSpan.FromHours(2));
        var replicas = Enumerable.Range(0, 4).Select(_ => NewDelivery(_server.Service<GuardedHttp>())).ToList();
        await Task.WhenAll(replicas.Select(replica => Task.Run(() => replica.RunAsync(TestContext.Current.CancellationToken))));
        _receiver.Count.ShouldBe(5);
        var ids = new HashSet<string>();
        while (_receiver.Count > 0) ids.Add(Claims((await _receiver.NextAsync()).Token).GetProperty("sid").GetString()!);
        ids.Count.ShouldBe(5);
        replicas.ForEach(replica => replica.Dispose());
    }

    [Fact]
    [Assertion("LO-09")]
    public async Task A_redirect_is_not_followed_and_an_address_inside_is_not_called()
    {
        await using var inside = await LogoutReceiver.StartAsync();
        (_receiver.Status, _receiver.Location) = (307, inside.Address);
        await IdTokenAsync(_client);
        await SignOutAsync();
        await _receiver.NextAsync();
        await Delivery.RunAsync(TestContext.Current.CancellationToken);
        inside.Count.ShouldBe(0);
        (await OwedAsync(_client)).ShouldHaveSingleItem();

        // A server that the public reaches calls no address of its own network.
        using var guarded = new GuardedHttp(new ServerOptions { IssuerAddress = "https://login.example.com" });
        using var strict = NewDelivery(guarded);
        _server.Time.Advance(TimeSpan.FromHours(2));
        await strict.RunAsync(TestContext.Current.CancellationToken);
        _receiver.Count.ShouldBe(0);
        (await OwedAsync(_client)).ShouldHaveSingleItem();
    }

    [Theory]
    [Assertion("LO-09")]
    [Rfc("RFC 6890", "2.2.2")]
    [Rfc("RFC 6890", "2.2.3")]
    [InlineData("http://app.example/logged-out")]
    [InlineData("https://10.0.0.1/x")]
    [InlineData("https://169.254.169.254/latest")]
    [InlineData("https://[::ffff:10.0.0.1]/x")]
    [InlineData("https://[fd00::1]/x")]
    [InlineData("https://[2001:db8::1]/x")]
    [InlineData("https://0.0.0.0/x")]
    [InlineData("https://2130706433.example@10.0.0.1/x")]
    [InlineData("https://user@app.example/x")]
    [InlineData("https://app.example/x#f")]
    [InlineData("ftp://app.example/x")]
    [InlineData("/logged-out")]
    public async Task An_address_that_may_not_be_called_cannot_be_registered(string uri) =>
        (await Should.ThrowAsync<FormatException>(() => _server.AddClientAsync(OneServer.WebUri, registration => registration with { BackchannelLogoutUri = uri }))).Message.ShouldContain("https on a public host");

    [Theory]
    [Assertion("LO-11")]
    [InlineData("password")]
    [InlineData("disabled")]
    [InlineData("everywhere")]
    [InlineData("removed")]
    [InlineData("keys")]
    public async Task Whatever_ends_all_sessions_of_a_person_is_heard_for_each_of_them(string how)
    {
        var accounts = _server.Service<AccountStore>();
        var subject = (await accounts.FindByNameAsync(RunningServer.UserName, TestContext.Current.CancellationToken))!.Subject;
        using var second = await _server.SignedInAsync();
        var sids = new[] { Claims(await IdTokenAsync(_client)).GetProperty("sid").GetString(), Claims(await IdTokenAsync(_client, second)).GetProperty("sid").GetString() };
        await (how switch
        {
            "password" => accounts.SetPasswordAsync(subject, "x"),
            "disabled" => accounts.DisableAsync(subject).AsTask(),
            "everywhere" => accounts.RaiseEpochAsync(subject).AsTask(),
            "removed" => _server.Registry.RemoveAccountAsync(RunningServer.UserName, TestContext.Current.CancellationToken),
            _ => _server.Service<KeyRegistry>().RevokeAllAsync(TestContext.Current.CancellationToken),
        });
        await _server.Service<KeyRing>().LoadAsync(TestContext.Current.CancellationToken);
        await Delivery.RunAsync(TestContext.Current.CancellationToken);
        string?[] heard = [Claims((await _receiver.NextAsync()).Token).GetProperty("sid").GetString(), Claims((await _receiver.NextAsync()).Token).GetProperty("sid").GetString()];
        heard.Order().ShouldBe(sids.Order());
        if (how == "everywhere") await accounts.RaiseEpochAsync(subject);
        await Delivery.RunAsync(TestContext.Current.CancellationToken);
        _receiver.Count.ShouldBe(0, "what ended once does not end again");
    }

    [Fact]
    public async Task A_client_that_is_removed_is_told_nothing_and_nothing_is_kept_for_it()
    {
        _receiver.Status = 503;
        await IdTokenAsync(_client);
        await SignOutAsync();
        await _receiver.NextAsync();
        await Delivery.RunAsync(TestContext.Current.CancellationToken);
        await _server.Registry.RemoveClientAsync(_client.Id);
        _server.Time.Advance(TimeSpan.FromHours(2));
        await Delivery.RunAsync(TestContext.Current.CancellationToken);
        _receiver.Count.ShouldBe(0);
        await NothingIsOwedAsync(_client);
    }

    [Fact]
    [Assertion("LO-06")]
    public async Task Whatever_goes_wrong_in_a_pass_the_next_one_comes()
    {
        var time = new ClockThatFailsOnce();
        using var delivery = NewDelivery(_server.Service<GuardedHttp>(), time);
        await delivery.StartAsync(TestContext.Current.CancellationToken);
        (await Task.WhenAny(time.ReadAgain, delivery.ExecuteTask!)).ShouldBe(time.ReadAgain, "a service that ends takes the whole server with it");
        await delivery.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task No_log_line_holds_a_logout_token()
    {
        await IdTokenAsync(_client);
        await SignOutAsync();
        var token = (await _receiver.NextAsync()).Token;
        await Delivery.RunAsync(TestContext.Current.CancellationToken);
        _server.Log.Lines.ShouldNotContain(line => line.Contains(token, StringComparison.Ordinal));
    }

    private LogoutDelivery Delivery => _server.Service<LogoutDelivery>();

    private LogoutDelivery NewDelivery(GuardedHttp http, TimeProvider? time = null) => new(
        _server.Service<LogoutOutbox>(), _server.Service<ClientStore>(), _server.Service<KeyRing>(), http, _server.Service<ServerOptions>(), time ?? _server.Time, NullLogger<LogoutDelivery>.Instance);

    private Task<RegisteredClient> AddClientAsync(LogoutReceiver receiver, string algorithm = "ES256") => _server.AddClientAsync(
        OneServer.WebUri, registration => registration with { IsFirstParty = true, BackchannelLogoutUri = receiver.Address, IdTokenAlgorithm = algorithm });

    private async Task<JsonAnswer> TokensAsync(RegisteredClient client, Person? person = null, string scope = "openid")
    {
        var request = new AuthorizeUrl(_server, client).Set("scope", scope);
        var tokens = await _server.RedeemAsync(client, request, (await (person ?? _person).AuthorizeAsync(request))["code"]);
        tokens.Status.ShouldBe(HttpStatusCode.OK, tokens.Body.ToString());
        return tokens;
    }

    private async Task<string> IdTokenAsync(RegisteredClient client, Person? person = null) => (await TokensAsync(client, person)).Text("id_token");

    private async Task SignOutAsync() =>
        await (await _person.SubmitAsync(await Person.FormOf(await _person.GetAsync("/logout")), ("everyone", "1"))).PageAsync();

    private ValueTask<List<OwedLogout>> OwedAsync(RegisteredClient client) => _server.Service<LogoutOutbox>().ListDueAsync(client.Id, DateTimeOffset.MaxValue, TestContext.Current.CancellationToken);

    // The receiver has it a moment before the row goes.
    private async Task NothingIsOwedAsync(RegisteredClient client)
    {
        await Delivery.RunAsync(TestContext.Current.CancellationToken);
        (await OwedAsync(client)).ShouldBeEmpty();
    }

    private static JsonElement Claims(string token)
    {
        Base64UrlText.TryDecode(token.Split('.')[1], out var claims).ShouldBeTrue();
        using var json = JsonDocument.Parse(claims, new JsonDocumentOptions { AllowDuplicateProperties = false });
        return json.RootElement.Clone();
    }

    // Its timers are due at once.
    private sealed class ClockThatFailsOnce : TimeProvider
    {
        private readonly TaskCompletionSource _readAgain = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _reads;

        public Task ReadAgain => _readAgain.Task;

        public override DateTimeOffset GetUtcNow()
        {
            if (Interlocked.Increment(ref _reads) == 1) throw new InvalidOperationException("no such row");
            _readAgain.TrySetResult();
            return base.GetUtcNow();
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => base.CreateTimer(callback, state, TimeSpan.Zero, period);
    }
}
