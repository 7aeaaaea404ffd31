using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using ProofKey.Jose;
using ProofKey.Server.Keys;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Signing keys follow each other without anyone noticing, and all go at once on the day that one has leaked.</summary>
public sealed class KeyRotationTests : IAsyncLifetime
{
    private const string Web = "https://app.example/callback";

    private RunningServer _server = null!;
    private RegisteredClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        _client = await AddClientAsync();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [Assertion("MD-08")]
    [Rfc("OpenID Connect Core", "10.1.1")]
    [InlineData("ES256")]
    [InlineData("RS256")]
    [InlineData("PS256")]
    public async Task A_signing_key_is_published_a_day_before_it_is_used_and_its_predecessor_stays(string algorithm)
    {
        var client = await AddClientAsync(algorithm);
        var old = await IdTokenAsync(client);
        var first = await KeyIdsAsync(algorithm);

        await PassAsync(TimeSpan.FromDays(89) - TimeSpan.FromMinutes(1));
        (await KeyIdsAsync(algorithm)).ShouldBe(first);
        await PassAsync(TimeSpan.FromMinutes(1));
        var both = await KeyIdsAsync(algorithm);
        both.Count.ShouldBe(2);
        both[0].ShouldBe(first.ShouldHaveSingleItem(), "whoever takes the first key that fits finds the one in use");
        KeyIdOf(await IdTokenAsync(client)).ShouldBe(first[0], "nobody may meet a key that they had no time to fetch");

        await PassAsync(TimeSpan.FromDays(1));
        KeyIdOf(await IdTokenAsync(client)).ShouldBe(both[1]);
        (await KeyIdsAsync(algorithm)).ShouldBe([both[1], both[0]]);
        (await VerifiesAsync(old, client)).ShouldBeTrue("an ID token comes back as a hint long after its hour");

        await PassAsync(TimeSpan.FromDays(31) - TimeSpan.FromMinutes(1));
        (await VerifiesAsync(old, client)).ShouldBeTrue();
        await PassAsync(TimeSpan.FromMinutes(1));
        (await KeyIdsAsync(algorithm)).ShouldBe([both[1]]);
        (await VerifiesAsync(old, client)).ShouldBeFalse();
    }

    [Fact]
    [Assertion("MD-08")]
    public async Task Whoever_keeps_the_public_keys_as_long_as_allowed_never_refuses_a_token_while_keys_rotate()
    {
        using var cache = new CachedKeys(_server);
        using var person = _server.NewPerson();
        var seen = new ConcurrentDictionary<string, bool>();
        // 200 days in steps that are shorter than the cache: two rotations, with tokens issued and checked side by side.
        for (var step = 0; step < 400; step++)
        {
            _server.Time.Advance(TimeSpan.FromHours(12));
            if (step % 7 == 0) await cache.RefreshAsync();
            await Keys.LoadAsync(TestContext.Current.CancellationToken);
            if (step % 2 == 0) await cache.RefreshAsync();
            if (step % 20 is not (18 or 19) && step is not (>= 174 and <= 186)) continue;
            var request = new AuthorizeUrl(_server, _client);
            var code = (await person.AuthorizeAsync(request))["code"];
            var tokens = await _server.RedeemAsync(_client, request, code);
            foreach (var (name, audience) in ((string, string)[])[("access_token", _server.Issuer), ("id_token", _client.Id)])
            {
                seen.TryAdd(KeyIdOf(tokens.Text(name)), true);
                cache.Accepts(tokens.Text(name), audience).ShouldBeTrue($"{name} after {step / 2} days");
            }
            (await _server.UserinfoAsync(tokens.Text("access_token"))).Status.ShouldBe(HttpStatusCode.OK);
        }
        seen.Count.ShouldBe(3);
        cache.MaxAge.ShouldBeLessThanOrEqualTo(new KeyLine(KeyLine.Signing, "ES256").PublishDelay);
    }

    [Fact]
    [Assertion("MD-08")]
    public async Task Requests_beside_a_rotation_all_succeed()
    {
        var keys = _server.Service<KeyRegistry>();
        using var done = new CancellationTokenSource();
        var load = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            using var person = _server.NewPerson();
            for (var count = 1; ; count++)
            {
                var request = new AuthorizeUrl(_server, _client);
                var tokens = await _server.RedeemAsync(_client, request, (await person.AuthorizeAsync(request))["code"]);
                tokens.Status.ShouldBe(HttpStatusCode.OK);
                (await _server.UserinfoAsync(tokens.Text("access_token"))).Status.ShouldBe(HttpStatusCode.OK);
                (await VerifiesAsync(tokens.Text("id_token"), _client)).ShouldBeTrue();
                if (done.IsCancellationRequested) return count;
            }
        })).ToList();
        for (var rotation = 0; rotation < 5; rotation++)
        {
            await keys.RotateAsync(atOnce: true, TestContext.Current.CancellationToken);
            await Keys.LoadAsync(TestContext.Current.CancellationToken);
        }
        await done.CancelAsync();
        (await Task.WhenAll(load)).ShouldAllBe(count => count > 0);
        (await KeyIdsAsync("ES256")).Count.ShouldBe(6);
    }

    [Fact]
    public async Task A_restart_in_the_middle_of_a_rotation_changes_nothing()
    {
        var old = await IdTokenAsync(_client);
        await PassAsync(TimeSpan.FromDays(89));
        var before = Keys.PublicKeys.ToJson();
        _server = await _server.RestartAsync();
        Keys.PublicKeys.ToJson().ShouldBe(before);
        KeyIdOf(await IdTokenAsync(_client)).ShouldBe(KeyIdOf(old));
        await PassAsync(TimeSpan.FromDays(1));
        var next = await IdTokenAsync(_client);
        KeyIdOf(next).ShouldNotBe(KeyIdOf(old));
        _server = await _server.RestartAsync();
        KeyIdOf(await IdTokenAsync(_client)).ShouldBe(KeyIdOf(next));
        (await VerifiesAsync(old, _client)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_server_that_was_off_for_long_starts_with_its_old_key_and_publishes_the_next_for_a_day()
    {
        var old = await IdTokenAsync(_client);
        _server.Time.Advance(TimeSpan.FromDays(300));
        _server = await _server.RestartAsync();
        KeyIdOf(await IdTokenAsync(_client)).ShouldBe(KeyIdOf(old));
        (await KeyIdsAsync("ES256")).Count.ShouldBe(2);
        await PassAsync(TimeSpan.FromDays(1));
        KeyIdOf(await IdTokenAsync(_client)).ShouldNotBe(KeyIdOf(old));
    }

    [Fact]
    public async Task Two_servers_on_one_database_rotate_as_one()
    {
        var replica = Replica();
        await replica.LoadAsync(TestContext.Current.CancellationToken);
        _server.Time.Advance(TimeSpan.FromDays(89));
        await Task.WhenAll(((KeyRing[])[Keys, replica]).Select(ring => Task.Run(() => ring.LoadAsync(CancellationToken.None))));
        await Keys.LoadAsync(TestContext.Current.CancellationToken);
        await replica.LoadAsync(TestContext.Current.CancellationToken);
        replica.PublicKeys.ToJson().ShouldBe(Keys.PublicKeys.ToJson());
        (await KeyIdsAsync("ES256")).Count.ShouldBe(2);
        _server.Time.Advance(TimeSpan.FromDays(1));
        replica.SigningKeyFor(SignatureAlgorithm.ES256).KeyId.ShouldBe(Keys.SigningKeyFor(SignatureAlgorithm.ES256).KeyId);
    }

    [Fact]
    public async Task A_PS256_key_is_made_when_the_first_client_needs_it_and_found_by_every_replica()
    {
        (await KeyIdsAsync("PS256")).ShouldBeEmpty("a key that nobody uses would slow down the first start");
        var replica = Replica();
        await replica.LoadAsync(TestContext.Current.CancellationToken);
        var client = await AddClientAsync("PS256");
        var tokens = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => IdTokenAsync(client)));
        tokens.Select(KeyIdOf).Distinct().ShouldHaveSingleItem();
        await replica.EnsureAsync(SignatureAlgorithm.PS256, TestContext.Current.CancellationToken);
        replica.SigningKeyFor(SignatureAlgorithm.PS256).KeyId.ShouldBe(KeyIdOf(tokens[0]));
        (await VerifiesAsync(tokens[0], client)).ShouldBeTrue();
    }

    [Fact]
    public async Task Who_rotates_by_hand_gets_a_successor_for_the_next_day_once()
    {
        var registry = _server.Service<KeyRegistry>();
        await registry.RotateAsync(atOnce: false, TestContext.Current.CancellationToken);
        await registry.RotateAsync(atOnce: false, TestContext.Current.CancellationToken);
        await Keys.LoadAsync(TestContext.Current.CancellationToken);
        var keys = await registry.ListAsync(TestContext.Current.CancellationToken);
        keys.Where(key => key.Purpose == "sign").GroupBy(key => key.Algorithm).ShouldAllBe(line => line.Select(key => key.State).SequenceEqual(new[] { KeyState.Current, KeyState.Next }));
        var next = keys.Single(key => key is { Algorithm: "ES256", State: KeyState.Next });
        next.NotBefore.ShouldBe(RootKey.WholeMilliseconds(_server.Time.Now) + TimeSpan.FromDays(1));
        KeyIdOf(await IdTokenAsync(_client)).ShouldNotBe(next.Id);

        _server.Time.Advance(TimeSpan.FromMinutes(1));
        await registry.RotateAsync(atOnce: true, TestContext.Current.CancellationToken);
        await Keys.LoadAsync(TestContext.Current.CancellationToken);
        KeyIdOf(await IdTokenAsync(_client)).ShouldBe(next.Id, "the one that waits is used now, and no third is made");
        (await registry.ListAsync(TestContext.Current.CancellationToken)).Where(key => key.Algorithm == "ES256").Select(key => key.State).ShouldBe([KeyState.Retiring, KeyState.Current]);
    }

    [Fact]
    [Assertion("RT-08")]
    [Assertion("RT-11")]
    public async Task On_the_bad_day_nothing_that_the_old_keys_vouched_for_is_accepted()
    {
        using var person = _server.NewPerson();
        var waiting = new AuthorizeUrl(_server, _client);
        var code = (await person.AuthorizeAsync(waiting))["code"];
        var offline = await _server.SignInAsync(_client, "openid offline_access");
        var online = await _server.SignInAsync(_client);
        var page = await person.GetAsync(new AuthorizeUrl(_server, await _server.AddClientAsync()).ToString());
        var form = await Person.FormOf(page);
        var oldKeys = (await _server.Service<KeyStore>().ListAsync(TestContext.Current.CancellationToken)).ConvertAll(key => key.Id);

        await _server.Service<KeyRegistry>().RevokeAllAsync(TestContext.Current.CancellationToken);

        // Before the server has even noticed, the rows are dead.
        foreach (var tokens in (JsonAnswer[])[offline, online])
        {
            (await _server.RefreshAsync(_client, tokens.Text("refresh_token"))).Error.ShouldBe("invalid_grant");
            (await _server.UserinfoAsync(tokens.Text("access_token"))).Status.ShouldBe(HttpStatusCode.Unauthorized);
        }
        (await _server.RedeemAsync(_client, waiting, code)).Error.ShouldBe("invalid_grant");
        Person.AnswerOf(await person.GetAsync(new AuthorizeUrl(_server, _client).Set("prompt", "none").ToString()))["error"].ShouldBe("login_required");

        await Keys.LoadAsync(TestContext.Current.CancellationToken);
        (await _server.Service<KeyStore>().ListAsync(TestContext.Current.CancellationToken)).ConvertAll(key => key.Id).Intersect(oldKeys).ShouldBeEmpty();
        (await KeyIdsAsync("ES256")).ShouldHaveSingleItem();
        (await VerifiesAsync(online.Text("id_token"), _client)).ShouldBeFalse();
        (await _server.UserinfoAsync(online.Text("access_token"))).Status.ShouldBe(HttpStatusCode.Unauthorized);
        (await _server.RefreshAsync(_client, offline.Text("refresh_token"))).Error.ShouldBe("invalid_grant");
        (await _server.RedeemAsync(_client, waiting, code)).Error.ShouldBe("invalid_grant");
        await (await person.PostOnceAsync(form, [("username", RunningServer.UserName), ("password", RunningServer.Password), ("decision", "allow")])).ShouldBeFormOrSignInAsync();
        (await _server.SignInAsync(_client)).Text("id_token").ShouldNotBeEmpty("the next sign-in is as good as ever");
    }

    [Fact]
    public async Task A_foreign_root_key_lists_and_rotates_and_revokes_nothing()
    {
        var options = new ServerOptions { RootKey = Secret.NewBytes(32) };
        var registry = new KeyRegistry(_server.Service<KeyStore>(), options, _server.Time);
        var before = (await _server.Service<KeyStore>().ListAsync(TestContext.Current.CancellationToken)).ConvertAll(key => Convert.ToHexString(key.Sealed));
        await Should.ThrowAsync<InvalidOperationException>(() => registry.ListAsync(TestContext.Current.CancellationToken));
        await Should.ThrowAsync<InvalidOperationException>(() => registry.RotateAsync(false, TestContext.Current.CancellationToken));
        await Should.ThrowAsync<InvalidOperationException>(() => registry.RevokeAllAsync(TestContext.Current.CancellationToken));
        // A restore obeys the trail: what it tells must have happened.
        (await _server.Service<AuditTrail>().ListAsync(new AuditFilter(), null, TestContext.Current.CancellationToken)).ShouldNotContain(entry => entry.Kind.StartsWith("keys-", StringComparison.Ordinal));
        (await _server.Service<KeyStore>().ListAsync(TestContext.Current.CancellationToken)).ConvertAll(key => Convert.ToHexString(key.Sealed)).ShouldBe(before);
        (await _server.SignInAsync(_client)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_row_that_is_changed_while_the_server_runs_changes_no_key_in_use()
    {
        var token = await IdTokenAsync(_client);
        await using (var connection = await StorageFolder.OpenAsync(_server.Folder))
        {
            await using var command = connection.CreateCommand();
            command.CommandText = "update key set not_before = not_before + 1 where purpose = 'sign'";
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }
        await Should.ThrowAsync<InvalidOperationException>(() => Keys.LoadAsync(TestContext.Current.CancellationToken));
        KeyIdOf(await IdTokenAsync(_client)).ShouldBe(KeyIdOf(token));
    }

    private KeyRing Keys => _server.Service<KeyRing>();

    private KeyRing Replica() => new(_server.Service<KeyStore>(), _server.Service<ServerOptions>(), _server.Time, NullLogger<KeyRing>.Instance);

    private Task<RegisteredClient> AddClientAsync(string algorithm = "ES256") =>
        _server.AddClientAsync(Web, registration => registration with { IsFirstParty = true, IdTokenAlgorithm = algorithm });

    // A server reads its keys again all the time, and not only when a test looks.
    private async Task PassAsync(TimeSpan time)
    {
        _server.Time.Advance(time);
        await Keys.LoadAsync(TestContext.Current.CancellationToken);
        await Keys.LoadAsync(TestContext.Current.CancellationToken);
    }

    private async Task<string> IdTokenAsync(RegisteredClient client) => (await _server.SignInAsync(client)).Text("id_token");

    private async Task<List<string>> KeyIdsAsync(string algorithm)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _server.Issuer + "/jwks");
        var keys = (await TokenCalls.SendAsync(request)).Body.GetProperty("keys").EnumerateArray();
        return [.. keys.Where(key => key.GetProperty("alg").GetString() == algorithm).Select(key => key.GetProperty("kid").GetString()!)];
    }

    private async Task<bool> VerifiesAsync(string token, RegisteredClient client)
    {
        using var keys = new CachedKeys(_server);
        await keys.RefreshAsync();
        return keys.Accepts(token, client.Id);
    }

    private static string KeyIdOf(string token)
    {
        Jws.TryRead(token, out var jws, out _).ShouldBeTrue();
        return jws!.KeyId!;
    }

    /// <summary>An API that keeps the public keys.</summary>
    private sealed class CachedKeys(RunningServer server) : IDisposable
    {
        private readonly HttpClient _http = new();
        private JwkSet _keys = new();

        public TimeSpan MaxAge { get; private set; }

        public async Task RefreshAsync()
        {
            using var response = await _http.GetAsync(new Uri(server.Issuer + "/jwks"));
            MaxAge = response.Headers.CacheControl!.MaxAge!.Value;
            JwkSet.TryParse(await response.Content.ReadAsByteArrayAsync(), out var keys, out var problem).ShouldBeTrue(problem);
            _keys = keys!;
        }

        public bool Accepts(string token, string audience)
        {
            var expected = new JwtExpectations { Issuer = server.Issuer, Audience = audience, AllowExpired = true };
            return Jwt.Verify(token, _keys, expected, server.Time.Now).TryGet(out _, out _);
        }

        public void Dispose() => _http.Dispose();
    }
}

file static class Pages
{
    /// <summary>Nobody got through: the form came back, or the way to sign in.</summary>
    public static async Task ShouldBeFormOrSignInAsync(this HttpResponseMessage response)
    {
        if (response.StatusCode == HttpStatusCode.SeeOther) response.Headers.Location!.OriginalString.ShouldStartWith("/");
        else await response.ShouldBeFormAgainAsync();
    }
}
