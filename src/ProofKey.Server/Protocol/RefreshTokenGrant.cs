using ProofKey.Server.Storage;

namespace ProofKey.Server.Protocol;

/// <summary>
/// What follows when the one statement that rotates moved nothing. The order is the policy: nothing is revoked unless the row is alive,
/// the secret is right and the token is neither current nor the tolerated predecessor (RFC 9700 section 4.14.2, OAuth 2.1
/// section 4.3.1).
/// </summary>
internal abstract record RefreshTokenGrant
{
    private RefreshTokenGrant()
    {
    }

    /// <summary>The current token again, and nothing is written.</summary>
    internal sealed record SameAgain : RefreshTokenGrant;

    /// <summary>The row changed after this request began: run the statement once more.</summary>
    internal sealed record Again : RefreshTokenGrant;

    /// <summary>The tolerated predecessor, after the leeway: its answer was lost, and it may supersede the successor that nobody used.</summary>
    internal sealed record Late : RefreshTokenGrant;

    /// <summary>The token is not good.</summary>
    internal sealed record Refuse(Refusal Refusal) : RefreshTokenGrant;

    /// <summary>The token's secret is not the row's: it was forged with our key.</summary>
    internal sealed record Forged : RefreshTokenGrant;

    /// <summary>An old token came back: someone holds a copy. The grant ends.</summary>
    internal sealed record Reuse : RefreshTokenGrant;

    /// <summary>The token is ahead of its row, as after a restore: <see cref="DecideAhead"/> has the rule.</summary>
    internal sealed record Ahead : RefreshTokenGrant;

    /// <summary>The database was restored, and the client may go on from its token, once.</summary>
    internal sealed record CatchUp : RefreshTokenGrant;

    /// <summary>What a client reads of a refresh token that is not good: the same for all.</summary>
    internal static OAuthError NotGood { get; } = OAuthError.InvalidGrant("The refresh token is not good: it is unknown, expired, revoked or superseded. Sign in again.");

    /// <summary>
    /// The rules for a grant that is bound to a key (RFC 9449 section 5). Possession of the key takes the place of rotation (RFC 9700
    /// section 2.2.2), so the same token stays good, and nothing need be written. Who shows the current token without the key ends nothing.
    /// </summary>
    /// <returns>The current token again, or why not.</returns>
    public static RefreshTokenGrant DecideBound(Grant row, RefreshToken token, string clientId, byte[]? thumbprint, RotationPolicy policy, DateTimeOffset now)
    {
        if (Standing(row, token, clientId, policy, now) is { } refused) return refused;
        var hasKey = row.DpopThumbprint is { } bound && thumbprint is not null && Secret.AreEqual(thumbprint, bound);
        // What was good before a refresh bound the grant comes back without the key: one of the two who held it is a thief.
        if (!hasKey && token.Sequence < row.Sequence && row.RotatedAt < now - policy.Leeway) return new Reuse();
        if (thumbprint is null) return new Refuse(OAuthError.InvalidDpopProof("The refresh token is bound to a key: send a DPoP proof by that key."));
        if (!hasKey) return new Refuse(OAuthError.InvalidGrant("The refresh token is bound to another key than the one of the DPoP proof."));
        // The predecessor comes back where the answer that bound the grant was lost.
        return token.Sequence == row.Sequence || token.Sequence == row.PreviousSequence ? new SameAgain() : Refused("The token is not the one of its row.");
    }

    /// <summary>What can be said before the statement, where the row was read because a proof came: a proof is used up only for a token of the row.</summary>
    /// <returns>Why the token is not good, or <see langword="null"/> where the statement is to say.</returns>
    public static RefreshTokenGrant? DecideUnbound(Grant? row, RefreshToken token, RegisteredClient client, RotationPolicy policy, DateTimeOffset now)
    {
        if (row is null) return Refused("There is no such grant.");
        if (Standing(row, token, client.Id, policy, now) is { } refused) return refused;
        // RFC 9449 section 5.2: to bind it now would bind it to whoever holds it, be it a thief
        if (client is { IsPublic: true, RequiresDpop: true }) return new Refuse(OAuthError.InvalidGrant("Every token of this client is bound to a key, and this refresh token is older than that. Sign in again."));
        return token.Sequence >= row.Sequence || token.Sequence == row.PreviousSequence ? null : Decide(row, token, client.Id, null, policy, isSecondLook: true, now);
    }

    public static RefreshTokenGrant Decide(Grant? row, RefreshToken token, string clientId, byte[]? thumbprint, RotationPolicy policy, bool isSecondLook, DateTimeOffset now)
    {
        if (row is null) return Refused("There is no such grant.");
        // A bound grant that came here came without a proof, or was bound a moment ago.
        if (row.DpopThumbprint is not null) return DecideBound(row, token, clientId, thumbprint, policy, now);
        if (Standing(row, token, clientId, policy, now) is { } refused) return refused;
        var withinLeeway = policy.Leeway > TimeSpan.Zero && row.RotatedAt >= now - policy.Leeway;
        if (token.Sequence == row.Sequence && withinLeeway) return new SameAgain();
        if (token.Sequence == row.PreviousSequence && withinLeeway) return new SameAgain();
        if (token.Sequence == row.PreviousSequence && policy.LateReturn > TimeSpan.Zero && row.RotatedAt > now - policy.LateReturn)
            return isSecondLook ? Refused("The row kept changing.") : new Late();
        // A restored database is behind its clients.
        if (token.Sequence > row.Sequence) return new Ahead();
        if (!isSecondLook && (token.Sequence == row.Sequence || row.RotatedAt >= now)) return new Again();
        return token.Sequence == row.Sequence ? Refused("The row kept changing.") : new Reuse();
    }

    /// <summary>
    /// The rule for a token that is ahead of a row which is alive and has its secret. Only a marked restore explains that, and only while the row is as
    /// the backup had it: who is ahead of a row that changed since holds a copy, or the file was put back without the mark.
    /// </summary>
    /// <param name="row">The row.</param>
    /// <param name="restoredAt">When the database was last restored, if ever.</param>
    /// <param name="isSecondLook">Whether the statement has just refused what was allowed here.</param>
    /// <returns>Whether to catch up, or why not.</returns>
    public static RefreshTokenGrant DecideAhead(Grant row, DateTimeOffset? restoredAt, bool isSecondLook)
    {
        if (restoredAt > row.RotatedAt && restoredAt > row.CreatedAt) return isSecondLook ? Refused("The row kept changing.") : new CatchUp();
        return Refused(
            "The token is ahead of its row, and no restore is marked since the row last changed. If the database was put back from a backup by hand, mark it with: proofkey database restore "
            + $"(without a file). If not, two hold tokens of this grant; end it with: proofkey grant revoke {Convert.ToHexStringLower(row.Id)}");
    }

    // What holds for every refresh, in this order.
    private static RefreshTokenGrant? Standing(Grant row, RefreshToken token, string clientId, RotationPolicy policy, DateTimeOffset now)
    {
        // RFC 6749 section 10.4: a refresh token is bound to its client
        if (row.ClientId != clientId) return Refused("The grant belongs to another client.");
        if (row.RevokedAt is not null) return Refused("The grant was revoked.");
        if (row.ExpiresAt <= now) return Refused("The grant has reached its absolute end.");
        if (policy.IdleEndOf(row) <= now) return Refused("The grant went unused for too long.");
        if (!row.Stands) return Refused("The account, the client or the session is gone.");
        return Secret.AreEqual(row.SecretDigest, RefreshToken.DigestOf(token.RowSecret)) ? null : new Forged();
    }

    private static Refuse Refused(string reason) => new(new Refusal(NotGood, reason));
}
