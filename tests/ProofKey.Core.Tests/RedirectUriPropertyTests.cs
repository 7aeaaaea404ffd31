using System.Text.RegularExpressions;
using FsCheck.Fluent;
using ProofKey.Tests.Properties;

namespace ProofKey.Core.Tests;

/// <summary>The redirect matcher against an oracle that was written apart from it.</summary>
public sealed partial class RedirectUriPropertyTests
{
    private static readonly string[] Registered =
    [
        "https://app.example/callback", "https://app.example/callback?tenant=7", "https://app.example", "https://app.example:8443/a/b",
        "http://127.0.0.1/callback", "http://127.0.0.1:8400/callback?x=1", "http://127.0.0.1", "http://[::1]/callback", "http://[::1]:9000/", "http://localhost:3000/callback",
        "com.example.app:/callback", "com.example.app://host/callback",
    ];

    private static readonly string[] Insertions =
    [
        "/", "//", "/../", "/..;/", "%2e%2e", "%2f", "%00", "#", "#f", "?", "?a=b", "&", "@evil.example", "evil.example", ".evil.example", "\\", "\\@", ":80", ":0", ":080", ":65535", ":65536", ":99999",
        ":", ":8a", ":+80", ": 80", "\t", "\r\n", " ", "*", "localhost", "127.0.0.1", "[::1]", "é", "；", "／",
    ];

    [Fact]
    [Assertion("RU-02")]
    [Assertion("RU-03")]
    [Assertion("RU-05")]
    [Assertion("RU-06")]
    [Rfc("RFC 9700", "2.1")]
    [Rfc("RFC 8252", "7.3")]
    public void Whatever_is_changed_in_an_address_the_matcher_agrees_with_the_oracle()
    {
        var pairs = from registered in Gen.Elements(Registered)
                    from once in Property.Mutated(registered, Insertions)
                    from twice in Gen.OneOf(Gen.Constant(once), Property.Mutated(once.Length == 0 ? "x" : once, Insertions), Gen.Elements(Registered))
                    select (registered, twice);
        Property.Holds(pairs, pair => RedirectUri.Parse(pair.registered).Matches(pair.twice).ShouldBe(Oracle(pair.registered, pair.twice), $"{pair.registered} ← {pair.twice}"), 5000);
    }

    [Fact]
    [Assertion("RU-05")]
    public void Every_port_of_a_loopback_address_matches_and_no_other_number_does() =>
        Property.Holds(from host in Gen.Elements("127.0.0.1", "[::1]") from port in Gen.Choose(-10, 70000) select (host, port), pair =>
            RedirectUri.Parse($"http://{pair.host}/callback").Matches($"http://{pair.host}:{pair.port}/callback").ShouldBe(pair.port is >= 1 and <= 65535));

    [Fact]
    [Assertion("RU-04")]
    [Assertion("RU-09")]
    public void What_can_be_registered_is_plain_and_matches_itself()
    {
        var texts = Gen.OneOf(
            Property.TextOf(8, [.. Insertions, .. Registered, "https:", "http:", "javascript:", "data:", "file:", "JaVaScRiPt:", "vbscript:", "com.example:", "alert(1)", "a", "/", "code=", "state="]),
            Gen.Elements(Registered).SelectMany(registered => Property.Mutated(registered, Insertions)),
            Property.AnyText(30));
        Property.Holds(texts, text =>
        {
            if (!RedirectUri.TryParse(text, out var registered, out var problem))
            {
                problem.ShouldNotBeNullOrWhiteSpace();
                return;
            }
            registered.Value.ShouldBe(text);
            registered.Matches(text).ShouldBeTrue();
            PlainAddress().IsMatch(text).ShouldBeTrue(text);
        }, 5000);
    }

    // A port is the only difference that may be, and only behind one of the two loopback literals.
    private static bool Oracle(string registered, string requested)
    {
        var (one, other) = (LoopbackAddress().Match(registered), LoopbackAddress().Match(requested));
        return registered == requested
            || (one.Success && other.Success && one.Groups["host"].Value == other.Groups["host"].Value && one.Groups["rest"].Value == other.Groups["rest"].Value);
    }

    [GeneratedRegex(@"\Ahttp://(?<host>127\.0\.0\.1|\[::1\])(?::(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?(?<rest>(?:[/?][\s\S]*)?)\z")]
    private static partial Regex LoopbackAddress();

    [GeneratedRegex(@"\A(https://[a-z0-9.\-\[\]:]+|http://(127\.0\.0\.1|\[::1\]|localhost)(:[0-9]+)?|[a-z][a-z0-9+\-]*\.[a-z0-9+.\-]*:)([/?][!-~-[#*\\<>""{}|^`]]*|[!-~-[#*\\<>""{}|^`]]*)\z")]
    private static partial Regex PlainAddress();
}
