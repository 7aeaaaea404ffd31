using System.Numerics;

namespace ProofKey.Jose;

/// <summary>Which RSA public keys are good enough to believe a signature.</summary>
internal static class RsaModulus
{
    /// <summary>The fewest bits (RFC 7518 section 3.3).</summary>
    public const int MinBits = 2048;

    /// <summary>The most bits: a larger key only costs time.</summary>
    public const int MaxBits = 8192;

    private const int FermatF4 = 65537;

    // The primes whose residues give away keys of the generator known as ROCA (CVE-2017-15361).
    private static readonly int[] Primes =
    [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151,
        157, 163, 167,
    ];

    /// <summary>What is wrong with a key, or <see langword="null"/>. Neither number has a zero byte at its start.</summary>
    public static string? Problem(ReadOnlySpan<byte> modulus, ReadOnlySpan<byte> exponent)
    {
        var bits = modulus.IsEmpty ? 0 : (8 * modulus.Length) - byte.LeadingZeroCount(modulus[0]);
        if (bits < MinBits) return $"An RSA key has at least {MinBits} bits.";
        if (bits > MaxBits) return $"An RSA key has at most {MaxBits} bits.";
        if ((modulus[^1] & 1) == 0) return "The modulus of an RSA key is odd.";
        if (!IsGoodExponent(exponent)) return "The exponent of an RSA key is odd, at least 65537 and below 2^32.";
        return IsRoca(modulus) ? "The RSA key was made by a broken generator (CVE-2017-15361)." : null;
    }

    private static bool IsGoodExponent(ReadOnlySpan<byte> exponent)
    {
        if (exponent.Length > sizeof(uint)) return false;
        uint value = 0;
        foreach (var octet in exponent) value = (value << 8) | octet;
        return (value & 1) == 1 && value >= FermatF4;
    }

    // Such a generator's moduli are a power of 65537 modulo every small prime; a good key is that for all of them once in 2^154.
    private static bool IsRoca(ReadOnlySpan<byte> modulus)
    {
        var number = new BigInteger(modulus, isUnsigned: true, isBigEndian: true);
        foreach (var prime in Primes)
            if (!IsPowerOfF4((int)(number % prime), prime)) return false;
        return true;
    }

    private static bool IsPowerOfF4(int residue, int prime)
    {
        var power = 1;
        do
        {
            if (power == residue) return true;
            power = power * (FermatF4 % prime) % prime;
        }
        while (power != 1);
        return false;
    }
}
