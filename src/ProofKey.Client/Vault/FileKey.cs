namespace ProofKey.Client;

/// <summary>A key that lies in a file of its own.</summary>
internal sealed class FileKey(string path) : VaultKey
{
    internal override string Backend => "key_file";

    public override string ToString() => $"the key file {path}";

    internal override Task<byte[]> OpenAsync(VaultHeader header, string vault, CancellationToken cancel)
    {
        var bring = $"Bring back the key file that {vault} was made with and name it, or remove {vault} and sign in again.";
        var key = Read(vault, bring, bring);
        return IdOf(key) == header.KeyId ? Task.FromResult(key) : throw TokenStoreException.WrongKey(vault, "its key file", $"{path} holds another key", "Give the key file that the vault was made with. If the session was being moved and that broke off, move it once more; if its key is lost, remove the vault and sign in again.");
    }

    internal override Task<(VaultHeader Header, byte[] Key)> NewAsync(string vault, CancellationToken cancel)
    {
        // What is there and no key is something else, which must not be overwritten.
        var key = Read(vault, $"Make one with: (umask 077; head -c {Length} /dev/urandom > {ShellText.Argument(path)})", $"Name another file. A key is made with: (umask 077; head -c {Length} /dev/urandom > FILE)");
        return Task.FromResult((new VaultHeader(Backend, IdOf(key)), key));
    }

    // Where there is a vault, a new key would open nothing.
    private byte[] Read(string vault, string absent, string other)
    {
        var key = OwnerFile.Read(path, "a key file") ?? throw new TokenStoreException(TokenStoreState.Missing, vault, $"a key file at {path}", "there is none", absent);
        return key.Length == Length ? key : throw new TokenStoreException(TokenStoreState.WrongKey, vault, $"a key of {Length} bytes in {path}", $"it has {key.Length}", other);
    }
}
