using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http;
using ProofKey.Jose;

namespace ProofKey.ResourceServer.Tests;

/// <summary>Where the keys come from, how they change, and what happens when they do not come.</summary>
public sealed class KeysTests : IAsyncLifetime
{
    private TestIssuer _issuer = null!;
    private Api _api = null!;

    public async ValueTask InitializeAsync()
    {
        _issuer = await TestIssuer.StartAsync();
        _api = await Api.StartAsync(_issuer);
    }

    public async ValueTask DisposeAsync()
    {
        await _api.DisposeAsync();
        await _issuer.DisposeAsync();
    }

    [Fact]
    public async Task Keys_are_fetched_with_the_first_token_and_kept()
    {
        _issuer.Requests.ShouldBe(0);
        for (var i = 0; i < 3; i++) (await StatusOf(_issuer.Token())).ShouldBe(HttpStatusCode.OK);

        _issuer.KeyFetches.ShouldBe(1);
        _issuer.Requests.ShouldBe(2);
    }

    [Fact]
    public async Task The_very_request_that_meets_a_new_key_is_let_in()
    {
        (await StatusOf(_issuer.Token())).ShouldBe(HttpStatusCode.OK);
        using var old = Rotate();

        (await StatusOf(_issuer.Token())).ShouldBe(HttpStatusCode.OK);
        _issuer.KeyFetches.ShouldBe(2);
    }

    [Fact]
    public async Task Requests_that_meet_a_new_key_together_share_one_fetch()
    {
        (await StatusOf(_issuer.Token())).ShouldBe(HttpStatusCode.OK);
        using var old = Rotate();

        var statuses = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => StatusOf(_issuer.Token())));

        statuses.ShouldAllBe(status => status == HttpStatusCode.OK);
        _issuer.KeyFetches.ShouldBe(2);
    }

    [Fact]
    [Assertion("RS-11")]
    public async Task An_unknown_key_id_causes_one_fetch_in_thirty_seconds()
    {
        using var unknown = SigningKey.New(SignatureAlgorithm.ES256);
        (await StatusOf(_issuer.Token())).ShouldBe(HttpStatusCode.OK);
        (await StatusOf(_issuer.Token(key: unknown))).ShouldBe(HttpStatusCode.Unauthorized);
        _issuer.Time.Advance(TimeSpan.FromSeconds(29));
        (await StatusOf(_issuer.Token(key: unknown))).ShouldBe(HttpStatusCode.Unauthorized);
        _issuer.KeyFetches.ShouldBe(2);

        _issuer.Time.Advance(TimeSpan.FromSeconds(1));
        (await StatusOf(_issuer.Token(key: unknown))).ShouldBe(HttpStatusCode.Unauthorized);
        _issuer.KeyFetches.ShouldBe(3);
    }

    [Fact]
    [Assertion("RS-17")]
    public async Task A_withdrawn_key_is_forgotten_with_the_next_renewal()
    {
        (await StatusOf(_issuer.Token())).ShouldBe(HttpStatusCode.OK);
        await _api.Log.NextAsync("Fetched");
        using var withdrawn = Rotate();
        _issuer.Time.Advance(SigningKeys.FreshFor);

        // The request that starts the renewal does not wait for it.
        (await StatusOf(_issuer.Token(key: withdrawn))).ShouldBe(HttpStatusCode.OK);
        await _api.Log.NextAsync("Fetched");

        (await StatusOf(_issuer.Token(key: withdrawn))).ShouldBe(HttpStatusCode.Unauthorized);
        (await StatusOf(_issuer.Token())).ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("down")]
    [InlineData("500")]
    [InlineData("html")]
    [InlineData("empty set")]
    [InlineData("too much")]
    [InlineData("private key")]
    [Assertion("RS-17")]
    public async Task The_last_good_keys_serve_for_a_day_when_the_issuer_fails(string fault)
    {
        (await StatusOf(_issuer.Token())).ShouldBe(HttpStatusCode.OK);
        _issuer.KeysInstead = Fault(fault);
        _issuer.Time.Advance(SigningKeys.FreshFor);

        (await StatusOf(_issuer.Token())).ShouldBe(HttpStatusCode.OK);
        await _api.Log.NextAsync("The keys of");
        (await StatusOf(_issuer.Token())).ShouldBe(HttpStatusCode.OK);

        _issuer.Time.Advance(SigningKeys.GoodFor);
        await ShouldBeUnavailable(_issuer.Token(), "5");
        _issuer.KeysInstead = null;
        _issuer.Time.Advance(SigningKeys.FailurePause);
        (await StatusOf(_issuer.Token())).ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("RS-17")]
    public async Task A_new_key_that_cannot_be_fetched_is_unavailable_not_unauthorized()
    {
        (await StatusOf(_issuer.Token())).ShouldBe(HttpStatusCode.OK);
        var known = _issuer.Token();
        using var old = Rotate();
        _issuer.KeysInstead = Fault("down");

        await ShouldBeUnavailable(_issuer.Token(), "30");
        (await StatusOf(known)).ShouldBe(HttpStatusCode.OK);
        _issuer.KeysInstead = null;
        _issuer.Time.Advance(SigningKeys.UnknownKeyPause);
        (await StatusOf(_issuer.Token())).ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("RS-17")]
    public async Task A_slow_issuer_holds_nobody_longer_than_five_seconds_and_nobody_else_at_all()
    {
        _issuer.Instead = context => Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted);
        var waiting = Enumerable.Range(0, 200).Select(_ => _api.GetAsync("/orders", _issuer.Token())).ToList();
        await _issuer.NextRequestAsync();

        using var open = await _api.GetAsync("/public");
        open.StatusCode.ShouldBe(HttpStatusCode.OK);
        waiting.ShouldAllBe(request => !request.IsCompleted);
        _issuer.Time.Advance(SigningKeys.FetchTimeout);
        var answers = await Task.WhenAll(waiting);

        answers.ShouldAllBe(answer => answer.StatusCode == HttpStatusCode.ServiceUnavailable);
        _issuer.Requests.ShouldBe(1);
        foreach (var answer in answers) answer.Dispose();
    }

    [Fact]
    [Assertion("RS-17")]
    public async Task An_issuer_that_is_down_does_not_keep_the_app_from_starting()
    {
        // Bound but not listening: connections are refused, and nobody else gets the port.
        using var nobody = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        nobody.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await using var api = await Api.StartAsync(Issuer.Parse($"http://{nobody.LocalEndPoint}"), options => options.TimeProvider = _issuer.Time);
        using var open = await api.GetAsync("/public");
        using var closed = await api.GetAsync("/orders", _issuer.Token());

        open.StatusCode.ShouldBe(HttpStatusCode.OK);
        closed.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await api.Log.NextAsync("The keys of")).ShouldContain("refused");
    }

    [Fact]
    public async Task Keys_come_as_soon_as_the_issuer_does()
    {
        _issuer.Instead = Fault("down");
        await ShouldBeUnavailable(_issuer.Token(), "5");
        var asked = _issuer.Requests;
        _issuer.Instead = null;

        await ShouldBeUnavailable(_issuer.Token(), "5");
        _issuer.Requests.ShouldBe(asked);
        _issuer.Time.Advance(SigningKeys.FailurePause);
        (await StatusOf(_issuer.Token())).ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("", "/.well-known/oauth-authorization-server")]
    [InlineData("", "/.well-known/openid-configuration")]
    [InlineData("/tenant", "/.well-known/oauth-authorization-server/tenant")]
    [InlineData("/tenant", "/tenant/.well-known/openid-configuration")]
    [Rfc("RFC 8414", "3.1")]
    public async Task Both_well_known_addresses_are_tried(string path, string metadata)
    {
        await using var issuer = await TestIssuer.StartAsync(path);
        issuer.MetadataPath = metadata;
        await using var api = await Api.StartAsync(issuer);
        using var answer = await api.GetAsync("/orders", issuer.Token());

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Metadata_may_be_read_under_another_address()
    {
        _issuer.MetadataPath = "/inside";
        await using var api = await Api.StartAsync(_issuer, options => options.MetadataAddress = new Uri(_issuer.Issuer.Endpoint("/inside")));
        using var answer = await api.GetAsync("/orders", _issuer.Token());

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        _issuer.Requests.ShouldBe(2);
    }

    [Theory]
    [InlineData("https://other.example.com")]
    [InlineData(null)]
    [Assertion("RS-09"), Rfc("RFC 8414", "3.3")]
    public async Task Metadata_of_another_issuer_are_not_believed(string? other)
    {
        _issuer.Metadata["issuer"] = other ?? _issuer.Issuer.Value + "/";

        await ShouldBeUnavailable(_issuer.Token(), "5");
        (await _api.Log.NextAsync("The keys of")).ShouldContain(other ?? _issuer.Issuer.Value + "/");
        _issuer.KeyFetches.ShouldBe(0);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("/jwks")]
    [InlineData("file:///etc/passwd")]
    [InlineData("ftp://127.0.0.1/jwks")]
    [InlineData("http://169.254.169.254/latest/meta-data")]
    [InlineData("http://keys.example.com/jwks")]
    public async Task Keys_are_fetched_over_https_or_on_the_loopback_alone(string? address)
    {
        if (address is null) _issuer.Metadata.Remove("jwks_uri");
        else _issuer.Metadata["jwks_uri"] = address;

        await ShouldBeUnavailable(_issuer.Token(), "5");
        (await _api.Log.NextAsync("The keys of")).ShouldContain("names no https jwks_uri");
    }

    [Fact]
    public void No_proxy_carries_the_keys_of_an_issuer_on_this_machine()
    {
        using var handler = KeyDiscovery.NewHandler();

        handler.UseProxy.ShouldBeTrue();
        handler.Proxy.ShouldBeOfType<DirectToLoopback>().GetProxy(_issuer.Issuer.MetadataAddress).ShouldBeNull();
    }

    [Fact]
    [Assertion("RS-11")]
    public async Task No_more_than_64_kB_of_a_document_are_read()
    {
        _issuer.Metadata["filler"] = new string('x', KeyDiscovery.MaxLength);

        await ShouldBeUnavailable(_issuer.Token(), "5");
        _issuer.KeyFetches.ShouldBe(0);
    }

    [Fact]
    public async Task Who_was_asked_over_https_does_not_name_keys_without_TLS()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        using var trusting = new SocketsHttpHandler();
        trusting.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.GetCertHashString() == certificate.GetCertHashString();
        await using var issuer = await TestIssuer.StartAsync(certificate: certificate);
        await using var api = await Api.StartAsync(issuer, options => options.BackchannelHttpHandler = trusting);
        var secure = issuer.Metadata["jwks_uri"]!.GetValue<string>();

        issuer.Metadata["jwks_uri"] = _issuer.Issuer.Endpoint("/jwks");
        using var downgraded = await api.GetAsync("/orders", issuer.Token());
        downgraded.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        _issuer.Requests.ShouldBe(0);

        issuer.Metadata["jwks_uri"] = secure;
        issuer.Time.Advance(SigningKeys.FailurePause);
        using var answer = await api.GetAsync("/orders", issuer.Token());
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Redirects_are_not_followed(bool withOwnHandler)
    {
        await using var elsewhere = await TestIssuer.StartAsync();
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = true };
        await using var api = await Api.StartAsync(_issuer, options => options.BackchannelHttpHandler = withOwnHandler ? handler : null);
        elsewhere.Published = [_issuer.Key];
        _issuer.KeysInstead = context =>
        {
            context.Response.Redirect(elsewhere.Issuer.Endpoint("/jwks"));
            return Task.CompletedTask;
        };
        using var answer = await api.GetAsync("/orders", _issuer.Token());

        answer.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await api.Log.NextAsync("The keys of")).ShouldContain(withOwnHandler ? "redirects" : "302");
    }

    [Fact]
    public async Task A_handler_of_the_apps_own_carries_the_requests()
    {
        var handler = new CountingHandler();
        await using (var api = await Api.StartAsync(_issuer, options => options.BackchannelHttpHandler = handler))
        {
            using var answer = await api.GetAsync("/orders", _issuer.Token());
            answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        handler.Count.ShouldBe(2);
        handler.IsDisposed.ShouldBeFalse();
        handler.Dispose();
    }

    private static Func<HttpContext, Task> Fault(string name) => context =>
    {
        switch (name)
        {
            case "down":
                context.Abort();
                return Task.CompletedTask;
            case "500":
                context.Response.StatusCode = 500;
                return Task.CompletedTask;
            case "html":
                return context.Response.WriteAsync("<html>Sign in to the hotel's network</html>");
            case "empty set":
                return context.Response.WriteAsync("""{"keys":[]}""");
            case "too much":
                return context.Response.WriteAsync($$"""{"keys":[],"filler":"{{new string('x', KeyDiscovery.MaxLength)}}"}""");
            default:
                return context.Response.WriteAsync("""{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}""");
        }
    };

    private SigningKey Rotate()
    {
        var old = _issuer.Key;
        _issuer.Key = SigningKey.New(SignatureAlgorithm.ES256);
        _issuer.Published = [_issuer.Key];
        return old;
    }

    private async Task ShouldBeUnavailable(string token, string retryAfter)
    {
        using var answer = await _api.GetAsync("/orders", token);

        answer.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        answer.Headers.GetValues("Retry-After").ShouldBe([retryAfter]);
        answer.Headers.WwwAuthenticate.ShouldBeEmpty();
        answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
    }

    private async Task<HttpStatusCode> StatusOf(string token)
    {
        using var answer = await _api.GetAsync("/orders", token);
        return answer.StatusCode;
    }

    private sealed class CountingHandler() : DelegatingHandler(new SocketsHttpHandler())
    {
        public int Count { get; private set; }

        public bool IsDisposed { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Count++;
            return base.SendAsync(request, cancellationToken);
        }

        protected override void Dispose(bool disposing)
        {
            IsDisposed = true;
            base.Dispose(disposing);
        }
    }
}
