using System.Text.Json;
using System.Text.Json.Nodes;
using ProofKey.Jose;

namespace ProofKey.Core.Tests.Jose;

/// <summary>
/// Every vector of Wycheproof's two files for signatures and keys; the totals are pinned, so none can be skipped. They hold among others
/// PS256 signatures with a salt of another length (281 to 286), which RFC 7518 section 3.5 forbids.
/// </summary>
[Assertion("RS-12")]
[Rfc("RFC 8725", "3.3")]
public sealed class WycheproofTests
{
    // HS256 vectors that are marked valid though a "?" stands in their base64url text (RFC 7515 section 2 has no such letter). We refuse
    // them for their form, before we see that we do not have their algorithm either.
    private static readonly int[] StricterThanTheVectors = [372, 373];

    [Fact]
    public void Every_invalid_signature_is_refused_and_every_valid_one_of_our_algorithms_accepted()
    {
        var outcomes = Run("wycheproof/json_web_signature_test.json", "jws", key => HandMade.SetOf(JsonNode.Parse(key.GetRawText())));

        outcomes.Where(outcome => outcome is { Marked: "invalid", Verdict: "accepted" }).ShouldBeEmpty();
        outcomes.Count(outcome => outcome.Marked == "invalid").ShouldBe(355);
        outcomes.Count(outcome => outcome is { Marked: "valid", Verdict: "accepted", Algorithm: "ES256" or "RS256" or "PS256" }).ShouldBe(16);
        outcomes.Count(outcome => outcome is { Marked: "valid", Verdict: "algorithm", Algorithm: not ("ES256" or "RS256" or "PS256") }).ShouldBe(28);
        outcomes.Where(outcome => outcome is { Marked: "valid", Verdict: "malformed" }).Select(outcome => outcome.Id).ShouldBe(StricterThanTheVectors);
        outcomes.Count.ShouldBe(355 + 16 + 28 + 2);
    }

    [Fact]
    public void Every_invalid_key_is_refused_and_every_valid_one_of_our_algorithms_accepted()
    {
        var outcomes = Run("wycheproof/json_web_key_test.json", "jws", keys => JsonSerializer.SerializeToUtf8Bytes(keys));

        outcomes.Where(outcome => outcome is { Marked: "invalid", Verdict: "accepted" }).ShouldBeEmpty();
        outcomes.Count(outcome => outcome.Marked == "invalid").ShouldBe(21);
        outcomes.Where(outcome => outcome is { Marked: "valid", Verdict: "accepted" }).Select(outcome => outcome.Id).ShouldBe([5]);
        outcomes.Where(outcome => outcome is { Marked: "valid", Verdict: "algorithm" }).Select(outcome => outcome.Id).ShouldBe([2, 13, 14, 15]);
        outcomes.Count.ShouldBe(21 + 1 + 4);
    }

    [Fact]
    public void Refusals_come_from_the_check_that_they_are_meant_for()
    {
        var outcomes = Run("wycheproof/json_web_signature_test.json", "jws", key => HandMade.SetOf(JsonNode.Parse(key.GetRawText())));
        var invalid = outcomes.Where(outcome => outcome.Marked == "invalid").CountBy(outcome => outcome.Verdict).ToDictionary();

        invalid.ShouldBe(new Dictionary<string, int> { ["signature"] = 287, ["malformed"] = 36, ["algorithm"] = 24, ["unknown_key"] = 8 }, ignoreOrder: true);
    }

    private static List<Outcome> Run(string file, string member, Func<JsonElement, byte[]> setOf)
    {
        var outcomes = new List<Outcome>();
        foreach (var group in VectorFile.Read(file).GetProperty("testGroups").EnumerateArray())
        {
            var keys = HandMade.Parse(setOf(group.TryGetProperty("public", out var published) ? published : group.GetProperty("private")));
            foreach (var vector in group.GetProperty("tests").EnumerateArray())
            {
                var text = vector.GetProperty(member).GetString()!;
                var (algorithm, verdict) = VerdictOn(text, keys);
                outcomes.Add(new(vector.GetProperty("tcId").GetInt32(), vector.GetProperty("result").GetString()!, algorithm, verdict));
            }
        }
        return outcomes;
    }

    private static (string? Algorithm, string Verdict) VerdictOn(string text, JwkSet keys)
    {
        if (!Jws.TryRead(text, out var jws, out _)) return (null, JwtProblem.Malformed);
        if (!jws.Verify(keys, SignatureAlgorithm.All, out var payload, out var problem)) return (jws.AlgorithmName, problem.Code);
        Base64UrlText.Encode(payload).ShouldBe(text.Split('.')[1]);
        return (jws.AlgorithmName, "accepted");
    }

    private sealed record Outcome(int Id, string Marked, string? Algorithm, string Verdict);
}
