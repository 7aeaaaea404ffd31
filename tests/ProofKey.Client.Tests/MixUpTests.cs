using ProofKey.Client.Providers;

namespace ProofKey.Client.Tests;

/// <summary>Two servers of which neither names itself in its answers: one of them is after the other's codes (RFC 9700 section 4.4).</summary>
public sealed class MixUpTests : IAsyncLifetime
{
    private readonly MemoryVault _vault = new();
    private readonly TestBrowser _browser = new();
    private ScriptedServer _honest = null!;
    private ScriptedServer _evil = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        (_honest, _evil) = (await ScriptedServer.StartAsync(), await ScriptedServer.StartAsync());
        foreach (var server in (ScriptedServer[])[_honest, _evil]) BeSilent(server);
        // The person has a session there, so the browser comes back with a code at once.
        _evil.Instead["/authorize"] = context =>
        {
            context.Response.Redirect(new Uri(new Uri(_honest.Issuer.Value), "/authorize" + context.Request.QueryString).AbsoluteUri);
            return Task.CompletedTask;
        };
    }

    public async ValueTask DisposeAsync()
    {
        await _honest.DisposeAsync();
        await _evil.DisposeAsync();
        _browser.Dispose();
    }

    [Fact]
    [Assertion("CL-03")]
    [Rfc("RFC 9700", "4.4.2.2")]
    public async Task A_second_server_that_does_not_name_itself_gets_no_answer_at_the_place_of_the_first()
    {
        await SignInAsync(_honest);
        var asked = _honest.AuthorizeRequests.Count;

        var refused = await Should.ThrowAsync<ProtocolViolationException>(() => SignInAsync(_evil, "second"));

        refused.Code.ShouldBe("redirect_shared");
        refused.Expected.ShouldContain(_honest.Issuer.Value);
        refused.Remedy.ShouldContain("Path");
        _evil.AuthorizeRequests.ShouldBeEmpty();
        _evil.TokenRequests.ShouldBeEmpty();
        _honest.AuthorizeRequests.Count.ShouldBe(asked);
    }

    [Fact]
    public async Task Without_that_rule_the_dishonest_one_would_get_the_code_and_the_verifier()
    {
        await Should.ThrowAsync<Exception>(() => SignInAsync(_evil));

        // Nobody knew of the other one yet: this is what the rule is there for.
        _honest.AuthorizeRequests.Count.ShouldBe(1);
        _evil.TokenRequests.Single()["code_verifier"].ShouldNotBeNull();
    }

    [Fact]
    [Assertion("CL-03")]
    public async Task The_place_of_a_profile_whose_session_it_would_replace_is_not_given_either()
    {
        await SignInAsync(_honest);
        await using var client = new PublicClient(Options(_evil, "default"));
        (await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel))).Code.ShouldBe("redirect_shared");
        (await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(SignInRoad.Paste, Cancel))).Code.ShouldBe("redirect_shared");
    }

    [Theory]
    [InlineData("http://127.0.0.1/callback", true)]
    [InlineData("http://localhost:8400/callback", true)]
    [InlineData("http://127.0.0.1/callback/second", false)]
    [InlineData("com.example.app:/callback", false)]
    [Assertion("CL-03")]
    public async Task A_place_is_a_path_whatever_the_port_and_the_name(string address, bool isShared)
    {
        await SignInAsync(_honest);
        await using var client = new PublicClient(Options(_evil, "second") with { Redirect = RedirectOf(new Uri(address)) });

        if (isShared) (await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel))).Code.ShouldBe("redirect_shared");
        else await (await client.BeginAsync(Cancel)).DisposeAsync();
    }

    [Fact]
    [Assertion("CL-03")]
    public async Task The_same_server_has_any_number_of_profiles()
    {
        await SignInAsync(_honest);
        await SignInAsync(_honest, "second");
        (await _vault.Store.ListAsync(Cancel)).Count.ShouldBe(2);
    }

    [Fact]
    [Assertion("CL-03")]
    public async Task A_server_that_promises_to_name_itself_shares_the_place_and_gets_no_code_of_the_other_one()
    {
        await SignInAsync(_honest);
        _evil.SpoilMetadata = null;
        (await Should.ThrowAsync<ProtocolViolationException>(() => SignInAsync(_evil, "second"))).Code.ShouldBe("issuer_missing");
        _evil.TokenRequests.ShouldBeEmpty();
    }

    [Fact]
    [Assertion("CL-03")]
    public async Task An_answer_that_names_its_server_without_a_promise_tells_it_apart_too()
    {
        _honest.SpoilCallback = null;
        await SignInAsync(_honest);
        (await Should.ThrowAsync<ProtocolViolationException>(() => SignInAsync(_evil, "second"))).Code.ShouldBe("issuer_mismatch");
        _evil.TokenRequests.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc", true)]
    [InlineData("https://login.salesforce.com", false)]
    [Assertion("CL-03")]
    public async Task A_known_provider_may_come_second_unless_its_endpoints_may_be_at_a_tenants_host(string issuer, bool isRefused)
    {
        await SignInAsync(_honest);
        var options = Options(_evil, "second") with { Issuer = Issuer.Parse(issuer) };
        var metadata = new DiscoveredMetadata { Issuer = issuer, AuthorizationEndpoint = "https://login.example.com/authorize", CodeChallengeMethodsSupported = ["S256"] };
        var known = new AuthorizationServer(new Uri("https://login.example.com/token"), null, null, IssuerRule.Of(options.Issuer), metadata, new Endpoints(options.Issuer, []));
        var server = SignInServer.Check(known, options, KnownProviders.Find(options.Issuer));

        if (isRefused) (await Should.ThrowAsync<ProtocolViolationException>(() => SharedRedirect.CheckAsync(options, server, Cancel))).Code.ShouldBe("redirect_shared");
        else await SharedRedirect.CheckAsync(options, server, Cancel);
    }

    [Fact]
    [Assertion("CL-03")]
    public async Task A_device_has_no_such_place()
    {
        await SignInAsync(_honest);
        await using var client = new PublicClient(Options(_evil, "second"));
        await (await client.BeginDeviceAsync(Cancel)).DisposeAsync();
    }

    private async Task SignInAsync(ScriptedServer server, string profile = "default")
    {
        await using var client = new PublicClient(Options(server, profile));
        await client.GetSessionAsync(Cancel);
    }

    private ClientOptions Options(ScriptedServer server, string profile) => server.Options(_browser) with { Store = _vault.Store, Profile = profile };

    private static Redirect RedirectOf(Uri address) => address switch
    {
        { Scheme: not "http" } => new Redirect.PrivateUse(RedirectUri.Parse(address.OriginalString)),
        { Port: 80 } => new Redirect.LoopbackAnyPort { Path = address.AbsolutePath },
        _ => new Redirect.LoopbackPort(RedirectTests.FreePort()) { Path = address.AbsolutePath, UseLocalhost = address.Host == "localhost" },
    };

    private static void BeSilent(ScriptedServer server)
    {
        server.SpoilMetadata = metadata => metadata.Remove("authorization_response_iss_parameter_supported");
        server.SpoilCallback = answer => answer.RemoveAll(parameter => parameter.Key == "iss");
    }
}
