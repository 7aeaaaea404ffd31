namespace ProofKey.Jose;

/// <summary>What a token must say to be accepted (RFC 7519 section 4.1, RFC 8725 section 3).</summary>
public sealed record JwtExpectations
{
    /// <summary>The most time that clocks may differ.</summary>
    public static readonly TimeSpan MaxClockSkew = TimeSpan.FromSeconds(60);

    /// <summary>The issuer; <c>iss</c> must equal it to the character (RFC 8725 section 3.8).</summary>
    public required string Issuer { get; init; }

    /// <summary>The value that <c>aud</c> must be or hold (RFC 8725 section 3.9). <see langword="null"/> leaves the check to the caller.</summary>
    public string? Audience { get; init; }

    /// <summary>
    /// The values of <c>typ</c> that are accepted, without <c>application/</c>, in any case (RFC 8725 section 3.11). The default, an empty
    /// list, accepts any and none.
    /// </summary>
    public IReadOnlyList<string> Types { get; init; } = [];

    /// <summary>The algorithms that are accepted. The default is <see cref="SignatureAlgorithm.All"/>.</summary>
    public IReadOnlyList<SignatureAlgorithm> Algorithms { get; init; } = SignatureAlgorithm.All;

    /// <summary>How far the issuer's clock may differ from ours, 0 to 60 seconds. The default is 60 seconds.</summary>
    public TimeSpan ClockSkew
    {
        get;
        init => field = value >= TimeSpan.Zero && value <= MaxClockSkew
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "The clock skew is 0 to 60 seconds.");
    } = MaxClockSkew;

    /// <summary>Whether a token that has ended is accepted too, as an <c>id_token_hint</c> is. The default is no.</summary>
    public bool AllowExpired { get; init; }
}
