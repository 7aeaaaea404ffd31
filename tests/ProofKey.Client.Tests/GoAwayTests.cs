using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ProofKey.Client.Tests;

/// <summary>A connection that the server ends: in the pool it costs nothing, and what was sent on it as it went is not sent again, by the platform's handler neither.</summary>
public sealed class GoAwayTests
{
    private static readonly TimeSpan AfterTheEnd = TimeSpan.FromMinutes(11);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("HTTP/1.1", false)]
    [InlineData("HTTP/1.1", true)]
    [InlineData("HTTP/2", true)]
    [Assertion("RT-15")]
    [Rfc("RFC 9110", "9.2.2")]
    public async Task A_refresh_on_a_pooled_connection_that_goes_away_is_sent_once_and_leaves_its_mark(string protocol, bool encrypts)
    {
        using var wire = new Wire(protocol, encrypts);
        await using var server = await wire.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = new PublicClient(wire.Options(server) with { Store = folder.Store });
        var session = await wire.SignInAsync(client);
        server.Time.Shift = AfterTheEnd;
        var before = await Wire.ReadKeysAsync(server, client);
        server.Break(Fault.GoAway);
        var goAway = server.Instead["/token"];
        var on = "";
        server.Instead["/token"] = context =>
        {
            on += context.Connection.Id;
            return goAway(context);
        };

        var failed = await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => session.GetAccessTokenAsync(cancel: Cancel));

        (failed.Code, failed.NothingHappened).ShouldBe(("no_connection", false));
        on.ShouldBe(before.Connection, "it was sent once, and on the connection that lay in the pool");
        before.Protocol.ShouldBe(protocol);
        (await folder.SessionAsync())!.WasInterrupted.ShouldBeTrue();

        server.Mend();
        (await Wire.ReadKeysAsync(server, client)).Connection.ShouldNotBe(before.Connection, "it has gone");
        (await session.GetAccessTokenAsync(cancel: Cancel)).ExpiresAt.ShouldBeGreaterThan(server.Time.GetUtcNow());
        server.Reuses.ShouldBe(0);
    }

    [Theory]
    [InlineData("HTTP/1.1", false)]
    [InlineData("HTTP/1.1", true)]
    [InlineData("HTTP/2", true)]
    [Rfc("RFC 9110", "9.2.2")]
    public async Task So_is_a_code(string protocol, bool encrypts)
    {
        using var wire = new Wire(protocol, encrypts);
        await using var server = await wire.StartAsync();
        await using var client = new PublicClient(wire.Options(server));
        server.Break(Fault.GoAway);

        (await Should.ThrowAsync<AuthorizationServerUnavailableException>(() => wire.SignInAsync(client))).Code.ShouldBe("no_connection");

        server.Count("/token").ShouldBe(1);
    }

    [Theory]
    [InlineData("HTTP/1.1", false)]
    [InlineData("HTTP/1.1", true)]
    [InlineData("HTTP/2", true)]
    [Assertion("RT-15")]
    public async Task A_connection_that_goes_away_in_the_pool_costs_nothing(string protocol, bool encrypts)
    {
        using var wire = new Wire(protocol, encrypts);
        await using var server = await wire.StartAsync();
        using var folder = new TemporaryFolder();
        await using var client = new PublicClient(wire.Options(server) with { Store = folder.Store });
        var session = await wire.SignInAsync(client);
        server.Time.Shift = AfterTheEnd;
        var before = await Wire.ReadKeysAsync(server, client);

        await server.EndConnectionsAsync(Cancel);
        (await session.GetAccessTokenAsync(cancel: Cancel)).ExpiresAt.ShouldBeGreaterThan(server.Time.GetUtcNow());

        (await Wire.ReadKeysAsync(server, client)).Connection.ShouldNotBe(before.Connection);
        server.Count("/token").ShouldBe(2);
        (await folder.SessionAsync())!.WasInterrupted.ShouldBeFalse();
    }

    [Theory]
    [InlineData("HTTP/1.1", true)]
    [InlineData("HTTP/2", true)]
    public async Task A_request_that_is_under_way_as_a_server_restarts_has_its_answer(string protocol, bool encrypts)
    {
        using var wire = new Wire(protocol, encrypts);
        await using var server = await wire.StartAsync();
        await using var client = new PublicClient(wire.Options(server));
        Task ending = Task.CompletedTask;
        server.SpoilTokens = _ => ending = server.EndConnectionsAsync(Cancel);

        (await wire.SignInAsync(client)).Subject.ShouldBe("alice");

        await ending;
    }

    /// <summary>One way to reach the server: the client's own, or over TLS, where the protocol can be chosen.</summary>
    private sealed class Wire : IDisposable
    {
        private readonly HttpMessageHandler _handler;
        private readonly X509Certificate2? _certificate;

        public Wire(string protocol, bool encrypts)
        {
            _certificate = encrypts ? NewCertificate() : null;
            var handler = Backchannel.NewHandler();
            if (_certificate is not null)
                handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { _certificate }, RevocationMode = X509RevocationMode.NoCheck };
            _handler = protocol == "HTTP/2" ? new OverHttp2 { InnerHandler = handler } : handler;
        }

        public Task<ScriptedServer> StartAsync() => ScriptedServer.StartAsync(_certificate);

        public ClientOptions Options(ScriptedServer server) => server.Options() with { HttpMessageHandler = _handler };

        // No browser, which would have to trust the certificate too.
        public async Task<Session> SignInAsync(PublicClient client)
        {
            await using var pending = await client.BeginAsync(SignInRoad.Paste, Cancel);
            using var browser = new HttpMessageInvoker(_handler, disposeHandler: false);
            using var request = new HttpRequestMessage(HttpMethod.Get, pending.AuthorizeUri);
            using var answer = await browser.SendAsync(request, Cancel);
            return (await pending.EndAsync(answer.Headers.Location!, Cancel)).SessionOrThrow();
        }

        /// <summary>Asks for something, so that a connection lies in the pool, and says which.</summary>
        public static async Task<(string Connection, string Protocol)> ReadKeysAsync(ScriptedServer server, PublicClient client)
        {
            var seen = ("", "");
            server.Instead["/jwks"] = context =>
            {
                seen = (context.Connection.Id, context.Request.Protocol);
                return ScriptedServer.JsonAsync(context, 200, "{}");
            };
            await client.Backchannel.GetAsync("the keys", server.At("/jwks"), Cancel);
            server.Instead.TryRemove("/jwks", out _).ShouldBeTrue();
            return seen;
        }

        public void Dispose()
        {
            _handler.Dispose();
            _certificate?.Dispose();
        }

        private static X509Certificate2 NewCertificate()
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var names = new SubjectAlternativeNameBuilder();
            names.AddIpAddress(IPAddress.Loopback);
            var now = TimeProvider.System.GetUtcNow();
            return new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256) { CertificateExtensions = { names.Build() } }.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        }
    }

    /// <summary>What an app has that speaks HTTP/2 with its servers.</summary>
    private sealed class OverHttp2 : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            (request.Version, request.VersionPolicy) = (HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact);
            return base.SendAsync(request, cancellationToken);
        }
    }
}
