using ProofKey.Server.Storage;

namespace ProofKey.Server.Protocol;

/// <summary>What has to happen before a code may be issued. One place decides it, from scratch, each time the request comes back.</summary>
internal abstract record Interaction
{
    private Interaction()
    {
    }

    /// <summary>The code may be issued, for as much of <see cref="AuthorizeRequest.AskedScope"/> as was agreed to.</summary>
    internal sealed record Proceed(SignedInAccount Account, Scope Agreed) : Interaction;

    /// <summary>The person has to sign in, or sign in again.</summary>
    internal sealed record SignIn : Interaction;

    /// <summary>The person has to agree.</summary>
    internal sealed record Consent(SignedInAccount Account) : Interaction;

    /// <summary>The client asked for no page, and one would be needed (OpenID Connect Core section 3.1.2.6).</summary>
    internal sealed record Refuse(OAuthError Error) : Interaction;

    /// <summary>Decides.</summary>
    /// <param name="request">The request, every rule passed.</param>
    /// <param name="account">Who is signed in in this browser.</param>
    /// <param name="remembered">What that person was asked and agreed to for this client before.</param>
    /// <param name="hintedSubject">The subject of the <c>id_token_hint</c>, when one was sent; empty when it cannot be read, which fits nobody.</param>
    /// <param name="ticket">What was done for this very request.</param>
    /// <param name="acrSupported">What a sign-in can bring as the account's <c>acr</c>.</param>
    /// <param name="now">The time.</param>
    public static Interaction Decide(
        AuthorizeRequest request, SignedInAccount? account, RememberedConsent? remembered, string? hintedSubject, StepTicket? ticket, IReadOnlyList<string> acrSupported, DateTimeOffset now)
    {
        var mayAsk = !request.Prompt.HasFlag(Prompt.None);
        // RFC 9470 section 5: what no sign-in can bring, or the last one did not bring, is not asked for again
        if (request.EssentialAcr.Count > 0 && !HasOneOf(account, request.EssentialAcr) && (!request.EssentialAcr.Any(acrSupported.Contains) || SignedInSince(account, ticket)))
            return new Refuse(new OAuthError("unmet_authentication_requirements", "No sign-in here brings what the request demands in acr."));
        // Whoever signed in or was chosen is somebody else than the client expects: the client has to know, and asking again would never end.
        if (account is not null && (SignedInSince(account, ticket) || IsChosen(account, ticket)) && hintedSubject is { Length: > 0 } && hintedSubject != account.Subject)
            return new Refuse(new OAuthError("login_required", "Somebody else than the person whom the request names signed in."));
        if (account is null || MustSignInAgain(request, account, hintedSubject, ticket, acrSupported, now))
            return mayAsk ? new SignIn() : new Refuse(new OAuthError("login_required", "Nobody suitable is signed in, and the request allows no page."));
        if (AgreedTo(request, account, remembered, ticket) is not { } agreed)
            return mayAsk ? new Consent(account) : new Refuse(new OAuthError("consent_required", "The person has to agree first, and the request allows no page."));
        return new Proceed(account, agreed);
    }

    // OpenID Connect Core section 3.1.2.1: prompt, max_age, acr_values and id_token_hint; a sign-in since this request first came fulfils each of them
    private static bool MustSignInAgain(
        AuthorizeRequest request, SignedInAccount account, string? hintedSubject, StepTicket? ticket, IReadOnlyList<string> acrSupported, DateTimeOffset now)
    {
        if (SignedInSince(account, ticket)) return false;
        if (hintedSubject is not null && hintedSubject != account.Subject) return true;
        if (request.Prompt.HasFlag(Prompt.SelectAccount) && !IsChosen(account, ticket)) return true;
        return request.Prompt.HasFlag(Prompt.Login) || MustStepUp(account, request.AcrValues, acrSupported) || MustStepUp(account, request.EssentialAcr, acrSupported)
            || (request.MaxAge is { } maxAge && now - account.AuthTime >= maxAge);
    }

    // RFC 9470 section 5: the missing step is asked for where one of the wanted values can be reached by it; a wish beyond that changes nothing
    private static bool MustStepUp(SignedInAccount account, IReadOnlyList<string> wanted, IReadOnlyList<string> acrSupported) =>
        wanted.Count > 0 && !HasOneOf(account, wanted) && wanted.Any(acrSupported.Contains);

    private static bool HasOneOf(SignedInAccount? account, IReadOnlyList<string> wanted) => account?.Acr is { } acr && wanted.Contains(acr);

    private static bool SignedInSince(SignedInAccount? account, StepTicket? ticket) => account is not null && ticket is not null && account.AuthTime >= ticket.FirstCame;

    private static bool IsChosen(SignedInAccount account, StepTicket? ticket) => ticket?.Choice == AccountChoice.Made && ticket.ChosenSubject == account.Subject;

    // RFC 8252 section 8.6, RFC 6749 section 10.2: a remembered yes counts only where the address identifies the client
    private static Scope? AgreedTo(AuthorizeRequest request, SignedInAccount account, RememberedConsent? remembered, StepTicket? ticket)
    {
        // The ticket belongs to this very request: what it lacks was declined.
        if (ticket?.ConsentedSubject == account.Subject && ticket?.ConsentedScope is { } agreed) return request.AskedScope.Intersect(agreed);
        if (request.Prompt.HasFlag(Prompt.Consent)) return null;
        if (request.Client.IsFirstParty) return request.AskedScope;
        if (!request.RegisteredRedirectUri.IdentifiesClient || remembered is null || !request.AskedScope.IsSubsetOf(remembered.Asked)) return null;
        // Whoever declined all of it would get a sign-in for nothing; they are asked again.
        return request.IsWorth(remembered.Agreed) ? request.AskedScope.Intersect(remembered.Agreed) : null;
    }
}
