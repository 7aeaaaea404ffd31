using System.Security.Cryptography;
using ProofKey.Jose;

namespace ProofKey.Core.Tests.Jose;

/// <summary>Private keys: made, stored, used by many threads, and never shown.</summary>
public sealed class SigningKeyTests
{
    [Theory]
    [Rfc("RFC 7518", "3.1")]
    [InlineData("ES256", "EC", 64)]
    [InlineData("RS256", "RSA", 256)]
    [InlineData("PS256", "RSA", 256)]
    public void A_new_key_signs_for_its_algorithm_and_names_itself_by_its_thumbprint(string name, string keyType, int length)
    {
        var key = TestKeys.For(name);

        (key.Algorithm.Name, key.Algorithm.KeyType).ShouldBe((name, keyType));
        key.KeyId.ShouldBe(key.PublicKey.Thumbprint());
        key.KeyId.Length.ShouldBe(43);
        key.PublicKey.Use.ShouldBe("sig");
        key.PublicKey.Algorithm.ShouldBe(key.Algorithm);
        key.Sign("data"u8).Length.ShouldBe(length);
        key.PublicKey.Verify(key.Algorithm, "data"u8, key.Sign("data"u8)).ShouldBeTrue();
        foreach (var other in SignatureAlgorithm.All.Where(other => other != key.Algorithm))
            key.PublicKey.Verify(other, "data"u8, key.Sign("data"u8)).ShouldBeFalse();
    }

    [Fact]
    public void Two_new_keys_are_different()
    {
        using var other = SigningKey.New(SignatureAlgorithm.ES256);
        other.KeyId.ShouldNotBe(TestKeys.Ec.KeyId);
        other.PublicKey.Verify(SignatureAlgorithm.ES256, "data"u8, TestKeys.Ec.Sign("data"u8)).ShouldBeFalse();
    }

    [Theory]
    [InlineData("ES256")]
    [InlineData("RS256")]
    [InlineData("PS256")]
    public void A_stored_key_is_the_same_key(string name)
    {
        using var copy = SigningKey.FromPkcs8(TestKeys.For(name).Algorithm, TestKeys.For(name).ToPkcs8());

        copy.KeyId.ShouldBe(TestKeys.For(name).KeyId);
        TestKeys.For(name).PublicKey.Verify(copy.Algorithm, "data"u8, copy.Sign("data"u8)).ShouldBeTrue();
    }

    [Fact]
    public void A_stored_key_that_does_not_fit_is_refused()
    {
        using var otherCurve = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var weak = RSA.Create(1024);
        var good = TestKeys.Ec.ToPkcs8();

        foreach (var wrong in new byte[][] { [], [1, 2, 3], good[..^1], [.. good, 0], TestKeys.Rsa.ToPkcs8(), otherCurve.ExportPkcs8PrivateKey() })
            Should.Throw<CryptographicException>(() => SigningKey.FromPkcs8(SignatureAlgorithm.ES256, wrong));
        foreach (var wrong in new[] { good, weak.ExportPkcs8PrivateKey() })
            Should.Throw<CryptographicException>(() => SigningKey.FromPkcs8(SignatureAlgorithm.RS256, wrong));
    }

    [Fact]
    public void A_key_prints_without_its_secret()
    {
        TestKeys.Ec.ToString().ShouldBe($"ES256 {TestKeys.Ec.KeyId}");
        TestKeys.Ec.PublicKey.ToString().ShouldBe($"EC {TestKeys.Ec.KeyId}");
    }

    [Fact]
    public async Task Many_threads_sign_and_verify_with_one_key_at_once()
    {
        using var key = SigningKey.New(SignatureAlgorithm.ES256);
        var good = await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Run(() => SignAndVerify(key, thread), TestContext.Current.CancellationToken)));
        good.Sum().ShouldBe(8 * 250);
    }

    [Fact]
    public void A_disposed_key_signs_no_more()
    {
        var key = SigningKey.New(SignatureAlgorithm.ES256);
        var publicKey = key.PublicKey;
        var signature = key.Sign("data"u8);

        key.Dispose();
        key.Dispose();

        Should.Throw<ObjectDisposedException>(() => key.Sign("data"u8));
        Should.Throw<ObjectDisposedException>(() => key.ToPkcs8());
        publicKey.Verify(SignatureAlgorithm.ES256, "data"u8, signature).ShouldBeTrue();
    }

    [Fact]
    public async Task A_key_that_is_disposed_while_others_sign_fails_cleanly()
    {
        for (var round = 0; round < 20; round++)
        {
            var key = SigningKey.New(SignatureAlgorithm.ES256);
            var publicKey = key.PublicKey;
            var signers = Enumerable.Range(0, 4).Select(_ => Task.Run(() => SignUntilDisposed(key, publicKey), TestContext.Current.CancellationToken)).ToArray();
            key.Dispose();
            (await Task.WhenAll(signers)).ShouldAllBe(allGood => allGood);
        }
    }

    [Fact]
    public void Algorithm_names_are_exact()
    {
        foreach (var name in new[] { "ES256", "RS256", "PS256" })
        {
            SignatureAlgorithm.TryParse(name, out var algorithm).ShouldBeTrue();
            algorithm!.Name.ShouldBe(name);
        }
        foreach (var name in new[] { null, "", "none", "None", "HS256", "es256", "ES256 ", "ES384", "ES256K", "RS512", "EdDSA" })
            SignatureAlgorithm.TryParse(name, out _).ShouldBeFalse();
        SignatureAlgorithm.All.Select(algorithm => algorithm.ToString()).ShouldBe(["ES256", "RS256", "PS256"]);
    }

    private static int SignAndVerify(SigningKey key, int thread)
    {
        var good = 0;
        for (var i = 0; i < 250; i++)
        {
            var data = BitConverter.GetBytes((thread * 1_000) + i);
            if (key.PublicKey.Verify(SignatureAlgorithm.ES256, data, key.Sign(data))) good++;
        }
        return good;
    }

    private static bool SignUntilDisposed(SigningKey key, Jwk publicKey)
    {
        while (true)
        {
            try
            {
                if (!publicKey.Verify(SignatureAlgorithm.ES256, "data"u8, key.Sign("data"u8))) return false;
            }
            catch (ObjectDisposedException)
            {
                return true;
            }
        }
    }
}
