using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Tests;

/// <summary>The rules as they stand in their files, without a server: their order, and what each makes of its parameter.</summary>
public sealed class AuthorizeRulesTests
{
    private const string Audience = "https://api.example/";

    private static readonly RegisteredClient Client = new()
    {
        Id = "client",
        Name = "Client",
        RedirectUris = [RedirectUri.Parse("https://app.example/cb")],
        Scope = Scope.Parse("openid profile email offline_access orders.read"),
        Audience = Audience,
    };

    private static Parameters Good() => Parameters.Of(
        new("client_id", "client"), new("redirect_uri", "https://app.example/cb"), new("response_type", "code"), new("scope", "openid"), new("state", "s"),
        new("code_challenge", CodeVerifier.New().Challenge.ToString()), new("code_challenge_method", "S256"));

    private static Parameters Good(string name, string value) => Good().Without(name).With(name, value);

    private static AuthorizeRequest Valid(Parameters parameters) => AuthorizeRequest.Parse(parameters, Client, []).ShouldBeOfType<AuthorizeOutcome.Valid>().Request;

    private static OAuthError Error(Parameters parameters) => AuthorizeRequest.Parse(parameters, Client, []).ShouldBeOfType<AuthorizeOutcome.Redirected>().Error;

    [Fact]
    [Rfc("RFC 6749", "3.1")]
    [Rfc("RFC 6749", "4.1.2.1")]
    public void The_order_of_the_rules_is_the_policy() => AuthorizeRequest.Rules.Select(rule => rule.Name).ShouldBe(
        [
            "response mode is registered", // first, so that all other errors travel in the mode that was asked for; of two modes neither counts
            "no parameter repeats", // no later rule may rely on the first of two values
            "pushed where that is required", // before anything else is made of what came through a browser
            "no request object", // before the parameters that an object would have replaced
            "response type is code", // what is asked for at all
            "code challenge is S256", // before anything that a person could be asked about
            "scope is registered",
            "nonce fits",
            "prompt is understood",
            "max_age is a number of seconds",
            "claims are understood", // what of them the client may have; the scope decides on the rest
            "resource is registered", // before the scope is held against it
            "scope belongs to the resource",
            "dpop_jkt is a thumbprint",
        ]);

    [Fact]
    [Assertion("TK-08")]
    [Rfc("RFC 6749", "4.1.3")]
    [Rfc("RFC 7636", "4.6")]
    public void A_code_is_asked_for_its_verifier_last_and_for_its_use_after_that() => AuthorizationCodeGrant.Rules.Select(rule => rule.Name).ShouldBe(
        [
            "issued to this client", // another client learns nothing about the code
            "not expired",
            "same redirect URI",
            "tries left", // before the verifier is looked at, or there would be no limit
            "verifier is well-formed and matches",
            "by the key that the code is bound to", // last: only who passes both has proved possession, and may set off the alarm of a second use
        ]);

    [Fact]
    public void A_request_exists_only_when_every_rule_passed() =>
        typeof(AuthorizeRequest).GetConstructors().ShouldBeEmpty("Parse is the one way to one");

    [Fact]
    [Assertion("AZ-03")]
    [Rfc("RFC 6749", "3.1")]
    public void An_earlier_rule_wins_over_a_later_one()
    {
        var allWrong = Good("response_type", "token").Without("code_challenge").With("scope", "admin").With("prompt", "what");
        Error(allWrong.With("request", "x")).Description.ShouldContain("more than once");
        allWrong = Good("response_type", "token").Without("code_challenge").Without("scope").With("scope", "admin");
        Error(allWrong.With("request", "x")).Code.ShouldBe("request_not_supported");
        Error(allWrong).Code.ShouldBe("unsupported_response_type");
        Error(allWrong.Without("response_type").With("response_type", "code")).Description.ShouldContain("code_challenge");
    }

    [Fact]
    [Rfc("RFC 8707", "2")]
    public void Only_resource_may_repeat_and_then_it_is_one_too_many()
    {
        Valid(Good().With("resource", Audience)).Resource.ShouldBe(Audience);
        Error(Good().With("resource", Audience).With("resource", Audience)).Code.ShouldBe("invalid_target");
        Error(Good().With("resource", "https://other.example/")).Code.ShouldBe("invalid_target");
        Valid(Good().With("resource", "")).Resource.ShouldBeNull();
    }

    [Theory]
    [InlineData("", Prompt.Unset)]
    [InlineData("none", Prompt.None)]
    [InlineData("login", Prompt.Login)]
    [InlineData("consent", Prompt.Consent)]
    [InlineData("select_account", Prompt.SelectAccount)]
    [InlineData("login consent", Prompt.Login | Prompt.Consent)]
    [InlineData("consent login consent", Prompt.Login | Prompt.Consent)]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    public void Prompts_are_read(string text, object expected) => Valid(Good().With("prompt", text)).Prompt.ShouldBe((Prompt)expected);

    [Theory]
    [InlineData("none login")]
    [InlineData("consent none")]
    [InlineData("create")]
    [InlineData("NONE")]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    public void Prompts_that_contradict_themselves_or_are_unknown_are_refused(string text) => Error(Good().With("prompt", text)).Code.ShouldBe("invalid_request");

    [Theory]
    [InlineData("0", 0)]
    [InlineData("00", 0)]
    [InlineData("2147483647", int.MaxValue)]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    public void Ages_are_seconds(string text, int seconds) => Valid(Good().With("max_age", text)).MaxAge.ShouldBe(TimeSpan.FromSeconds(seconds));

    [Fact]
    public void A_nonce_has_128_characters_at_most()
    {
        Valid(Good().With("nonce", new string('é', 128))).Nonce!.Length.ShouldBe(128);
        Error(Good().With("nonce", new string('n', 129))).Code.ShouldBe("invalid_request");
    }

    [Fact]
    public void Any_changed_parameter_makes_another_request()
    {
        var good = Good();
        var digest = Valid(good).Digest();
        Valid(good).Digest().ShouldBe(digest);
        foreach (var other in (Parameters[])[good.With("x", "y"), good.With("x", ""), good.Without("state"), good.Without("state").With("state", "t"), good.Without("scope").With("scope", "openid")])
            Valid(other).Digest().ShouldNotBe(digest, "the last one has another order, and that is another request too");
    }

    [Fact]
    [Assertion("RU-08")]
    [Rfc("RFC 6749", "3.1.2.3")]
    public void Nothing_is_redirected_before_client_and_address_are_known()
    {
        AuthorizeRequest.Parse(Good(), null, []).ShouldBeOfType<AuthorizeOutcome.Shown>();
        AuthorizeRequest.Parse(Good().Without("client_id"), Client, []).ShouldBeOfType<AuthorizeOutcome.Shown>();
        AuthorizeRequest.Parse(Good().With("client_id", "client"), Client, []).ShouldBeOfType<AuthorizeOutcome.Shown>();
        AuthorizeRequest.Parse(Good("redirect_uri", "https://evil.example"), Client, []).ShouldBeOfType<AuthorizeOutcome.Shown>();
        AuthorizeRequest.Parse(Parameters.Empty, null, []).ShouldBeOfType<AuthorizeOutcome.Shown>();
    }
}
