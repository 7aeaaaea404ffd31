using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Tests;

/// <summary>What has to happen before a code is issued, decided from its facts alone.</summary>
public sealed class InteractionDecisionTests
{
    private static readonly DateTimeOffset Now = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private static RegisteredClient Client(string redirectUri, bool firstParty) => new()
    {
        Id = "client",
        Name = "Client",
        RedirectUris = [RedirectUri.Parse(redirectUri)],
        Scope = Scope.Parse("openid profile email"),
        IsFirstParty = firstParty,
    };

    private static readonly RegisteredClient Native = Client("http://127.0.0.1/cb", false);
    private static readonly RegisteredClient App = Client("com.example.app:/cb", false);
    private static readonly RegisteredClient Web = Client("https://app.example/cb", false);
    private static readonly RegisteredClient FirstParty = Client("https://app.example/cb", true);

    private static AuthorizeRequest Request(RegisteredClient client, string scope = "openid", params (string Name, string Value)[] more)
    {
        var parameters = Parameters.Of(
            new("client_id", "client"), new("redirect_uri", client.RedirectUris[0].Value), new("response_type", "code"), new("scope", scope),
            new("code_challenge", CodeVerifier.New().Challenge.ToString()), new("code_challenge_method", "S256"));
        foreach (var (name, value) in more) parameters = parameters.With(name, value);
        return AuthorizeRequest.Parse(parameters, client, []).ShouldBeOfType<AuthorizeOutcome.Valid>().Request;
    }

    private static SignedInAccount SignedIn(string subject = "alice", int secondsAgo = 60) => new(subject, subject, 1, Now.AddSeconds(-secondsAgo), "pwd", Now.AddHours(1));

    private static StepTicket Ticket(int firstCameSecondsAgo, string? subject = null, string? scope = null) => new(Now.AddSeconds(-firstCameSecondsAgo), subject, scope is null ? null : Scope.Parse(scope));

    private static string Decide(AuthorizeRequest request, SignedInAccount? account, string? remembered = null, string? hint = null, StepTicket? ticket = null, string[]? acrSupported = null, string? asked = null) =>
        Interaction.Decide(request, account, remembered is null ? null : new RememberedConsent(Scope.Parse(remembered), Scope.Parse(asked ?? remembered)), hint, ticket, acrSupported ?? [], Now) switch
        {
            Interaction.Refuse refuse => refuse.Error.Code,
            var decision => decision.GetType().Name,
        };

    [Fact]
    [Rfc("OpenID Connect Core", "3.1.2.6")]
    public void Nobody_signed_in_means_sign_in_or_login_required()
    {
        Decide(Request(Web), null, "openid").ShouldBe("SignIn");
        Decide(Request(Web, "openid", ("prompt", "none")), null, "openid").ShouldBe("login_required");
        Decide(Request(FirstParty), null).ShouldBe("SignIn");
        Decide(Request(Native), null, ticket: Ticket(1, "alice", "openid")).ShouldBe("SignIn", "a consent is no sign-in");
    }

    [Fact]
    [Assertion("AZ-22")]
    [Rfc("RFC 8252", "8.6")]
    [Rfc("RFC 6749", "10.2")]
    public void A_remembered_consent_counts_only_where_the_address_identifies_the_client()
    {
        Decide(Request(Web), SignedIn(), "openid").ShouldBe("Proceed");
        Decide(Request(Native), SignedIn(), "openid").ShouldBe("Consent");
        Decide(Request(App), SignedIn(), "openid").ShouldBe("Consent");
        Decide(Request(Native, "openid", ("prompt", "none")), SignedIn(), "openid").ShouldBe("consent_required");
        Decide(Request(Web, "openid", ("prompt", "none")), SignedIn(), "openid").ShouldBe("Proceed");
    }

    [Fact]
    public void A_consent_covers_what_was_agreed_to_and_no_more()
    {
        Decide(Request(Web, "openid email"), SignedIn(), "openid").ShouldBe("Consent");
        Decide(Request(Web, "openid"), SignedIn(), "openid email").ShouldBe("Proceed");
        Decide(Request(Web, "openid"), SignedIn()).ShouldBe("Consent");
        Decide(Request(Web, ""), SignedIn()).ShouldBe("Consent", "a request for nothing is asked for once too");
        Decide(Request(Web, ""), SignedIn(), "").ShouldBe("Proceed");
        Decide(Request(Native, "openid email"), SignedIn("bob"), ticket: Ticket(5, "alice", "openid email")).ShouldBe("Consent");
    }

    [Theory]
    [InlineData("openid email", "openid", "openid", "Proceed", "openid")]
    [InlineData("openid email", "openid email", "openid email offline_access", "Proceed", "openid email")]
    [InlineData("openid", "openid", "openid email", "Proceed", "openid")]
    [InlineData("openid email", "openid", "openid email", "Proceed", "openid")]
    [InlineData("email", "openid", "openid email", "Consent", null)]
    [InlineData("openid profile", "openid", "openid email", "Consent", null)]
    [Rfc("RFC 6749", "3.3")]
    public void What_was_declined_is_not_granted_and_not_asked_for_again(string requested, string agreed, string asked, string decision, string? granted)
    {
        var request = Request(requested == "openid email" && asked == "openid" ? Native : Web, requested);
        var ticket = asked == "openid" ? Ticket(5, "alice", agreed) : null;
        var decided = Interaction.Decide(request, SignedIn(), new RememberedConsent(Scope.Parse(agreed), Scope.Parse(asked)), null, ticket, [], Now);
        decided.GetType().Name.ShouldBe(decision);
        ((decided as Interaction.Proceed)?.Agreed.ToString()).ShouldBe(granted);
    }

    [Fact]
    public void The_last_answer_on_each_scope_counts()
    {
        var first = new RememberedConsent(Scope.None, Scope.None).With(Scope.Parse("openid"), Scope.Parse("openid email"), Web);
        var second = first.With(Scope.Parse("openid email"), Scope.Parse("openid email profile"), Web);
        var third = second.With(Scope.Parse("openid"), Scope.Parse("openid email"), Web);
        (first.Agreed.ToString(), first.Asked.ToString()).ShouldBe(("openid", "openid email"));
        (second.Agreed.ToString(), second.Asked.ToString()).ShouldBe(("openid email", "openid email profile"));
        (third.Agreed.ToString(), third.Asked.ToString()).ShouldBe(("openid", "openid email profile"));
    }

    [Fact]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    public void A_prompt_for_consent_asks_even_where_it_is_remembered_or_not_needed()
    {
        Decide(Request(Web, "openid", ("prompt", "consent")), SignedIn(), "openid").ShouldBe("Consent");
        Decide(Request(FirstParty, "openid", ("prompt", "consent")), SignedIn()).ShouldBe("Consent");
        Decide(Request(FirstParty, "openid", ("prompt", "consent")), SignedIn(), ticket: Ticket(5, "alice", "openid")).ShouldBe("Proceed");
        Decide(Request(FirstParty), SignedIn()).ShouldBe("Proceed");
    }

    [Fact]
    [Assertion("UI-20")]
    public void A_consent_counts_for_the_account_that_gave_it()
    {
        Decide(Request(Native), SignedIn(), ticket: Ticket(5, "alice", "openid")).ShouldBe("Proceed");
        Decide(Request(Native), SignedIn("bob"), ticket: Ticket(5, "alice", "openid")).ShouldBe("Consent");
    }

    [Theory]
    [InlineData("prompt", "login")]
    [InlineData("prompt", "select_account")]
    [InlineData("max_age", "0")]
    [InlineData("max_age", "59")]
    [InlineData("max_age", "60")]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    public void A_demand_for_a_fresh_sign_in_is_met_once_by_a_sign_in_since_the_request_came(string name, string value)
    {
        var request = Request(Web, "openid", (name, value));
        Decide(request, SignedIn(), "openid").ShouldBe("SignIn");
        Decide(request, SignedIn(), "openid", ticket: Ticket(firstCameSecondsAgo: 30)).ShouldBe("SignIn", "signed in before the request came");
        Decide(request, SignedIn(), "openid", ticket: Ticket(firstCameSecondsAgo: 60)).ShouldBe("Proceed");
        Decide(request, SignedIn(), "openid", ticket: Ticket(firstCameSecondsAgo: 90)).ShouldBe("Proceed", "signed in after the request came");
    }

    [Fact]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    public void A_session_that_is_young_enough_is_not_asked_again()
    {
        Decide(Request(Web, "openid", ("max_age", "61")), SignedIn(), "openid").ShouldBe("Proceed");
        Decide(Request(Web, "openid", ("max_age", "60"), ("prompt", "none")), SignedIn(), "openid").ShouldBe("login_required");
        Decide(Request(Web, "openid", ("max_age", "2147483647")), SignedIn(), "openid").ShouldBe("Proceed");
    }

    [Fact]
    [Rfc("RFC 9470", "5")]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    public void A_wish_for_a_better_sign_in_brings_one_where_there_is_one_and_never_a_second()
    {
        var request = Request(Web, "openid", ("acr_values", "gold silver"));
        var silver = SignedIn() with { Acr = "silver" };
        var bronze = SignedIn() with { Acr = "bronze" };
        Decide(request, silver, "openid", acrSupported: ["silver", "bronze"]).ShouldBe("Proceed");
        Decide(request, bronze, "openid", acrSupported: ["silver", "bronze"]).ShouldBe("SignIn");
        Decide(request, SignedIn(), "openid", acrSupported: ["gold"]).ShouldBe("SignIn", "a session from before has no name for what it is worth");
        Decide(request, bronze, "openid", acrSupported: ["bronze"]).ShouldBe("Proceed", "a wish that nothing here can fulfil asks nobody for anything");
        Decide(request, bronze, "openid", ticket: Ticket(60), acrSupported: ["silver"]).ShouldBe("Proceed", "who signed in for this request and did no better is not asked again");
        Decide(Request(Web, "openid", ("acr_values", "gold"), ("prompt", "none")), bronze, "openid", acrSupported: ["gold"]).ShouldBe("login_required");
    }

    [Fact]
    [Rfc("RFC 9470", "5")]
    public void A_demand_for_a_better_sign_in_is_met_or_refused_and_never_goes_round()
    {
        var bronze = SignedIn() with { Acr = "bronze" };
        var request = Request(Web);
        request.EssentialAcr = ["gold"];
        string Demand(SignedInAccount? account, StepTicket? ticket, params string[] acrSupported) => Decide(request, account, "openid", ticket: ticket, acrSupported: acrSupported);

        Demand(bronze with { Acr = "gold" }, null, "gold").ShouldBe("Proceed");
        Demand(bronze, null, "gold", "bronze").ShouldBe("SignIn");
        Demand(null, null, "gold").ShouldBe("SignIn");
        Demand(bronze, null, "bronze").ShouldBe("unmet_authentication_requirements", "nothing here brings it");
        Demand(null, null, "bronze").ShouldBe("unmet_authentication_requirements", "so nobody is asked for a password first");
        Demand(bronze, Ticket(60), "gold").ShouldBe("unmet_authentication_requirements", "the sign-in did not bring it");
    }

    [Theory]
    [InlineData("select_account", "SignIn")]
    [InlineData("select_account login", "SignIn")]
    [InlineData("none", "Proceed")]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    public void Who_must_choose_has_chosen_when_the_ticket_names_the_account(string prompt, string before)
    {
        var request = Request(Web, "openid", ("prompt", prompt));
        Decide(request, SignedIn(), "openid").ShouldBe(before);
        Decide(request, SignedIn(), "openid", ticket: Ticket(30).For("bob")).ShouldBe(before, "the choice was another account");
        Decide(request, SignedIn(), "openid", ticket: Ticket(30).Choosing(AccountChoice.Another)).ShouldBe(before);
        Decide(request, SignedIn(), "openid", ticket: Ticket(30).For("alice")).ShouldBe(prompt == "select_account login" ? "SignIn" : "Proceed", "a choice is no sign-in");
        Decide(request, SignedIn(), "openid", hint: "bob", ticket: Ticket(30).For("alice")).ShouldBe("login_required", "the client expects somebody else, and the person has said so");
    }

    [Fact]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    public void A_choice_goes_before_a_hint_and_who_is_not_named_is_nobody_but_the_active_account()
    {
        var (alice, bob, carol) = (SignedIn(), SignedIn("bob") with { Email = "bob@example.com" }, SignedIn("carol"));
        string? Of(StepTicket? ticket, string? hintedSubject, string? loginHint) =>
            AccountChoices.Of(Request(Web, "openid", loginHint is null ? [] : [("login_hint", loginHint)]), [alice, bob, carol], hintedSubject, ticket)?.Subject;

        Of(null, null, null).ShouldBeNull();
        Of(null, null, "BOB").ShouldBe("bob");
        Of(null, null, " bob@Example.com ").ShouldBe("bob");
        Of(null, null, "nobody").ShouldBeNull("a hint is no demand");
        Of(null, "carol", "bob").ShouldBe("carol");
        Of(null, "", "bob").ShouldBe("bob");
        Of(Ticket(5).For("bob"), "carol", "alice").ShouldBe("bob");
        Of(Ticket(5).For("dave"), "carol", null).ShouldBeNull("nobody takes the place of who was chosen and has gone");
        Of(Ticket(5).Choosing(AccountChoice.Another), null, null).ShouldBeNull();
        AccountChoices.Of(Request(Web), [], "alice", Ticket(5).For("alice")).ShouldBeNull();
    }

    [Fact]
    [Rfc("OpenID Connect Core", "3.1.2.1")]
    public void A_hint_at_somebody_else_means_one_more_sign_in_and_no_more()
    {
        Decide(Request(Web), SignedIn(), "openid", hint: "alice").ShouldBe("Proceed");
        Decide(Request(Web), SignedIn(), "openid", hint: "bob").ShouldBe("SignIn");
        Decide(Request(Web), SignedIn(), "openid", hint: "bob", ticket: Ticket(90)).ShouldBe("login_required", "asking again would never end");
        Decide(Request(Web), SignedIn(), "openid", hint: "", ticket: Ticket(90)).ShouldBe("Proceed", "who just signed in is not asked for ever because of a hint that nobody can read");
        Decide(Request(Web), SignedIn(), "openid", hint: "").ShouldBe("SignIn", "a hint that does not verify names nobody");
        Decide(Request(Web, "openid", ("prompt", "none")), SignedIn(), "openid", hint: "bob").ShouldBe("login_required");
    }
}
