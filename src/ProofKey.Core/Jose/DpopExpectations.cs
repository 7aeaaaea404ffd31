namespace ProofKey.Jose;

/// <summary>The request that a proof came with, and what the server asks of it (RFC 9449 section 4.3).</summary>
public sealed record DpopExpectations
{
    /// <summary>The method of the request.</summary>
    public required string Method { get; init; }

    /// <summary>The address of the request as clients know it, without query: from a setting, not from what the request says of itself.</summary>
    public required string Address { get; init; }

    /// <summary>The algorithms that are accepted. The default is <see cref="SignatureAlgorithm.All"/>.</summary>
    public IReadOnlyList<SignatureAlgorithm> Algorithms { get; init; } = SignatureAlgorithm.All;

    /// <summary>The access token that came with the proof; <see langword="null"/> at endpoints that take none.</summary>
    public string? AccessToken { get; init; }

    /// <summary>The thumbprint of the key that the access token is bound to (<c>cnf.jkt</c>).</summary>
    public string? Thumbprint { get; init; }

    /// <summary>
    /// When a nonce ends, or <see langword="null"/> for one that is not good (any more). Set, a good nonce is required, and the client's
    /// clock hardly matters; unset, a nonce is not looked at and <c>iat</c> alone says how old the proof is.
    /// </summary>
    public Func<string, DateTimeOffset?>? NonceEnd { get; init; }
}
