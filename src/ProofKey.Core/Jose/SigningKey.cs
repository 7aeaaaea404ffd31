using System.Buffers;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace ProofKey.Jose;

/// <summary>A private key with the one algorithm that it is for. Several threads may sign with it at once.</summary>
public sealed class SigningKey : IDisposable
{
    private const int NewRsaBits = 2048;
    private const string OtherLength = "The platform made a signature of another length.";

    private readonly Lock _gate = new();
    private readonly byte[] _pkcs8;
    private readonly KeyPool<ECDsa>? _ec;
    private readonly KeyPool<RSA>? _rsa;
    private readonly ConcurrentDictionary<string, byte[]> _headers = new(StringComparer.Ordinal);
    private bool _disposed;

    private SigningKey(SignatureAlgorithm algorithm, byte[] pkcs8)
    {
        Algorithm = algorithm;
        _pkcs8 = pkcs8;
        if (algorithm.KeyType == "EC")
        {
            _ec = new KeyPool<ECDsa>(() => Open(ECDsa.Create()));
            PublicKey = Publish(_ec);
            SignatureLength = P256.SignatureLength;
        }
        else
        {
            _rsa = new KeyPool<RSA>(() => Open(RSA.Create()));
            PublicKey = Publish(_rsa, out var length);
            SignatureLength = length;
        }
    }

    /// <summary>The algorithm.</summary>
    public SignatureAlgorithm Algorithm { get; }

    /// <summary>The public half, ready to be published: <c>kid</c> is its thumbprint, <c>use</c> is <c>sig</c>, <c>alg</c> is stated.</summary>
    public Jwk PublicKey { get; }

    /// <summary>The name of the key in headers (<c>kid</c>): its RFC 7638 thumbprint.</summary>
    public string KeyId => PublicKey.KeyId!;

    /// <summary>The length of every signature of this key in bytes.</summary>
    internal int SignatureLength { get; }

    /// <summary>Makes a key: P-256, or RSA of 2048 bits.</summary>
    /// <param name="algorithm">What it is for.</param>
    /// <returns>The key.</returns>
    public static SigningKey New(SignatureAlgorithm algorithm)
    {
        ArgumentNullException.ThrowIfNull(algorithm);
        using AsymmetricAlgorithm key = algorithm.KeyType == "EC" ? ECDsa.Create(ECCurve.NamedCurves.nistP256) : RSA.Create(NewRsaBits);
        return new SigningKey(algorithm, key.ExportPkcs8PrivateKey());
    }

    /// <summary>Takes over a key that was stored.</summary>
    /// <param name="algorithm">What it is for.</param>
    /// <param name="pkcs8">The private key as PKCS#8, unencrypted DER.</param>
    /// <returns>The key.</returns>
    /// <exception cref="CryptographicException">It is not such a key, does not fit the algorithm, or is too weak.</exception>
    public static SigningKey FromPkcs8(SignatureAlgorithm algorithm, ReadOnlySpan<byte> pkcs8)
    {
        ArgumentNullException.ThrowIfNull(algorithm);
        return new SigningKey(algorithm, pkcs8.ToArray());
    }

    /// <summary>The private key, to be stored encrypted.</summary>
    /// <returns>PKCS#8, unencrypted DER.</returns>
    /// <exception cref="ObjectDisposedException">The key was disposed.</exception>
    public byte[] ToPkcs8()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return [.. _pkcs8];
        }
    }

    /// <summary>Signs bytes.</summary>
    /// <param name="data">The bytes.</param>
    /// <returns>The signature; for ES256 64 bytes, R then S (RFC 7518 section 3.4).</returns>
    /// <exception cref="ObjectDisposedException">The key was disposed.</exception>
    public byte[] Sign(ReadOnlySpan<byte> data)
    {
        var signature = new byte[SignatureLength];
        Sign(data, signature);
        return signature;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _ec?.Close();
        _rsa?.Close();
        lock (_gate)
        {
            _disposed = true;
            CryptographicOperations.ZeroMemory(_pkcs8);
        }
    }

    /// <inheritdoc />
    public override string ToString() => $"{Algorithm} {KeyId}";

    internal void Sign(ReadOnlySpan<byte> data, Span<byte> signature)
    {
        if (_ec is not null) SignEc(_ec, data, signature);
        else SignRsa(_rsa!, Algorithm.Padding!, data, signature);
    }

    /// <summary>The protected header of a type with the dot after it, as it stands at the start of a token.</summary>
    internal byte[] HeaderFor(string typ) => _headers.GetOrAdd(typ, static (typ, key) => key.MakeHeader(typ, writer => writer.WriteString("kid", key.KeyId)), this);

    /// <summary>The protected header of a proof, likewise: it has the public key in it, and no name of a key (RFC 9449 section 4.2).</summary>
    internal byte[] ProofHeader => field ??= MakeHeader(Dpop.Type, writer =>
    {
        writer.WritePropertyName("jwk");
        PublicKey.WriteMaterialTo(writer);
    });

    private static void SignEc(KeyPool<ECDsa> pool, ReadOnlySpan<byte> data, Span<byte> signature)
    {
        var key = pool.Borrow();
        try
        {
            var made = key.TrySignData(data, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation, out var written);
            if (!made || written != signature.Length) throw new CryptographicException(OtherLength);
        }
        finally
        {
            pool.Return(key);
        }
    }

    private static void SignRsa(KeyPool<RSA> pool, RSASignaturePadding padding, ReadOnlySpan<byte> data, Span<byte> signature)
    {
        var key = pool.Borrow();
        try
        {
            var made = key.TrySignData(data, signature, HashAlgorithmName.SHA256, padding, out var written);
            if (!made || written != signature.Length) throw new CryptographicException(OtherLength);
        }
        finally
        {
            pool.Return(key);
        }
    }

    private TKey Open<TKey>(TKey key)
        where TKey : AsymmetricAlgorithm
    {
        try
        {
            // Dispose wipes these bytes: half of them must never become a key.
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                key.ImportPkcs8PrivateKey(_pkcs8, out var read);
                return read == _pkcs8.Length ? key : throw new CryptographicException("There is something after the key.");
            }
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    private Jwk Publish(KeyPool<ECDsa> pool)
    {
        var key = pool.Borrow();
        var parameters = key.ExportParameters(includePrivateParameters: false);
        pool.Return(key);
        if (!P256.HasPoint(parameters.Q.X, parameters.Q.Y)) throw new CryptographicException("An ES256 key is on P-256.");
        return new Jwk(parameters).ForSigning(Algorithm);
    }

    private Jwk Publish(KeyPool<RSA> pool, out int length)
    {
        var key = pool.Borrow();
        var parameters = key.ExportParameters(includePrivateParameters: false);
        pool.Return(key);
        length = parameters.Modulus!.Length;
        if (RsaModulus.Problem(parameters.Modulus, parameters.Exponent) is { } problem) throw new CryptographicException(problem);
        return new Jwk(parameters).ForSigning(Algorithm);
    }

    // RFC 7515 section 4.1: alg, typ, and which key
    private byte[] MakeHeader(string typ, Action<Utf8JsonWriter> writeKey)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json, Jws.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteString("alg", Algorithm.Name);
            writer.WriteString("typ", typ);
            writeKey(writer);
            writer.WriteEndObject();
        }
        return Encoding.ASCII.GetBytes(Base64UrlText.Encode(json.WrittenSpan) + ".");
    }
}
