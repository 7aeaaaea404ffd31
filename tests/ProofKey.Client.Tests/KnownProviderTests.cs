using ProofKey.Client.Providers;

namespace ProofKey.Client.Tests;

/// <summary>The list of providers that need something of their own, and the policy that it feeds.</summary>
public sealed class KnownProviderTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>One issuer of each entry that is known to check the verifier.</summary>
    public static TheoryData<string> KnownToCheck =>
    [
        "https://login.microsoftonline.com/common/v2.0",
        "https://login.microsoftonline.com/organizations/v2.0",
        "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0",
        "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc",
        "https://login.salesforce.com",
        "https://contoso.my.salesforce.com",
    ];

    [Theory]
    [InlineData(null, true)]
    [InlineData(ProviderEntry.Query, false)]
    public void An_answer_is_posted_unless_the_provider_is_known_not_to(string? mode, bool posts)
    {
        var options = new ClientOptions { Issuer = Issuer.Parse("https://login.example.com"), ClientId = "app", Scope = Scope.Parse("orders.read") };
        var entry = KnownProviders.All[0] with { ResponseMode = mode };
        var metadata = new DiscoveredMetadata
        {
            Issuer = options.Issuer.Value,
            AuthorizationEndpoint = "https://login.example.com/authorize",
            ResponseModesSupported = ["form_post", "query"],
            CodeChallengeMethodsSupported = ["S256"],
        };
        var server = new AuthorizationServer(new Uri("https://login.example.com/token"), null, null, IssuerRule.Of(options.Issuer), metadata, new Endpoints(options.Issuer, []));

        SignInServer.Check(server, options, entry).Posts.ShouldBe(posts);
    }

    [Fact]
    public void Every_entry_parses_and_names_its_source()
    {
        KnownProviders.All.Select(entry => entry.Name).ShouldBeUnique();
        KnownProviders.All.Select(entry => entry.Issuer).ShouldBeUnique();
        KnownProviders.All.ShouldAllBe(entry => entry.Issuer.StartsWith("https://", StringComparison.Ordinal) && entry.Source.Scheme == "https");
        KnownProviders.All.ShouldAllBe(entry => entry.ResponseMode == null || entry.ResponseMode == ProviderEntry.Query);
        // The last two parts of a name are never left open: anybody could have them.
        KnownProviders.All.ShouldAllBe(entry => !new Uri(entry.Issuer.Replace("*", "x", StringComparison.Ordinal)).Host.EndsWith(".x", StringComparison.Ordinal));
        KnownProviders.All.ShouldAllBe(entry => entry.OwnLogout == null || entry.OwnLogout.Scheme == "https");
        KnownProviders.All.ShouldAllBe(entry => entry.ChecksVerifier || entry.ResponseMode != null || entry.Remedies != null);
    }

    [Fact]
    [Assertion("MD-11")]
    public void A_template_is_for_one_address_and_for_tenants_of_the_same_host()
    {
        var shared = KnownProviders.All.Where(entry => entry.IssuerTemplate is not null).ToList();

        shared.Select(entry => entry.Issuer).ShouldBe(["https://login.microsoftonline.com/common/v2.0", "https://login.microsoftonline.com/organizations/v2.0"]);
        shared.ShouldAllBe(entry => !entry.Issuer.Contains('*') && entry.IssuerTemplate!.Split(IssuerRule.Tenant).Length == 2);
        shared.ShouldAllBe(entry => new Uri(entry.IssuerTemplate!.Replace(IssuerRule.Tenant, "x", StringComparison.Ordinal)).GetLeftPart(UriPartial.Authority) == Issuer.Parse(entry.Issuer).Origin);
        // What is said of one address comes before what is said of all alike.
        shared.ShouldAllBe(entry => KnownProviders.Find(Issuer.Parse(entry.Issuer)) == entry);
    }

    [Theory]
    [InlineData("https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0", "Microsoft Entra ID")]
    [InlineData("https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc", "Amazon Cognito")]
    [InlineData("https://contoso.my.salesforce.com", "Salesforce My Domain")]
    [InlineData("https://login.microsoftonline.com.evil.example/x/v2.0", null)]
    [InlineData("https://evil.example/cognito-idp.eu.amazonaws.com/x", null)]
    [InlineData("https://cognito-idp.evil.example.amazonaws.com/x", null)]
    [InlineData("https://cognito-idp.eu-central-1.amazonaws.com", null)]
    [InlineData("https://cognito-idp.eu-central-1.amazonaws.com/a/b", null)]
    [InlineData("https://cognito-idp.evil/amazonaws.com.x", null)]
    [InlineData("https://cognito-idp/evil.amazonaws.com.x", null)]
    [InlineData("https://login/microsoftonline.com.x/v2.0", null)]
    [InlineData("https://login.microsoftonline/com.x/v2.0", null)]
    [InlineData("https://login.microsoftonline.com/common/v2.0", "Microsoft Entra ID, any tenant and personal accounts")]
    [InlineData("https://login.microsoftonline.com/consumers/v2.0", "Microsoft Entra ID")]
    [InlineData("https://login.example.com", null)]
    public void An_issuer_is_a_providers_only_if_every_part_fits(string issuer, string? name) => (KnownProviders.Find(Issuer.Parse(issuer))?.Name).ShouldBe(name);

    [Fact]
    public void Each_entry_that_is_known_to_check_the_verifier_is_tried() =>
        KnownToCheck.Select(row => KnownProviders.Find(Issuer.Parse(row.Data))).ShouldBe(KnownProviders.All.Where(entry => entry.ChecksVerifier), ignoreOrder: true);

    [Theory]
    [MemberData(nameof(KnownToCheck))]
    [Assertion("PK-22")]
    public async Task A_provider_that_is_known_to_check_the_verifier_may_be_silent_about_it(string issuer)
    {
        var events = new List<ClientEvent>();
        using var silent = new SilentServer(IssuerRule.Of(Issuer.Parse(issuer)).InMetadata, methods: null);
        await using var client = new PublicClient(new ClientOptions { Issuer = Issuer.Parse(issuer), ClientId = "cli", HttpMessageHandler = silent, OnEvent = SuiteWitness.And(events.Add) });

        await using var pending = await client.BeginAsync(Cancel);

        SignInTests.Query(pending.AuthorizeUri)["code_challenge_method"].ShouldBe("S256");
        events.ShouldContain(new ClientEvent.MetadataRead(issuer, PkceSupport.KnownProvider));
    }

    [Theory]
    [InlineData("https://login.example.com", null, "pkce_not_advertised")]
    [InlineData("https://login.example.com", "plain", "pkce_without_s256")]
    [InlineData("https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc", "plain", "pkce_without_s256")]
    [Assertion("PK-22")]
    public async Task Any_other_silence_and_any_list_without_S256_is_refused_with_the_option_that_allows_it(string issuer, string? method, string code)
    {
        using var server = new SilentServer(issuer, method);
        await using var client = new PublicClient(new ClientOptions { Issuer = Issuer.Parse(issuer), ClientId = "cli", HttpMessageHandler = server });

        var refused = await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel));

        refused.Code.ShouldBe(code);
        if (method is null) refused.Remedy.ShouldContain(nameof(ClientOptions.AcceptUnadvertisedPkce));
    }

    [Theory]
    [InlineData("https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc", null)]
    [InlineData("https://contoso.my.salesforce.com", "https://a.example/l?client_id=cli")]
    public async Task A_provider_whose_logout_wants_parameters_of_its_own_has_no_address_for_it(string issuer, string? address)
    {
        using var server = new SilentServer(issuer, "S256");
        await using var client = new PublicClient(new ClientOptions { Issuer = Issuer.Parse(issuer), ClientId = "cli", HttpMessageHandler = server });

        (await client.SignOut.EndSessionUriAsync(Cancel)).ShouldBe(address is null ? null : new Uri(address));
    }

    [Fact]
    public async Task Another_name_of_a_tenant_than_its_id_is_explained()
    {
        using var server = new SilentServer("https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0", methods: null);
        await using var client = new PublicClient(new ClientOptions { Issuer = Issuer.Parse("https://login.microsoftonline.com/consumers/v2.0"), ClientId = "cli", HttpMessageHandler = server });

        var refused = await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel));

        refused.Code.ShouldBe("metadata_issuer");
        refused.Remedy.ShouldContain("TENANT-ID");
        refused.Remedy.ShouldContain("common");
    }

    /// <summary>Answers with metadata and nothing else, in the name of a server on the Internet.</summary>
    private sealed class SilentServer(string issuer, string? methods) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var list = methods is null ? "" : $$""","code_challenge_methods_supported":["{{methods}}"]""";
            var json = $$"""{"issuer":"{{issuer}}","authorization_endpoint":"https://a.example/a","token_endpoint":"https://a.example/t","jwks_uri":"https://a.example/k","end_session_endpoint":"https://a.example/l"{{list}}}""";
            return Task.FromResult(new HttpResponseMessage { Content = new StringContent(json, System.Text.Encoding.UTF8, "application/json"), RequestMessage = request });
        }
    }
}
