using ProofKey.Jose;

namespace ProofKey.Server.Keys;

/// <summary>A line of keys that follow each other: those of one purpose and algorithm.</summary>
internal sealed record KeyLine(string Purpose, string Algorithm)
{
    public const string Signing = "sign";
    public const string Sealing = "seal";

    public static readonly KeyLine Seals = new(Sealing, "A256GCM");

    /// <summary>The lines that every server has; the key of another algorithm is made when a client needs it.</summary>
    public static readonly IReadOnlyList<KeyLine> Needed = [Signs(SignatureAlgorithm.ES256), Signs(SignatureAlgorithm.RS256), Seals];

    /// <summary>
    /// How long a key is there before it is used: a sealing key until every replica has read it, a signing key until everybody who keeps
    /// our public keys has fetched them again.
    /// </summary>
    public TimeSpan PublishDelay => Purpose == Sealing ? TimeSpan.FromMinutes(20) : TimeSpan.FromDays(1);

    public static KeyLine Signs(SignatureAlgorithm algorithm) => new(Signing, algorithm.Name);
}
