using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http;
using ProofKey.Jose;
using ProofKey.Server.Http;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>The token endpoint (RFC 6749 section 3.2): who is asking, with which grant, and is it good.</summary>
internal sealed class TokenEndpoint(
    ClientAuthentication authentication, ResourceStore resources, GrantStore grants, PushedRequestStore pushedRequests, AccountSource accounts, GrantedClaims claims, KeyRing keys, TokenIssuer issuer, VerifierTries tries,
    UsualTokenRequest usual, DeviceCodeRedemption devices, ProofOfPossession possession, AuditTrail audit, ServerOptions options, TimeProvider time,
    ILogger<TokenEndpoint> logger)
{
    public const string Path = "/token";

    public async Task PostAsync(HttpContext context)
    {
        var read = await FormReader.ReadOnceAsync(context, repeatable: "resource");
        if (!read.TryGet(out var form, out var problem))
            await RefuseAsync(context, null, OAuthError.InvalidRequest(problem), read.Status);
        else if (await usual.TryAnswerAsync(context, form))
            Telemetry.TokensIssued(form["grant_type"]!);
        else if (GrantTypeProblem(form) is { } error)
            await RefuseAsync(context, null, error);
        else if (!(await authentication.IdentifyAsync(context, form)).TryGet(out var client, out var refusal))
            await RefuseAsync(context, form["client_id"], refusal, refusal.Status);
        else if (!client.GrantTypes.Contains(form["grant_type"]))
            await RefuseAsync(context, client.Id, OAuthError.UnauthorizedClient("This client is not registered for that grant type."));
        else if (!CheckProof(context, client, out var proof, out var unproved))
            await RefuseAsync(context, client.Id, unproved);
        else
            await GrantAsync(context, form, client, proof);
    }

    private async Task GrantAsync(HttpContext context, Parameters form, RegisteredClient client, DpopProof? proof)
    {
        // Before anything is redeemed: a key that cannot be made costs the client nothing.
        await keys.EnsureAsync(client.IdTokenAlgorithm, context.RequestAborted);
        if (form["grant_type"] == GrantType.AuthorizationCode) await RedeemCodeAsync(context, form, client, proof);
        else if (form["grant_type"] == GrantType.DeviceCode) await devices.RedeemAsync(context, form, client, proof);
        else if (form["grant_type"] == GrantType.ClientCredentials) await GrantToClientAsync(context, form, client, proof);
        else await RefreshAsync(context, form, client, proof);
        if (context.Response.StatusCode == StatusCodes.Status200OK) Telemetry.TokensIssued(form["grant_type"]!);
    }

    // RFC 9449 section 5: a client that sends a proof gets bound tokens; section 5.2: one that must, gets no others
    private bool CheckProof(HttpContext context, RegisteredClient client, out DpopProof? proof, [NotNullWhen(false)] out OAuthError? error)
    {
        (proof, error) = (null, null);
        if (!ProofOfPossession.IsIn(context)) error = client.RequiresDpop ? OAuthError.InvalidDpopProof("Every token of this client is bound to a key: send a DPoP proof.") : null;
        else possession.Check(context, Path, time.GetUtcNow()).TryGet(out proof, out error);
        return error is null;
    }

    // RFC 6749 section 5.2, RFC 9700 section 2.4 (no password grant)
    private static OAuthError? GrantTypeProblem(Parameters form) => form["grant_type"] switch
    {
        GrantType.AuthorizationCode or GrantType.RefreshToken or GrantType.ClientCredentials or GrantType.DeviceCode => null,
        null => OAuthError.InvalidRequest("The request must have a grant_type."),
        _ => OAuthError.UnsupportedGrantType("The grant types here are authorization_code, refresh_token, client_credentials and device_code."),
    };

    private async Task RedeemCodeAsync(HttpContext context, Parameters form, RegisteredClient client, DpopProof? proof)
    {
        var now = time.GetUtcNow();
        if (form["code"] is not { } text)
        {
            await RefuseAsync(context, client.Id, OAuthError.InvalidRequest("The request must have a code."));
            return;
        }
        if (AuthorizationCode.Open(text, keys) is not { } code)
        {
            await RefuseAsync(context, client.Id, new Refusal(AuthorizationCodeGrant.NotGood, "The code is not one of ours, or its key is gone."));
            return;
        }
        var address = ClientAddress.Of(context);
        var thumbprint = ThumbprintOf(proof);
        var refusal = AuthorizationCodeGrant.Check(new(form, client, code, tries.AreUsedUp(code.GrantId, address), thumbprint, now));
        // Only for who has proved possession is the row read that holds what the code had no room for.
        if (refusal is null && code.KeptIn is not null)
        {
            if (await pushedRequests.FindKeptAsync(code, context.RequestAborted) is { } kept) code = code.With(kept);
            else refusal = new Refusal(AuthorizationCodeGrant.NotGood, "The row that held a part of the code is gone.");
        }
        refusal ??= ResourceIndicator.NotGranted(form.All("resource"), issuer.AudienceOf(code.Resource, client));
        refusal ??= UseUp(proof, code.Subject, now);
        if (refusal is not null)
        {
            if (refusal == AuthorizationCodeGrant.WrongVerifier) tries.Count(code.GrantId, address, code.ExpiresAt, now);
            await RefuseAsync(context, client.Id, refusal);
            return;
        }
        var rowSecret = Secret.NewBytes(RefreshToken.SecretLength);
        // RFC 9449 section 5: a public client's refresh token is bound to the key; a confidential one proves itself and may change its key
        var grant = GrantOf(code, client, rowSecret, now) with { DpopThumbprint = client.IsPublic ? thumbprint : null };
        // Asked before the code is used, so that a source that fails costs the client nothing.
        var told = await claims.ForIdTokenAsync(grant, context.RequestAborted);
        if ((accounts.KeepsAccountsHere || await accounts.StandsAsync(grant.Subject, grant.Epoch, context.RequestAborted)) && await grants.RedeemAsync(grant))
            await Answers.TokensAsync(context, issuer.Issue(grant, client, grant.Scope, new RefreshToken(grant.Id, rowSecret, 1), code.Nonce, now, thumbprint, told));
        else
            await RefuseReplayAsync(context, grant, now);
    }

    private async Task GrantToClientAsync(HttpContext context, Parameters form, RegisteredClient client, DpopProof? proof)
    {
        var now = time.GetUtcNow();
        var (granted, problem) = ClientCredentialsGrant.Check(form, client, await resources.ListForAsync(form, client, context.RequestAborted));
        problem ??= UseUp(proof, client.Id, now)?.Error;
        if (granted is null || problem is not null) await RefuseAsync(context, client.Id, problem!);
        else await Answers.TokensAsync(context, issuer.IssueToClient(client, granted, now, ThumbprintOf(proof)));
    }

    internal static Grant GrantOf(AuthorizationCode code, RegisteredClient client, byte[] rowSecret, DateTimeOffset now) => new()
    {
        Id = code.GrantId,
        ClientId = code.ClientId,
        Subject = code.Subject,
        Epoch = code.Epoch,
        SessionId = code.SessionId,
        OutlivesSession = code.OutlivesSession,
        Scope = code.Scope,
        Resource = code.Resource,
        AuthTime = code.AuthTime,
        Amr = code.Amr,
        Acr = code.Acr,
        Claims = code.Claims,
        NotifiesLogout = client.HearsOfEnd(code.SessionId, code.Scope),
        SecretDigest = RefreshToken.DigestOf(rowSecret),
        Sequence = 1,
        CreatedAt = now,
        ExpiresAt = code.GrantExpiresAt,
    };

    // RFC 6749 section 4.1.2: a second use revokes what the first one gave. A row says that there was a first.
    private async Task RefuseReplayAsync(HttpContext context, Grant grant, DateTimeOffset now)
    {
        if (await grants.FindAsync(grant.Id, CancellationToken.None) is null)
        {
            await RefuseAsync(context, grant.ClientId, new Refusal(AuthorizationCodeGrant.NotGood, "The account, the client or the session is gone."));
            return;
        }
        await grants.RevokeAsync(grant.Id, now, Audited("code-reused", grant, context));
        Log.CodeReplayed(logger, GrantName(grant.Id), grant.ClientId);
        await RefuseAsync(context, grant.ClientId, new Refusal(AuthorizationCodeGrant.NotGood, "The code was used before."));
    }

    private async Task RefreshAsync(HttpContext context, Parameters form, RegisteredClient client, DpopProof? proof)
    {
        if (form["refresh_token"] is not { } text)
            await RefuseAsync(context, client.Id, OAuthError.InvalidRequest("The request must have a refresh_token."));
        else if (RefreshToken.Open(text, keys) is not { } token)
            await RefuseAsync(context, client.Id, new Refusal(RefreshTokenGrant.NotGood, "The refresh token is not one of ours, or its key is gone."));
        else if (!Scope.TryParse(form["scope"], out var scope))
            await RefuseAsync(context, client.Id, OAuthError.InvalidScope("The scope has characters that no scope can have, or too many values."));
        else if (proof is not null)
            await RefreshWithProofAsync(context, form, client, token, scope, proof);
        else if (await BeyondGrantAsync(token, client, scope, form.All("resource"), context) is { } problem)
            await RefuseAsync(context, client.Id, problem);
        else
            await RotateAsync(context, client, token, scope, null);
    }

    // Where a proof came the row is read first: what is bound to a key does not rotate, and a token that is not good uses no proof up.
    private async Task RefreshWithProofAsync(HttpContext context, Parameters form, RegisteredClient client, RefreshToken token, Scope scope, DpopProof proof)
    {
        var now = time.GetUtcNow();
        // Whoever sends an old token and hangs up must not stop what follows from it.
        var row = await grants.FindAsync(token.GrantId, CancellationToken.None);
        if (row?.DpopThumbprint is not null)
            await RefreshBoundAsync(context, form, client, token, scope, proof, row);
        else if (RefreshTokenGrant.DecideUnbound(row, token, client, options.Rotation, now) is { } refused)
            await RefuseRefreshAsync(context, client, token, row, refused, now);
        else if (BeyondGrant(row!, client, scope, form.All("resource")) is { } problem)
            await RefuseAsync(context, client.Id, problem);
        else if (UseUp(proof, row!.Subject, now) is { } used)
            await RefuseAsync(context, client.Id, used);
        else
            await RotateAsync(context, client, token, scope, proof);
    }

    // RFC 6749 section 6, RFC 8707 section 2.2: never wider than the grant. Asked before anything is rotated, so that a refusal costs the client nothing.
    private async ValueTask<OAuthError?> BeyondGrantAsync(RefreshToken token, RegisteredClient client, Scope scope, IReadOnlyList<string> resources, HttpContext context)
    {
        if (scope.IsEmpty && resources.Count == 0) return null;
        // What is wrong with the grant itself is said in its own place.
        if (await grants.FindAsync(token.GrantId, context.RequestAborted) is not { } grant || grant.ClientId != client.Id) return null;
        return BeyondGrant(grant, client, scope, resources);
    }

    private OAuthError? BeyondGrant(Grant grant, RegisteredClient client, Scope scope, IReadOnlyList<string> resources) => scope.IsSubsetOf(grant.Scope)
        ? ResourceIndicator.NotGranted(resources, issuer.AudienceOf(grant.Resource, client))
        : OAuthError.InvalidScope("The scope is wider than what was granted.");

    private async Task RotateAsync(HttpContext context, RegisteredClient client, RefreshToken token, Scope scope, DpopProof? proof)
    {
        if (!await StandsElsewhereAsync(token, context))
        {
            await RefuseAsync(context, client.Id, new Refusal(RefreshTokenGrant.NotGood, "The account is gone or has changed."));
            return;
        }
        // RFC 9449 section 5: a public client's refresh token is bound to the key; a confidential one proves itself and may change its key
        var thumbprint = client.IsPublic ? ThumbprintOf(proof) : null;
        for (var look = 1; ; look++)
        {
            // Rows hold whole milliseconds, and the decision must see the very time that the statement saw.
            var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
            if (await grants.RotateAsync(token, client.Id, thumbprint, now, options.Rotation) is { } rotated)
            {
                await AnswerRefreshAsync(context, rotated, client, scope, token, proof, now);
                return;
            }
            // Whoever sends an old token and hangs up must not stop what follows from it.
            var row = await grants.FindAsync(token.GrantId, CancellationToken.None);
            var decision = RefreshTokenGrant.Decide(row, token, client.Id, thumbprint, options.Rotation, look > 1, now);
            if (decision is RefreshTokenGrant.Ahead) decision = RefreshTokenGrant.DecideAhead(row!, await grants.FindRestoredAtAsync(CancellationToken.None), look > 1);
            switch (decision)
            {
                case RefreshTokenGrant.Again:
                    continue;
                case RefreshTokenGrant.Late:
                    if (await grants.ReturnLateAsync(token, client.Id, thumbprint, now, options.Rotation, late => Audited("refresh-token-late", late, context)) is not { } returned) continue;
                    Log.LateReturn(logger, GrantName(returned.Id), client.Id);
                    await AnswerRefreshAsync(context, returned, client, scope, token, proof, now);
                    return;
                case RefreshTokenGrant.CatchUp:
                    if (await grants.CatchUpAsync(token, client.Id, thumbprint, now, options.Rotation, ahead => Audited("refresh-token-ahead", ahead, context)) is not { } caughtUp) continue;
                    Log.CaughtUp(logger, GrantName(caughtUp.Id), client.Id);
                    await AnswerRefreshAsync(context, caughtUp, client, scope, token, proof, now);
                    return;
                case RefreshTokenGrant.SameAgain:
                    await AnswerRefreshAsync(context, row!, client, scope, token, proof, now);
                    return;
                case var refused:
                    await RefuseRefreshAsync(context, client, token, row, refused, now);
                    return;
            }
        }
    }

    private async Task RefuseRefreshAsync(HttpContext context, RegisteredClient client, RefreshToken token, Grant? row, RefreshTokenGrant decision, DateTimeOffset now)
    {
        switch (decision)
        {
            case RefreshTokenGrant.Refuse refuse:
                await RefuseAsync(context, client.Id, refuse.Refusal);
                break;
            case RefreshTokenGrant.Forged:
                Log.RefreshTokenForged(logger, GrantName(token.GrantId));
                await audit.RecordAsync(Audited("refresh-token-forged", row!, context));
                await RefuseAsync(context, client.Id, new Refusal(RefreshTokenGrant.NotGood, "The row has another secret."));
                break;
            case RefreshTokenGrant.Reuse:
                await grants.RevokeAsync(token.GrantId, now, Audited("refresh-token-reused", row!, context));
                Log.RefreshTokenReused(logger, GrantName(token.GrantId), client.Id);
                await RefuseAsync(context, client.Id, new Refusal(RefreshTokenGrant.NotGood, "An old refresh token came back."));
                break;
        }
    }

    // A bound grant costs one read: no rotation, and a write once an hour at most.
    private async Task RefreshBoundAsync(HttpContext context, Parameters form, RegisteredClient client, RefreshToken token, Scope scope, DpopProof proof, Grant row)
    {
        var now = time.GetUtcNow();
        var decision = RefreshTokenGrant.DecideBound(row, token, client.Id, ThumbprintOf(proof), options.Rotation, now);
        if (decision is not RefreshTokenGrant.SameAgain)
        {
            await RefuseRefreshAsync(context, client, token, row, decision, now);
            return;
        }
        Refusal? refusal = BeyondGrant(row, client, scope, form.All("resource"));
        if (refusal is null && !accounts.KeepsAccountsHere && !await accounts.StandsAsync(row.Subject, row.Epoch, context.RequestAborted))
            refusal = new Refusal(RefreshTokenGrant.NotGood, "The account is gone or has changed.");
        refusal ??= UseUp(proof, row.Subject, now);
        // Somebody else may have noted the use in between, or revoked the grant: the row tells which.
        if (refusal is null && row.LastUsedAt <= now - RotationPolicy.NoteInterval && !await grants.NoteUseAsync(row.Id, now - RotationPolicy.NoteInterval, now)
            && await grants.FindAsync(row.Id, context.RequestAborted) is not { RevokedAt: null, Stands: true })
            refusal = new Refusal(RefreshTokenGrant.NotGood, "The grant ended meanwhile.");
        if (refusal is null) await AnswerRefreshAsync(context, row, client, scope, token, proof, now);
        else await RefuseAsync(context, client.Id, refusal);
    }

    // RFC 9449 section 11.1: once, and last, when all else is good
    private Refusal? UseUp(DpopProof? proof, string holder, DateTimeOffset now) => proof is null ? null : possession.Use(proof, holder, now);

    internal static byte[]? ThumbprintOf(DpopProof? proof) => proof is not null && Base64UrlText.TryDecode(proof.Thumbprint, out var bytes) ? bytes : null;

    private Task AnswerRefreshAsync(HttpContext context, Grant grant, RegisteredClient client, Scope scope, RefreshToken token, DpopProof? proof, DateTimeOffset now) =>
        Answers.TokensAsync(context, issuer.Issue(grant, client, scope.IsEmpty ? grant.Scope : scope, token with { Sequence = grant.Sequence }, null, now, ThumbprintOf(proof)));

    // Accounts that are not kept here are asked for before anything moves, so that a source that fails costs the client nothing.
    private async ValueTask<bool> StandsElsewhereAsync(RefreshToken token, HttpContext context) =>
        accounts.KeepsAccountsHere
        || await grants.FindAsync(token.GrantId, context.RequestAborted) is not { } grant
        || await accounts.StandsAsync(grant.Subject, grant.Epoch, context.RequestAborted);

    private static AuditEvent Audited(string kind, Grant grant, HttpContext context) =>
        new(kind) { Subject = grant.Subject, ClientId = grant.ClientId, Address = ClientAddress.Whole(context), Detail = GrantName(grant.Id) };

    private static string GrantName(byte[] id) => Convert.ToHexStringLower(id);

    private Task RefuseAsync(HttpContext context, string? clientId, Refusal refusal, int status = StatusCodes.Status400BadRequest) =>
        Answers.RefuseAsync(context, logger, Path, clientId, refusal, status);
}
