namespace ProofKey.Server.Protocol;

/// <summary>How far a person has come in saying which of their accounts a request is for.</summary>
internal enum AccountChoice
{
    /// <summary>Nothing was said.</summary>
    Open = 0,

    /// <summary>The person wants to be shown the accounts of this browser.</summary>
    Wanted = 1,

    /// <summary>It is none of those: somebody is to sign in.</summary>
    Another = 2,

    /// <summary>It is the one that the ticket names.</summary>
    Made = 3,

    /// <summary>The one that was named is not signed in any more: whoever is left is offered, and nobody taken.</summary>
    Gone = 4,
}

/// <summary>Which of the accounts that are signed in in a browser a request is for.</summary>
internal static class AccountChoices
{
    /// <summary>Whether the answer may be another than the active account, so that all of them must be looked at.</summary>
    public static bool MayDiffer(AuthorizeRequest request, StepTicket? ticket) =>
        ticket?.Choice == AccountChoice.Made || request.IdTokenHint is not null || request.LoginHint is not null || request.Claims.Subject is not null;

    /// <summary>
    /// The account that a request names: what the person chose for it goes before what the client hints at. Nobody takes the place of
    /// somebody who was chosen and has gone. A hint that fits nobody here counts as none.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="accounts">Everyone who is signed in.</param>
    /// <param name="hintedSubject">The subject that is demanded, or of the <c>id_token_hint</c>, if there is one.</param>
    /// <param name="ticket">What was done for this very request.</param>
    // OpenID Connect Core section 3.1.2.1: id_token_hint and login_hint say whom the client expects
    public static SignedInAccount? Of(AuthorizeRequest request, IReadOnlyList<SignedInAccount> accounts, string? hintedSubject, StepTicket? ticket)
    {
        if (ticket?.Choice == AccountChoice.Made) return accounts.FirstOrDefault(account => account.Subject == ticket.ChosenSubject);
        return accounts.FirstOrDefault(account => account.Subject == hintedSubject)
            ?? accounts.FirstOrDefault(account => request.LoginHint is { } hint && IsMeant(account, hint));
    }

    /// <summary>Whether the person is to be shown the accounts of this browser, instead of a sign-in form.</summary>
    /// <param name="request">The request.</param>
    /// <param name="ticket">What was done for it.</param>
    /// <param name="accounts">How many people are signed in.</param>
    /// <param name="hasActive">Whether one of them is the active one; the session of who was may have ended.</param>
    // OpenID Connect Core section 3.1.2.1: select_account lets the person choose; login asks who they are in any case
    public static bool IsOffered(AuthorizeRequest request, StepTicket? ticket, int accounts, bool hasActive) => (ticket?.Choice ?? AccountChoice.Open) switch
    {
        AccountChoice.Open => accounts > 0 && !request.Prompt.HasFlag(Prompt.Login) && (request.Prompt.HasFlag(Prompt.SelectAccount) || (!hasActive && !NamesSomebody(request))),
        AccountChoice.Wanted => accounts > (hasActive ? 1 : 0),
        AccountChoice.Gone => accounts > 0,
        _ => false,
    };

    // Whoever else is signed in would be turned away.
    private static bool NamesSomebody(AuthorizeRequest request) => request.IdTokenHint is not null || request.Claims.Subject is not null;

    private static bool IsMeant(SignedInAccount account, string hint) =>
        account.Subject == hint || string.Equals(account.Name, hint.Trim(), StringComparison.OrdinalIgnoreCase) || string.Equals(account.Email, hint.Trim(), StringComparison.OrdinalIgnoreCase);
}
