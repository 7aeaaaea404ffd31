using ProofKey.Jose;

namespace ProofKey.Core.Tests.Jose;

/// <summary>One key per algorithm, made once for all tests: RSA keys take their time.</summary>
internal static class TestKeys
{
    public static SigningKey Ec { get; } = SigningKey.New(SignatureAlgorithm.ES256);

    public static SigningKey Rsa { get; } = SigningKey.New(SignatureAlgorithm.RS256);

    public static SigningKey Pss { get; } = SigningKey.New(SignatureAlgorithm.PS256);

    public static JwkSet All { get; } = new(Ec.PublicKey, Rsa.PublicKey, Pss.PublicKey);

    public static SigningKey For(string algorithm) => algorithm switch { "ES256" => Ec, "RS256" => Rsa, _ => Pss };
}
