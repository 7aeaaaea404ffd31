namespace ProofKey.Client;

/// <summary>An access token as the vault keeps it.</summary>
/// <param name="AccessToken">The token.</param>
/// <param name="ObtainedAt">When it came.</param>
/// <param name="ExpiresAt">When it ends.</param>
internal sealed record HeldToken(string AccessToken, DateTimeOffset ObtainedAt, DateTimeOffset ExpiresAt)
{
    private static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan AtLeast = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Whether it lasts that long. More than nine tenths of its whole life cannot be had, so no more is asked for: else
    /// every call would refresh.
    /// </summary>
    /// <param name="minValid">How long; <see langword="null"/> where nobody said: then a tenth of its life is enough, and no more than a minute.</param>
    /// <param name="now">The time.</param>
    public bool Lasts(TimeSpan? minValid, DateTimeOffset now)
    {
        var most = 0.9 * (ExpiresAt - ObtainedAt);
        var asked = minValid ?? Usual;
        return !IsFromTheFuture(now) && now + (asked < most ? asked : most) < ExpiresAt;
    }

    /// <summary>Whether so much of its life is over.</summary>
    /// <param name="part">How much, from 0 to 1.</param>
    /// <param name="now">The time.</param>
    public bool IsPast(double part, DateTimeOffset now) => IsFromTheFuture(now) || now >= ObtainedAt + (part * (ExpiresAt - ObtainedAt));

    /// <summary>Whether it came less than half a minute ago.</summary>
    public bool IsNew(DateTimeOffset now) => now - ObtainedAt < TimeSpan.FromSeconds(30) && !IsFromTheFuture(now);

    public override string ToString() => nameof(HeldToken);

    // By then the renewal ahead of time had its chance; five seconds are for the way.
    private TimeSpan Usual => TimeSpan.FromTicks(Math.Clamp((ExpiresAt - ObtainedAt).Ticks / 10, AtLeast.Ticks, Session.DefaultMinValid.Ticks));

    // The clock was set back since: when the token ends can no longer be told by it.
    private bool IsFromTheFuture(DateTimeOffset now) => now < ObtainedAt - ClockSkew;
}
