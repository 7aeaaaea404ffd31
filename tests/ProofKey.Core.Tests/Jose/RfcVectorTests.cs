using System.Text;
using System.Text.Json.Nodes;
using ProofKey.Jose;

namespace ProofKey.Core.Tests.Jose;

/// <summary>The examples that the specifications print.</summary>
public sealed class RfcVectorTests
{
    [Theory]
    [Rfc("RFC 7515", "A.1")]
    [Rfc("RFC 7515", "A.2")]
    [Rfc("RFC 7515", "A.3")]
    [Rfc("RFC 7515", "A.5")]
    [InlineData("A.1", "HS256", "algorithm")]
    [InlineData("A.2", "RS256", "accepted")]
    [InlineData("A.3", "ES256", "accepted")]
    [InlineData("A.5", "none", "algorithm")]
    public void The_examples_of_rfc_7515_are_accepted_or_refused_by_their_algorithm(string name, string algorithm, string verdict)
    {
        var vector = VectorFile.Read("rfc/rfc7515.json").GetProperty("vectors").EnumerateArray().Single(vector => vector.GetProperty("name").GetString() == name);
        var key = JsonNode.Parse(vector.GetProperty("key").GetRawText());
        var keys = key is null ? TestKeys.All : HandMade.Parse(HandMade.SetOf(key));

        Jws.TryRead(vector.GetProperty("jws").GetString(), out var jws, out _).ShouldBeTrue();

        jws!.AlgorithmName.ShouldBe(algorithm);
        var verified = jws.Verify(keys, SignatureAlgorithm.All, out var payload, out var problem);
        (verified ? "accepted" : problem!.Code).ShouldBe(verdict);
        if (verified) Encoding.UTF8.GetString(payload!).ShouldStartWith("{\"iss\":\"joe\",\r\n");
    }

    [Fact]
    [Rfc("RFC 7638", "3")]
    [Rfc("RFC 7638", "3.2")]
    public void The_thumbprint_is_the_one_that_rfc_7638_prints()
    {
        var vector = VectorFile.Read("rfc/rfc7638.json");

        Jwk.TryParse(vector.GetProperty("key"), out var key, out _).ShouldBeTrue();

        key!.Thumbprint().ShouldBe(vector.GetProperty("thumbprint").GetString());
    }

    [Fact]
    [Rfc("RFC 7517", "A.1")]
    public void The_key_set_of_rfc_7517_is_read_and_its_encryption_key_signs_nothing()
    {
        var set = HandMade.Parse(Encoding.UTF8.GetBytes(VectorFile.Read("rfc/rfc7517.json").GetRawText()));

        set.Keys.Select(key => (key.KeyId, key.KeyType, key.Use)).ShouldBe([("1", "EC", "enc"), ("2011-04-29", "RSA", null)]);
        set.Find("1", SignatureAlgorithm.ES256).ShouldBeEmpty();
        set.Find("2011-04-29", SignatureAlgorithm.RS256).Count.ShouldBe(1);
        set.Find("2011-04-29", SignatureAlgorithm.PS256).ShouldBeEmpty();
    }
}
