using ProofKey.Jose;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Tests;

/// <summary>What is believed of a request to sign out: the rules by themselves, in their order.</summary>
public sealed class LogoutRequestTests
{
    private static readonly DateTimeOffset Now = new(2030, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly Issuer OurIssuer = Issuer.Parse("https://login.example.com");
    private static readonly SigningKey Key = SigningKey.New(SignatureAlgorithm.ES256);
    private static readonly RegisteredClient Client = new() { Id = "c1", Name = "App", Scope = Scope.None, PostLogoutRedirectUris = ["https://app.example.com/bye", "http://127.0.0.1/bye", "com.example.app:/bye"] };

    /// <summary>Each request breaks its own rule and all that stand below it, so the order of the rules is the order of the reasons.</summary>
    public static TheoryData<string, string> InOrder => new()
    {
        { "id_token_hint=x&client_id=c2&client_id=c2&post_logout_redirect_uri=https://evil.example", "A parameter came more than once." },
        { "id_token_hint=x&client_id=c2&post_logout_redirect_uri=https://evil.example", "The id_token_hint is none of ours." },
        { "id_token_hint=HINT&client_id=c2&post_logout_redirect_uri=https://evil.example", "The id_token_hint was issued to another client." },
        { "id_token_hint=HINT&client_id=c1&post_logout_redirect_uri=https://evil.example", "The post_logout_redirect_uri is not registered for the client, or no client is named." },
    };

    [Theory]
    [Assertion("LO-02")]
    [Assertion("LO-03")]
    [Rfc("OpenID Connect RP-Initiated Logout", "3")]
    [MemberData(nameof(InOrder))]
    public void What_cannot_be_believed_is_left_aside_in_this_order(string query, string reason)
    {
        var request = Read(query);
        (request.Reason, request.RedirectUri, request.WayOn()).ShouldBe((reason, null, null));
    }

    [Theory]
    [Assertion("LO-01")]
    [InlineData("client_id=c1&post_logout_redirect_uri=https://app.example.com/bye&state=a%26b", "https://app.example.com/bye?state=a%26b")]
    [InlineData("id_token_hint=HINT&post_logout_redirect_uri=https://app.example.com/bye", "https://app.example.com/bye")]
    [InlineData("id_token_hint=HINT&client_id=c1&post_logout_redirect_uri=http://127.0.0.1:51000/bye&state=s", "http://127.0.0.1:51000/bye?state=s")]
    [InlineData("id_token_hint=HINT&post_logout_redirect_uri=com.example.app:/bye", "com.example.app:/bye")]
    [InlineData("id_token_hint=HINT&state=s&logout_hint=alice&ui_locales=de", null)]
    public void The_way_on_is_the_registered_address_with_the_state(string query, string? wayOn)
    {
        var request = Read(query);
        (request.WayOn(), request.Reason).ShouldBe((wayOn, null));
    }

    [Theory]
    [Assertion("LO-02")]
    [InlineData("https://app.example.com/bye/")]
    [InlineData("https://app.example.com/bye?x=1")]
    [InlineData("https://app.example.com/by")]
    [InlineData("https://app.example.com/bye/more")]
    [InlineData("https://app.example.com/bye#f")]
    [InlineData("http://app.example.com/bye")]
    [InlineData("https://app.example.com.evil.example/bye")]
    [InlineData("https://app.example.com@evil.example/bye")]
    [InlineData("HTTPS://app.example.com/bye")]
    [InlineData("//app.example.com/bye")]
    [InlineData("javascript:alert(1)")]
    [InlineData("http://127.0.0.1:1@evil.example/bye")]
    [InlineData("http://localhost/bye")]
    public void No_other_address_passes_for_a_registered_one(string uri) => Read($"client_id=c1&post_logout_redirect_uri={Uri.EscapeDataString(uri)}").RedirectUri.ShouldBeNull();

    [Fact]
    [Assertion("LO-03")]
    public void A_hint_proves_one_session_and_no_other()
    {
        var (mine, other) = (Secret.NewId(Now), Secret.NewId(Now));
        SignedInAccount[] signedIn = [Account("bob", other), Account("alice", mine)];
        Read("id_token_hint=HINT", sid: BrowserSession.NameOf(mine)).Proven(signedIn)!.Subject.ShouldBe("alice");
        Read("id_token_hint=HINT", authTime: Now).Proven(signedIn)!.Subject.ShouldBe("alice", "an ID token without sid is about the sign-in of its auth_time");
        Read("id_token_hint=HINT", authTime: Now.AddSeconds(-1)).Proven(signedIn).ShouldBeNull("of an older sign-in");
        Read("id_token_hint=HINT").Proven(signedIn).ShouldBeNull();
        Read("id_token_hint=HINT", sid: BrowserSession.NameOf(other)).Proven(signedIn).ShouldBeNull();
        Read("id_token_hint=HINT", sid: "x").Proven(signedIn).ShouldBeNull();
        Read("id_token_hint=HINT", subject: "carol").Proven(signedIn).ShouldBeNull();
        Read("client_id=c1").Proven(signedIn).ShouldBeNull();
    }

    private static SignedInAccount Account(string subject, byte[] sessionId) => new(subject, subject, 1, Now, "pwd", Now.AddHours(12)) { SessionId = sessionId };

    private static LogoutRequest Read(string query, string subject = "alice", string? sid = null, DateTimeOffset? authTime = null)
    {
        var token = Jwt.Sign(Key, "JWT", claims =>
        {
            claims.WriteString("iss", OurIssuer.Value);
            claims.WriteString("sub", subject);
            claims.WriteString("aud", Client.Id);
            if (sid is not null) claims.WriteString("sid", sid);
            if (authTime is { } time) claims.WriteNumber("auth_time", time.ToUnixTimeSeconds());
            claims.WriteNumber("exp", Now.AddDays(-9).ToUnixTimeSeconds());
        });
        Parameters.TryParse(query.Replace("HINT", token, StringComparison.Ordinal), out var parameters, out var problem).ShouldBeTrue(problem);
        Jwt.Verify(parameters!["id_token_hint"], new JwkSet(Key.PublicKey), IdTokenHint.Expectations(OurIssuer), Now).TryGet(out var hint, out _);
        return LogoutRequest.Of(parameters, hint, LogoutRequest.ClientIdOf(parameters, hint) == Client.Id ? Client : null);
    }
}
