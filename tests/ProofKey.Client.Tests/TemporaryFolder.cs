namespace ProofKey.Client.Tests;

/// <summary>A folder that is gone after the test, with a store in it that is encrypted with a key file.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder() => WriteKey(KeyFile);

    public string Path { get; } = Directory.CreateTempSubdirectory("proofkey-client-").FullName;

    public string KeyFile => System.IO.Path.Combine(Path, "key");

    public TokenStore Store => TokenStore.EncryptedFile(System.IO.Path.Combine(Path, "data"), VaultKey.OfFile(KeyFile));

    /// <summary>The file of the default profile.</summary>
    public string Vault => Store.PathOf("default");

    public static void WriteKey(string path)
    {
        var key = Secret.NewBytes(32);
        SuiteWitness.OfThisSuite.Key("key of a vault", key);
        File.WriteAllBytes(path, key);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    /// <summary>What the default profile's file holds.</summary>
    public async Task<StoredSession?> SessionAsync()
    {
        using var vault = new SessionVault(Store, "default");
        return await vault.ReadAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>The same, decrypted and as it was written.</summary>
    public string Content()
    {
        var file = File.ReadAllBytes(Vault);
        var (_, end, _) = VaultFile.ReadHeader(file);
        return System.Text.Encoding.UTF8.GetString(VaultFile.Open(File.ReadAllBytes(KeyFile), file, end)!);
    }

    /// <summary>Seals something else in the place of a session.</summary>
    public void Seal(string content)
    {
        var (header, _, _) = VaultFile.ReadHeader(File.ReadAllBytes(Vault));
        File.WriteAllBytes(Vault, VaultFile.Seal(header!, File.ReadAllBytes(KeyFile), System.Text.Encoding.UTF8.GetBytes(content)));
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
