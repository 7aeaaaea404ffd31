using System.Globalization;
using System.Numerics;

namespace ProofKey.Jose;

/// <summary>The curve P-256 (SEC 2 section 2.4.2): which pairs of coordinates are points on it.</summary>
internal static class P256
{
    /// <summary>The length of a coordinate, and of each half of a signature, in bytes.</summary>
    public const int CoordinateLength = 32;

    /// <summary>The length of an ES256 signature: R and S, each of 32 bytes (RFC 7518 section 3.4).</summary>
    public const int SignatureLength = 2 * CoordinateLength;

    private static readonly BigInteger P = Hex("0ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
    private static readonly BigInteger B = Hex("05ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b");

    // y² = x³ - 3x + b (mod p). A point elsewhere lies on another, weaker curve; not every platform looks (RFC 8725 section 3.4).
    public static bool HasPoint(ReadOnlySpan<byte> x, ReadOnlySpan<byte> y)
    {
        if (x.Length != CoordinateLength || y.Length != CoordinateLength) return false;
        var left = new BigInteger(x, isUnsigned: true, isBigEndian: true);
        var right = new BigInteger(y, isUnsigned: true, isBigEndian: true);
        return left < P && right < P && (right * right - (left * left * left - 3 * left + B)) % P == 0;
    }

    private static BigInteger Hex(string digits) => BigInteger.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
