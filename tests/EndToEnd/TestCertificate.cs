using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EndToEnd;

/// <summary>A certificate for one day that nobody trusts who is not told to.</summary>
/// <param name="Path">The file with the certificate.</param>
/// <param name="KeyPath">The file with its private key.</param>
/// <param name="Thumbprint">Its SHA-256 digest.</param>
/// <param name="KeyDigest">The digest of its public key, as Chromium wants to have it.</param>
public sealed record TestCertificate(string Path, string KeyPath, string Thumbprint, string KeyDigest)
{
    /// <summary>Makes one for a host, as two files.</summary>
    public static TestCertificate Write(string folder, string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        var written = new TestCertificate(
            System.IO.Path.Combine(folder, "cert.pem"), System.IO.Path.Combine(folder, "key.pem"), certificate.GetCertHashString(HashAlgorithmName.SHA256),
            Convert.ToBase64String(ProofKey.Secret.Digest(certificate.PublicKey.ExportSubjectPublicKeyInfo())));
        File.WriteAllText(written.Path, certificate.ExportCertificatePem());
        File.WriteAllText(written.KeyPath, key.ExportPkcs8PrivateKeyPem());
        return written;
    }
}
