using System.Globalization;
using FsCheck;
using FsCheck.Fluent;

namespace ProofKey.Tests.Properties;

/// <summary>
/// A rule that holds for every value of a kind, tried on many. They are the same in every run, so that no change is blamed for what it did not
/// do; <c>PROOFKEY_SEED=random</c> tries others, <c>PROOFKEY_RUNS</c> more. A failure prints its seed, and <c>PROOFKEY_SEED='(…,…,…)'</c> tries
/// that one value again.
/// </summary>
internal static class Property
{
    private static readonly string? Seed = Environment.GetEnvironmentVariable("PROOFKEY_SEED");

    private static readonly int? Runs = int.TryParse(Environment.GetEnvironmentVariable("PROOFKEY_RUNS"), NumberStyles.None, CultureInfo.InvariantCulture, out var runs) ? runs : null;

    /// <summary>Any byte values, up to a length.</summary>
    public static Gen<byte[]> Bytes(int most) => Gen.Choose(0, most).SelectMany(length => Gen.Choose(0, 255).Select(value => (byte)value).ArrayOf(length));

    /// <summary>Texts made of the given pieces, up to a number of them.</summary>
    public static Gen<string> TextOf(int most, params string[] pieces) => Gen.Choose(0, most).SelectMany(count => Gen.Elements(pieces).ArrayOf(count)).Select(string.Concat);

    /// <summary>Any characters, lone surrogates and controls among them.</summary>
    public static Gen<string> AnyText(int most) => Gen.Choose(0, most)
        .SelectMany(length => Gen.Frequency((6, Gen.Choose(' ', '~')), (1, Gen.Choose(0, 0x1f)), (1, Gen.Choose(0x7f, 0xffff))).Select(value => (char)value).ArrayOf(length))
        .Select(characters => new string(characters));

    /// <summary>
    /// A text with one change: a character replaced, removed, put in or doubled, a part removed or moved, or the letter case of one turned.
    /// </summary>
    public static Gen<string> Mutated(string text, params string[] insertions) =>
        from at in Gen.Choose(0, text.Length - 1)
        from other in Gen.Choose(0, text.Length - 1)
        from character in Gen.Choose(0, 0xff)
        from piece in Gen.Elements(insertions.Length == 0 ? ["=", ".", "%00", "A", " "] : insertions)
        from kind in Gen.Choose(0, 7)
        select kind switch
        {
            0 => text.Remove(at, 1),
            1 => text.Remove(at, 1).Insert(at, ((char)character).ToString()),
            2 => text.Insert(at, piece),
            3 => text + piece,
            4 => text.Insert(at, text[at].ToString()),
            5 => text[..Math.Min(at, other)] + text[Math.Max(at, other)..],
            6 => text[..at] + (char.IsUpper(text[at]) ? char.ToLowerInvariant(text[at]) : char.ToUpperInvariant(text[at])) + text[(at + 1)..],
            _ => text[at..] + text[..at],
        };

    /// <summary>Tries a rule. It fails by an exception.</summary>
    public static void Holds<T>(Gen<T> values, Action<T> rule, int times = 500) => Prop.ForAll(values.ToArbitrary(), rule).Check(Settings(times));

    private static Config Settings(int times)
    {
        var config = Config.QuickThrowOnFailure.WithMaxTest(Runs ?? times).WithQuietOnSuccess(true);
        if (Seed is null) return config.WithReplay(1, 3);
        if (Seed == "random") return config;
        var parts = Seed.Trim('(', ')', ' ').Split(',');
        var (seed, gamma) = (ulong.Parse(parts[0], CultureInfo.InvariantCulture), ulong.Parse(parts[1], CultureInfo.InvariantCulture));
        return parts.Length == 2 ? config.WithReplay(seed, gamma) : config.WithReplay(seed, gamma, int.Parse(parts[2], CultureInfo.InvariantCulture));
    }
}
