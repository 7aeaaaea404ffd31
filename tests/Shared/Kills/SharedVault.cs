using System.Globalization;
using ProofKey.Client;

namespace ProofKey.Tests.Kills;

/// <summary>The file of a session that many processes share, looked at and aged from outside.</summary>
internal sealed class SharedVault : IDisposable
{
    private const string Name = "default";

    private readonly SessionVault _vault;

    /// <summary>Opens it.</summary>
    /// <param name="sessions">The folder with a folder for each profile.</param>
    /// <param name="keyFile">The key.</param>
    public SharedVault(string sessions, string keyFile)
    {
        Store = TokenStore.EncryptedFile(Path.Combine(sessions, Name), VaultKey.OfFile(keyFile));
        _vault = new SessionVault(Store, Name);
    }

    public TokenStore Store { get; }

    /// <summary>What lies in the folder of the session.</summary>
    public IEnumerable<string> Files => new DirectoryInfo(Store.Folder).EnumerateFiles("*", SearchOption.AllDirectories).Select(file => $"{file.Name} ({file.Length})");

    /// <summary>The number of the process that had the lock last, or has it.</summary>
    public int Holder => int.TryParse(LockFile.Peek(_vault.Path + ".lock").Split(' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    /// <summary>What is in it.</summary>
    public Task<StoredSession?> SessionAsync() => _vault.ReadAsync(CancellationToken.None);

    /// <summary>Lets the access token have ended.</summary>
    public async Task ExpireAsync()
    {
        var past = TimeProvider.System.GetUtcNow().AddHours(-1);
        using (await _vault.LockAsync(CancellationToken.None)) await _vault.SaveAsync((await SessionAsync())! with { ObtainedAt = past, ExpiresAt = past }, CancellationToken.None);
    }

    public void Dispose() => _vault.Dispose();
}
