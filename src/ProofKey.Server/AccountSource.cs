using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using ProofKey.Server.Storage;

namespace ProofKey.Server;

/// <summary>Who is signed in in a browser, as the server sees it.</summary>
/// <param name="Subject">The person's id: 1 to 64 printable ASCII characters, which travel inside each code; never given to anyone else (OpenID Connect Core section 2).</param>
/// <param name="Name">The name that the person is shown.</param>
/// <param name="Epoch">Raised by whatever ends all sessions and grants of the person at once.</param>
/// <param name="AuthTime">When the person last proved who they are.</param>
/// <param name="Amr">How: authentication method references, separated by spaces, such as <c>pwd</c> (RFC 8176); 1 to 24 characters.</param>
/// <param name="SessionExpiresAt">The absolute end of the browser session; a grant without <c>offline_access</c> ends with it.</param>
public sealed record SignedInAccount(string Subject, string Name, long Epoch, DateTimeOffset AuthTime, string Amr, DateTimeOffset SessionExpiresAt)
{
    /// <summary>The person's id.</summary>
    /// <exception cref="ArgumentException">It is empty, longer than 64 characters, or not printable ASCII.</exception>
    public string Subject { get; } = Subject is { Length: > 0 and <= 64 } && !Subject.AsSpan().ContainsAnyExceptInRange('!', '~')
        ? Subject
        : throw new ArgumentException("A subject has 1 to 64 printable ASCII characters.", nameof(Subject));

    /// <summary>How the person proved who they are.</summary>
    /// <exception cref="ArgumentException">It is empty or longer than 24 characters.</exception>
    public string Amr { get; } = Amr is { Length: > 0 and <= 24 } ? Amr : throw new ArgumentException("Authentication methods have 1 to 24 characters.", nameof(Amr));

    /// <summary>How far that can be trusted, as a name that clients may ask for in <c>acr_values</c>: at most 32 characters, or <see langword="null"/>.</summary>
    /// <exception cref="ArgumentException">It is empty, longer than 32 characters, or not printable ASCII.</exception>
    public string? Acr
    {
        get;
        init => field = value is null or { Length: > 0 and <= 32 } && !value.AsSpan().ContainsAnyExceptInRange('!', '~')
            ? value
            : throw new ArgumentException("An acr has 1 to 32 printable ASCII characters.", nameof(value));
    }

    /// <summary>The person's e-mail address, if it is known: a <c>login_hint</c> may mean them by it. It need not be proved.</summary>
    public string? Email { get; init; }

    /// <summary>The id of our own session row; sessions of another source have none.</summary>
    internal byte[]? SessionId { get; init; }

    /// <summary>When that session was last used, as its row says.</summary>
    internal DateTimeOffset SessionSeenAt { get; init; }
}

/// <summary>
/// The one seam between the protocol and people. ProofKey's own accounts are its default; another source brings the users of an app. It is
/// registered as a singleton and called from many requests at once: what lives for one request (a database context) it takes from
/// <see cref="HttpContext.RequestServices"/> or a scope of its own.
/// </summary>
public abstract class AccountSource
{
    /// <summary>Who is signed in on this request: of several the active one, and nobody when the active one's session has ended.</summary>
    /// <param name="context">The request at the authorization endpoint or the consent page.</param>
    /// <param name="cancellation">Ends with the request.</param>
    /// <returns>The account, or <see langword="null"/> for nobody.</returns>
    public abstract ValueTask<SignedInAccount?> FindSignedInAsync(HttpContext context, CancellationToken cancellation);

    /// <summary>
    /// Everyone who is signed in on this request. It is asked only for requests that hint at somebody or let the
    /// person choose. By default there is one: who <see cref="FindSignedInAsync"/> finds.
    /// </summary>
    /// <param name="context">The request at the authorization endpoint or the consent page.</param>
    /// <param name="cancellation">Ends with the request.</param>
    /// <returns>The accounts; none for nobody.</returns>
    public virtual async ValueTask<IReadOnlyList<SignedInAccount>> FindAllSignedInAsync(HttpContext context, CancellationToken cancellation) =>
        await FindSignedInAsync(context, cancellation) is { } account ? [account] : [];

    /// <summary>
    /// Where to send a browser in which nobody suitable is signed in. The page there must ask even if somebody is: the request may want
    /// a fresh sign-in (<c>prompt=login</c>), another account (<c>prompt=select_account</c>) or a better way of signing in
    /// (<c>acr_values</c>), and whoever comes back without a fresh sign-in is sent again.
    /// </summary>
    /// <param name="returnTo">Our own path and query, to which the browser must come back.</param>
    /// <returns>An address of this host: a path with a query.</returns>
    public abstract string SignInAddress(string returnTo);

    /// <summary>
    /// The names of what a sign-in at this source can bring as <see cref="SignedInAccount.Acr"/>, which the metadata lists. By default none.
    /// Someone who is asked for one of them and comes back without it is not sent again.
    /// </summary>
    // RFC 9470 section 5, OpenID Connect Core section 3.1.2.1: what clients may ask for in acr_values
    public virtual IReadOnlyList<string> AcrValuesSupported => [];

    /// <summary>Whether a subject still stands at an epoch: not disabled, not removed, the same epoch.</summary>
    /// <param name="subject">The subject.</param>
    /// <param name="epoch">The epoch that the subject had when the code was issued.</param>
    /// <param name="cancellation">Ends with the request.</param>
    /// <returns>Whether it does.</returns>
    public abstract ValueTask<bool> StandsAsync(string subject, long epoch, CancellationToken cancellation);

    /// <summary>The claims about a subject that scopes ask for (OpenID Connect Core section 5.4), without <c>sub</c>.</summary>
    /// <param name="subject">The subject.</param>
    /// <param name="scope">What was granted.</param>
    /// <param name="cancellation">Ends with the request.</param>
    /// <returns>The claims; none for an unknown subject.</returns>
    public abstract ValueTask<JsonObject> ClaimsAsync(string subject, Scope scope, CancellationToken cancellation);

    /// <summary>Whether <see cref="SignOutAsync"/> is there. By default not; then there is no end-session endpoint.</summary>
    public virtual bool SignsOut => false;

    /// <summary>
    /// Ends the sessions of people in the browser of this request: on the server, so that a copied cookie is worth nothing, and the cookie
    /// with them (OpenID Connect RP-Initiated Logout section 2).
    /// </summary>
    /// <param name="context">The request at the end-session endpoint.</param>
    /// <param name="accounts">Some of those whom <see cref="FindAllSignedInAsync"/> found.</param>
    /// <param name="cancellation">Ends with the request.</param>
    public virtual ValueTask SignOutAsync(HttpContext context, IReadOnlyList<SignedInAccount> accounts, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>
    /// Everyone whom signing out can sign out: also those who are asked to sign in again since nobody used their session for a while. What
    /// was granted in it goes on until it ends.
    /// </summary>
    internal virtual ValueTask<IReadOnlyList<SignedInAccount>> FindAllToSignOutAsync(HttpContext context, CancellationToken cancellation) => FindAllSignedInAsync(context, cancellation);

    /// <summary>Who is signed in on this request, where the source can see in the same query that a remembered client is still what it was; else nobody.</summary>
    internal virtual ValueTask<SignedInAccount?> FindSignedInToAsync(HttpContext context, RegisteredClient client, CancellationToken cancellation) => default;

    /// <summary>Notes that a request was decided for one of those whom <see cref="FindAllSignedInAsync"/> found.</summary>
    internal virtual ValueTask SeenAsync(SignedInAccount account) => ValueTask.CompletedTask;

    /// <summary>Whether the account table holds this source's accounts, so that one statement can ask for account and grant together.</summary>
    internal virtual bool KeepsAccountsHere => false;
}
