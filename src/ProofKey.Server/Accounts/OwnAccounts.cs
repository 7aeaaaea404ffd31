using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using ProofKey.Server.Endpoints;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Accounts;

/// <summary>ProofKey's own accounts as the source of people.</summary>
internal sealed class OwnAccounts(AccountStore accounts, BrowserSessions sessions, ServerOptions options) : AccountSource
{
    /// <summary>The way of signing in by a password (RFC 8176).</summary>
    public const string PasswordAmr = "pwd";

    /// <summary>What a sign-in by a password is worth: its name for <c>acr_values</c>. It travels in each code.</summary>
    public const string PasswordAcr = "urn:proofkey:acr:password";

    internal override bool KeepsAccountsHere => true;

    public override IReadOnlyList<string> AcrValuesSupported { get; } = [PasswordAcr];

    public override async ValueTask<SignedInAccount?> FindSignedInAsync(HttpContext context, CancellationToken cancellation) =>
        await sessions.FindActiveAsync(context, cancellation) is { } session ? AccountOf(session) : null;

    internal override async ValueTask<SignedInAccount?> FindSignedInToAsync(HttpContext context, RegisteredClient client, CancellationToken cancellation) =>
        await sessions.FindActiveAsync(context, cancellation, client.Id) is { } session && session.ClientVersion == client.Version ? AccountOf(session) : null;

    public override async ValueTask<IReadOnlyList<SignedInAccount>> FindAllSignedInAsync(HttpContext context, CancellationToken cancellation) =>
        [.. (await sessions.ListAsync(context, cancellation)).Select(each => AccountOf(each.Session))];

    internal override async ValueTask<IReadOnlyList<SignedInAccount>> FindAllToSignOutAsync(HttpContext context, CancellationToken cancellation) =>
        [.. (await sessions.ListToEndAsync(context, cancellation)).Select(AccountOf)];

    internal override ValueTask SeenAsync(SignedInAccount account) => sessions.SeenAsync(account.SessionId!, account.SessionSeenAt);

    public override bool SignsOut => true;

    public override ValueTask SignOutAsync(HttpContext context, IReadOnlyList<SignedInAccount> accounts, CancellationToken cancellation) =>
        sessions.EndAsync(context, [.. accounts.Select(account => account.Subject)]);

    // Our sign-in page takes the very query of the request: the query is the state.
    // RFC 9700 section 4.11: the way back is our own path with the same query, never an address that somebody sent
    public override string SignInAddress(string returnTo) => options.Issuer.Path + SignInEndpoint.Path + returnTo[returnTo.IndexOf('?', StringComparison.Ordinal)..];

    public override async ValueTask<bool> StandsAsync(string subject, long epoch, CancellationToken cancellation) =>
        await accounts.FindAsync(subject, cancellation) is { } account && account.Epoch == epoch;

    public override async ValueTask<JsonObject> ClaimsAsync(string subject, Scope scope, CancellationToken cancellation)
    {
        var claims = new JsonObject();
        if (await accounts.FindAsync(subject, cancellation) is not { } account) return claims;
        if (scope.Contains(Scope.Profile))
        {
            claims["name"] = account.Name;
            claims["preferred_username"] = account.Name;
        }
        if (scope.Contains(Scope.Email) && account.Email is { } email)
        {
            claims["email"] = email;
            // Nobody has proved it yet (OpenID Connect Core section 5.1).
            claims["email_verified"] = false;
        }
        return claims;
    }

    private static SignedInAccount AccountOf(BrowserSession session) => new(session.Subject, session.Name, session.Epoch, session.AuthTime, session.Amr, session.ExpiresAt)
    {
        Acr = session.Acr,
        Email = session.Email,
        SessionId = session.Id,
        SessionSeenAt = session.LastSeenAt,
    };
}
