using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using ProofKey.Server.Endpoints;
using ProofKey.Server.Http;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Accounts;

/// <summary>ProofKey's own accounts as the source of people.</summary>
internal sealed class OwnAccounts(AccountStore accounts, SessionStore sessions, Cookies cookies, ServerOptions options, TimeProvider time) : AccountSource
{
    internal override bool KeepsAccountsHere => true;

    public override async ValueTask<SignedInAccount?> FindSignedInAsync(HttpContext context, CancellationToken cancellation)
    {
        if (cookies.Session(context) is not { } cookie) return null;
        if (await sessions.FindAsync(SessionStore.KeyOf(cookie), time.GetUtcNow(), cancellation) is not { } session) return null;
        return new SignedInAccount(session.Subject, session.Name, session.Epoch, session.AuthTime, session.Amr, session.ExpiresAt) { SessionId = session.Id };
    }

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
}
