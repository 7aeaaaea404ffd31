using System.Security.Cryptography;

namespace ProofKey.Tests.Leaks;

/// <summary>What is secret in the vaults of a test: tokens, and the keys that they are bound to.</summary>
internal static class VaultSecrets
{
    /// <summary>Takes note of what is in the vaults below a folder that a key opens.</summary>
    public static async Task ReadAsync(this SuiteWitness witness, string folder, string keyFile)
    {
        if (!Directory.Exists(folder) || !File.Exists(keyFile)) return;
        witness.Key("key of a vault", await File.ReadAllBytesAsync(keyFile));
        foreach (var file in Directory.EnumerateFiles(folder, "*.vault", SearchOption.AllDirectories))
        {
            try
            {
                using var vault = SessionVault.At(file, TokenStore.EncryptedFile(Path.GetDirectoryName(file)!, VaultKey.OfFile(keyFile)));
                if (await vault.ReadAsync(CancellationToken.None) is { } session) witness.Note(session);
            }
            catch (TokenStoreException)
            {
                // Its key is elsewhere, or it was damaged on purpose.
            }
        }
    }

    private static void Note(this SuiteWitness witness, StoredSession session)
    {
        witness.Secret("access token", session.AccessToken);
        if (session.RefreshToken is { } refreshToken) witness.Secret("refresh token", refreshToken);
        if (session.DpopKey is null || !Base64UrlText.TryDecode(session.DpopKey, out var bound)) return;
        // All keys of a kind begin alike: the number is what nobody else may know.
        using var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(bound, out _);
        witness.Key("private key of a session", key.ExportParameters(includePrivateParameters: true).D!);
    }
}
