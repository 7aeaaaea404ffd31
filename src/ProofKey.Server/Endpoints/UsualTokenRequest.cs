using Microsoft.AspNetCore.Http;
using ProofKey.Server.Http;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>
/// What nearly all token requests are: a public client that is remembered redeems a code or a refresh token, and all is good. Then one
/// statement is all that the database is asked, two within the leeway of a rotation, and it stands only if the client is still what it is remembered as. Nothing is refused here,
/// and nothing counted: what does not fit leaves no trace, and the token endpoint looks at it from the start.
/// </summary>
internal sealed class UsualTokenRequest(
    ClientStore clients, GrantStore grants, AccountSource accounts, KeyRing keys, TokenIssuer issuer, VerifierTries tries, ServerOptions options, TimeProvider time)
{
    /// <summary>Answers a request, if it is one of those.</summary>
    /// <returns>Whether the tokens were sent.</returns>
    public async ValueTask<bool> TryAnswerAsync(HttpContext context, Parameters form)
    {
        if (!accounts.KeepsAccountsHere || ProofOfPossession.IsIn(context)) return false;
        var (claim, _) = ClientClaim.Read(context.Request.Headers.Authorization, form);
        if (claim is not { Proof: ClientProof.None } || clients.Recall(claim.Id) is not { IsPublic: true, RequiresDpop: false } client) return false;
        if (!client.GrantTypes.Contains(form["grant_type"])) return false;
        await keys.EnsureAsync(client.IdTokenAlgorithm, context.RequestAborted);
        var now = time.GetUtcNow();
        var answer = form["grant_type"] switch
        {
            GrantType.AuthorizationCode => await RedeemAsync(context, form, client, now),
            GrantType.RefreshToken => await RefreshAsync(form, client, DateTimeOffset.FromUnixTimeMilliseconds(now.ToUnixTimeMilliseconds())),
            _ => null,
        };
        if (answer is null) return false;
        await Answers.TokensAsync(context, answer);
        return true;
    }

    private async ValueTask<TokenResponse?> RedeemAsync(HttpContext context, Parameters form, RegisteredClient client, DateTimeOffset now)
    {
        if (form["code"] is not { } text || AuthorizationCode.Open(text, keys) is not { KeptIn: null, Claims: null } code) return null;
        if (AuthorizationCodeGrant.Check(new(form, client, code, tries.AreUsedUp(code.GrantId, ClientAddress.Of(context)), null, now)) is not null) return null;
        if (ResourceIndicator.NotGranted(form.All("resource"), issuer.AudienceOf(code.Resource, client)) is not null) return null;
        var rowSecret = Secret.NewBytes(RefreshToken.SecretLength);
        var grant = TokenEndpoint.GrantOf(code, client, rowSecret, now);
        return await grants.RedeemAsync(grant, client.Version) ? issuer.Issue(grant, client, grant.Scope, new RefreshToken(grant.Id, rowSecret, 1), code.Nonce, now) : null;
    }

    private async ValueTask<TokenResponse?> RefreshAsync(Parameters form, RegisteredClient client, DateTimeOffset now)
    {
        if (form["scope"] is not null || form.All("resource").Count > 0) return null;
        if (form["refresh_token"] is not { } text || RefreshToken.Open(text, keys) is not { } token) return null;
        var grant = await grants.RotateAsync(token, client.Id, null, now, options.Rotation, client.Version) ?? await FindSameAgainAsync(token, client, now);
        return grant is null ? null : issuer.Issue(grant, client, grant.Scope, token with { Sequence = grant.Sequence }, null, now);
    }

    // Within the leeway nothing moves: programs that refresh at the same time have the same tokens.
    private async ValueTask<Grant?> FindSameAgainAsync(RefreshToken token, RegisteredClient client, DateTimeOffset now)
    {
        if (options.Rotation.Leeway == TimeSpan.Zero) return null;
        var row = await grants.FindAsync(token.GrantId, CancellationToken.None, client.Version);
        return RefreshTokenGrant.Decide(row, token, client.Id, null, options.Rotation, isSecondLook: false, now) is RefreshTokenGrant.SameAgain ? row : null;
    }
}
