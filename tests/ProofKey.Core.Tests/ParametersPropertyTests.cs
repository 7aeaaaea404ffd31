using System.Globalization;
using System.Text;
using FsCheck.Fluent;
using ProofKey.Tests.Properties;

namespace ProofKey.Core.Tests;

/// <summary>The reader of queries and forms against a decoder that was written apart from it.</summary>
public sealed class ParametersPropertyTests
{
    private static readonly string[] Pieces = ["a", "code", "=", "&", "%", "%4", "%41", "%c3%a9", "%C0%AF", "%ed%a0%80", "%00", "%0d%0a", "%zz", "+", "é", "\0", "\n", " ", "~", "%25", "[", "\""];

    [Fact]
    [Assertion("AZ-25")]
    [Assertion("TK-03")]
    [Rfc("RFC 6749", "B")]
    public void Whatever_is_accepted_means_what_a_second_decoder_says_and_the_rest_is_refused() =>
        Property.Holds(Gen.OneOf(Property.TextOf(14, Pieces), Property.AnyText(40)), text =>
        {
            var expected = Reference(text);
            if (Parameters.TryParse(text, out var parameters, out var problem))
                parameters.Pairs.Select(pair => (pair.Key, pair.Value)).ShouldBe(expected.ShouldNotBeNull(text), text);
            else
                (expected, problem.Length > 0).ShouldBe((null, true), text);
        }, 2000);

    [Fact]
    public void Whatever_is_written_is_read_back() =>
        Property.Holds(Property.AnyText(20).Where(IsText).Two().Select(pair => (pair.Item1, pair.Item2)).ListOf(5), pairs =>
        {
            var query = Parameters.Of(pairs.Select(pair => new KeyValuePair<string, string>(pair.Item1, pair.Item2))).ToQuery();
            Ascii.IsValid(query).ShouldBeTrue();
            Parameters.TryParse(query, out var read, out var problem).ShouldBeTrue(problem);
            read!.Pairs.Select(pair => (pair.Key, pair.Value)).ShouldBe(pairs);
        });

    // NUL is refused wherever it comes from, and half a surrogate pair has no UTF-8.
    private static bool IsText(string text) => !text.Contains('\0', StringComparison.Ordinal) && !text.Any(char.IsSurrogate);

    // RFC 6749 appendix B, by way of bytes and the replacement character instead of exceptions.
    private static List<(string Name, string Value)>? Reference(string text)
    {
        var pairs = new List<(string, string)>();
        foreach (var part in text.Split('&').Where(part => part.Length > 0))
        {
            var halves = part.Split('=', 2);
            if (Decoded(halves[0]) is not { } name || Decoded(halves.ElementAtOrDefault(1) ?? "") is not { } value) return null;
            pairs.Add((name, value));
        }
        return pairs;
    }

    private static string? Decoded(string text)
    {
        var bytes = new List<byte>();
        for (var rest = text; rest.Length > 0;)
        {
            if (rest[0] is < ' ' or > '\x7f') return null;
            if (rest[0] == '%')
            {
                // The platform's own reading of a number takes NUL at its end.
                if (rest.Length < 3 || !char.IsAsciiHexDigit(rest[2]) || !byte.TryParse(rest[1..3], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) || value == 0) return null;
                bytes.Add(value);
                rest = rest[3..];
                continue;
            }
            bytes.Add(rest[0] == '+' ? (byte)' ' : (byte)rest[0]);
            rest = rest[1..];
        }
        var decoded = Encoding.UTF8.GetString([.. bytes]);
        return Encoding.UTF8.GetBytes(decoded).SequenceEqual(bytes) ? decoded : null;
    }
}
