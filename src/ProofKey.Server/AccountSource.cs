using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ProofKey.Server;

/// <summary>Who is signed in in a browser, as the server sees it.</summary>
/// <param name="Subject">The person's id, at most 255 ASCII characters, never given to anyone else (OpenID Connect Core section 2).</param>
/// <param name="Name">The name that the person is shown.</param>
/// <param name="Epoch">Raised by whatever ends all sessions and grants of the person at once.</param>
/// <param name="AuthTime">When the person last proved who they are.</param>
/// <param name="Amr">How: authentication method references, separated by spaces, such as <c>pwd</c> (RFC 8176).</param>
/// <param name="SessionExpiresAt">The absolute end of the browser session; a grant without <c>offline_access</c> ends with it.</param>
public sealed record SignedInAccount(string Subject, string Name, long Epoch, DateTimeOffset AuthTime, string Amr, DateTimeOffset SessionExpiresAt)
{
    /// <summary>The key of our own session row; sessions of another source have none.</summary>
    internal byte[]? SessionKey { get; init; }
}

/// <summary>The one seam between the protocol and people. ProofKey's own accounts are its default; another source brings the users of an app.</summary>
public abstract class AccountSource
{
    /// <summary>Who is signed in on this request.</summary>
    /// <param name="context">The request at the authorization endpoint.</param>
    /// <param name="cancellation">Ends with the request.</param>
    /// <returns>The account, or <see langword="null"/> for nobody.</returns>
    public abstract ValueTask<SignedInAccount?> FindSignedInAsync(HttpContext context, CancellationToken cancellation);

    /// <summary>Where to send a browser in which nobody suitable is signed in.</summary>
    /// <param name="returnTo">Our own path and query, to which the browser must come back.</param>
    /// <returns>An address of this host: a path with a query.</returns>
    public abstract string SignInAddress(string returnTo);

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

    /// <summary>Whether the account table holds this source's accounts, so that one statement can ask for account and grant together.</summary>
    internal virtual bool KeepsAccountsHere => false;
}
