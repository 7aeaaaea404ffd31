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

    /// <summary>The token is not good.</summary>
    internal sealed record Refuse(Refusal Refusal) : RefreshTokenGrant;

    /// <summary>The token's secret is not the row's: it was forged with our key.</summary>
    internal sealed record Forged : RefreshTokenGrant;

    /// <summary>An old token came back: someone holds a copy. The grant ends.</summary>
    internal sealed record Reuse : RefreshTokenGrant;

    /// <summary>What a client reads of a refresh token that is not good: the same for all.</summary>
    internal static OAuthError NotGood { get; } = OAuthError.InvalidGrant("The refresh token is not good: it is unknown, expired, revoked or superseded. Sign in again.");

    public static RefreshTokenGrant Decide(Grant? row, RefreshToken token, string clientId, RotationPolicy policy, bool isSecondLook, DateTimeOffset now)
    {
        if (row is null) return Refused("There is no such grant.");
        // RFC 6749 section 10.4: a refresh token is bound to its client
        if (row.ClientId != clientId) return Refused("The grant belongs to another client.");
        if (row.RevokedAt is not null) return Refused("The grant was revoked.");
        if (row.ExpiresAt <= now) return Refused("The grant has reached its absolute end.");
        if (row.LastUsedAt + policy.IdleLifetime <= now) return Refused("The grant went unused for too long.");
        if (!row.Stands) return Refused("The account, the client or the session is gone.");
        if (!Secret.AreEqual(row.SecretDigest, RefreshToken.DigestOf(token.RowSecret))) return new Forged();
        var withinLeeway = policy.Leeway > TimeSpan.Zero && row.RotatedAt >= now - policy.Leeway;
        if (token.Sequence == row.Sequence && withinLeeway) return new SameAgain();
        if (token.Sequence == row.PreviousSequence && withinLeeway) return new SameAgain();
        // A restored database is behind its clients; only a marked restore may let them catch up.
        if (token.Sequence > row.Sequence) return Refused("The token is ahead of its row: the database may have been restored from a backup.");
        if (!isSecondLook && (token.Sequence == row.Sequence || row.RotatedAt >= now)) return new Again();
        return token.Sequence == row.Sequence ? Refused("The row kept changing.") : new Reuse();
    }

    private static Refuse Refused(string reason) => new(new Refusal(NotGood, reason));
}
