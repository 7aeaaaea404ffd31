using ProofKey.Server.Storage;

namespace ProofKey.Server.Protocol;

/// <summary>How refresh tokens are rotated.</summary>
/// <param name="Leeway">How long after a rotation nothing rotates again, and parallel callers get the same token: 0 to 60 seconds.</param>
/// <param name="LateReturn">How long the predecessor may return when its answer was lost: 7 days, or 0 (never) with strict rotation.</param>
/// <param name="IdleLifetime">How long a grant may go unused.</param>
internal sealed record RotationPolicy(TimeSpan Leeway, TimeSpan LateReturn, TimeSpan IdleLifetime)
{
    /// <summary>How often a grant that does not rotate writes down its use.</summary>
    public static readonly TimeSpan NoteInterval = TimeSpan.FromHours(1);

    /// <summary>When a grant that nobody uses ends. One whose last use may not be written down yet ends so much later.</summary>
    public DateTimeOffset IdleEndOf(Grant grant) => grant.LastUsedAt + IdleLifetime + (grant.DpopThumbprint is null ? TimeSpan.Zero : NoteInterval);
}
