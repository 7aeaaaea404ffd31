using System.Reflection;
using System.Security.Cryptography;

namespace ProofKey.Core.Tests;

/// <summary>Verifier and challenge.</summary>
[Rfc("RFC 7636", "4.1")]
[Rfc("RFC 7636", "4.2")]
public sealed class PkceTests
{
    private const string Unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    private static readonly string Good = Unreserved[..43];

    [Fact]
    [Assertion("PK-13")]
    [Rfc("RFC 7636", "B")]
    public void The_challenge_is_the_one_that_the_specification_prints()
    {
        var vector = VectorFile.Read("rfc/rfc7636.json");
        CodeVerifier.TryParse(vector.GetProperty("verifier").GetString(), out var verifier).ShouldBeTrue();
        CodeChallenge.TryParse(vector.GetProperty("challenge").GetString(), out var challenge).ShouldBeTrue();

        verifier!.Challenge.ToString().ShouldBe("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        verifier.Matches(challenge!).ShouldBeTrue();
        verifier.Reveal().ShouldBe("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        CodeChallenge.Method.ShouldBe("S256");
    }

    [Fact]
    [Assertion("PK-12")]
    public void Verifiers_of_43_to_128_unreserved_characters_are_read()
    {
        foreach (var text in new[] { Unreserved[..43], Unreserved[^43..], Unreserved, Unreserved + Unreserved[..62], new string('~', 128), new string('.', 43) })
        {
            CodeVerifier.TryParse(text, out var verifier).ShouldBeTrue();
            verifier!.Matches(CodeChallenge.FromBytes(SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(text)))).ShouldBeTrue();
        }
    }

    [Theory]
    [Assertion("PK-11")]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(42)]
    [InlineData(129)]
    [InlineData(10_000)]
    public void A_verifier_of_another_length_is_none(int length) => CodeVerifier.TryParse(new string('a', length), out _).ShouldBeFalse();

    [Theory]
    [Assertion("PK-11")]
    [InlineData(' ')]
    [InlineData('+')]
    [InlineData('/')]
    [InlineData('=')]
    [InlineData('é')]
    [InlineData('\0')]
    [InlineData('\n')]
    [InlineData('%')]
    [InlineData('Ａ')]
    [InlineData('\x7f')]
    public void A_verifier_with_another_character_is_none_wherever_it_stands(char wrong)
    {
        for (var at = 0; at < Good.Length; at++)
            CodeVerifier.TryParse($"{Good[..at]}{wrong}{Good[(at + 1)..]}", out _).ShouldBeFalse();
        CodeVerifier.TryParse(Good + wrong, out _).ShouldBeFalse();
        CodeVerifier.TryParse(wrong + Good, out _).ShouldBeFalse();
    }

    [Fact]
    [Assertion("PK-11")]
    public void Nothing_is_no_verifier_and_no_challenge()
    {
        CodeVerifier.TryParse(null, out var verifier).ShouldBeFalse();
        CodeChallenge.TryParse(null, out var challenge).ShouldBeFalse();
        verifier.ShouldBeNull();
        challenge.ShouldBeNull();
    }

    [Theory]
    [Assertion("PK-05")]
    [InlineData("")]
    [InlineData("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c")]
    [InlineData("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cMA")]
    [InlineData("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=")]
    [InlineData("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c=")]
    [InlineData("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM")]
    [InlineData("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw/cM")]
    [InlineData("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw~cM")]
    [InlineData("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw.cM")]
    [InlineData("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw\0cM")]
    [InlineData("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw cM")]
    [InlineData("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN")]
    [InlineData("13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3")]
    public void A_challenge_is_43_characters_of_base64url_that_a_digest_can_have(string text) => CodeChallenge.TryParse(text, out _).ShouldBeFalse();

    [Fact]
    [Rfc("RFC 7636", "7.1")]
    public void New_verifiers_are_43_characters_well_formed_and_never_the_same()
    {
        var texts = Enumerable.Range(0, 1_000).Select(_ => CodeVerifier.New().Reveal()).ToHashSet();
        texts.Count.ShouldBe(1_000);
        foreach (var text in texts)
        {
            text.Length.ShouldBe(43);
            CodeVerifier.TryParse(text, out _).ShouldBeTrue();
        }
        // 43,000 characters: each of the 64 letters turns up.
        string.Concat(texts).Distinct().Count().ShouldBe(64);
    }

    [Fact]
    [Rfc("RFC 7636", "4.6")]
    public void A_verifier_fits_its_own_challenge_only()
    {
        CodeVerifier.TryParse(Good, out var verifier).ShouldBeTrue();
        var digest = verifier!.Challenge.Bytes.ToArray();
        verifier.Matches(CodeChallenge.FromBytes(digest)).ShouldBeTrue();
        for (var bit = 0; bit < 256; bit++)
        {
            var other = (byte[])digest.Clone();
            other[bit / 8] ^= (byte)(1 << (bit % 8));
            verifier.Matches(CodeChallenge.FromBytes(other)).ShouldBeFalse();
        }
    }

    [Fact]
    public void A_challenge_survives_being_written_read_and_stored()
    {
        var challenge = CodeVerifier.New().Challenge;
        CodeChallenge.TryParse(challenge.ToString(), out var read).ShouldBeTrue();
        read!.Bytes.SequenceEqual(challenge.Bytes).ShouldBeTrue();
        CodeChallenge.FromBytes(challenge.Bytes).ToString().ShouldBe(challenge.ToString());
        Should.Throw<ArgumentException>(() => CodeChallenge.FromBytes(new byte[31]));
        Should.Throw<ArgumentException>(() => CodeChallenge.FromBytes(new byte[33]));
    }

    [Fact]
    [Assertion("PK-19")]
    [Rfc("RFC 7636", "4.6")]
    public void The_digests_are_compared_in_constant_time()
    {
        Calls(typeof(CodeVerifier).GetMethod(nameof(CodeVerifier.Matches))!).ShouldContain(typeof(Secret).GetMethod(nameof(Secret.AreEqual))!);
        Calls(typeof(Secret).GetMethod(nameof(Secret.AreEqual))!).ShouldBe([typeof(CryptographicOperations).GetMethod(nameof(CryptographicOperations.FixedTimeEquals))!]);
    }

    [Fact]
    public void A_verifier_prints_without_its_secret() => CodeVerifier.New().ToString().ShouldBe("[code_verifier]");

    // The methods that a method calls, read from its compiled body: timing cannot be measured reliably, but which comparison is called can.
    private static List<MethodBase> Calls(MethodInfo method)
    {
        const byte call = 0x28;
        var body = method.GetMethodBody()!.GetILAsByteArray()!;
        var calls = new List<MethodBase>();
        for (var i = 0; i + 4 < body.Length; i++)
        {
            if (body[i] != call) continue;
            try
            {
                if (method.Module.ResolveMethod(BitConverter.ToInt32(body, i + 1)) is { } called) calls.Add(called);
            }
            catch (Exception exception) when (exception is ArgumentException or BadImageFormatException)
            {
                // Those four bytes were no method after all.
            }
        }
        return calls;
    }
}
