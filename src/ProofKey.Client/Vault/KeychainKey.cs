namespace ProofKey.Client;

/// <summary>A key in the keychain: one for each program, whatever the number of its profiles, so that a person is asked at most once.</summary>
internal sealed class KeychainKey(string application, Keychain keychain, TimeSpan? patience = null) : VaultKey
{
    private const string OrFile = "Or choose an encrypted file with a passphrase or a key file (--store file).";

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly TimeSpan _patience = patience ?? TimeSpan.FromSeconds(30);

    internal override string Backend => "keychain";

    public override string ToString() => "in the keychain";

    internal override async Task<byte[]> OpenAsync(VaultHeader header, string vault, CancellationToken cancel)
    {
        var key = await FindAsync(vault, cancel) ?? throw Lost(vault, $"the keychain has no key of {application}");
        return IdOf(key) == header.KeyId ? key : throw Lost(vault, $"the keychain has another key of {application}");
    }

    internal override async Task<(VaultHeader Header, byte[] Key)> NewAsync(string vault, CancellationToken cancel)
    {
        var key = await FindAsync(vault, cancel) ?? await MakeAsync(vault, cancel);
        return (new VaultHeader(Backend, IdOf(key)), key);
    }

    // Two programs that start at the same time must not each make one: the first would lose its own.
    private async Task<byte[]> MakeAsync(string vault, CancellationToken cancel)
    {
        var path = Path.Combine(TokenStore.DefaultFolder("proofkey"), $"keychain-{application}.lock");
        using var held = await VaultLock.TakeAsync(path, () => { }, () => Task.FromResult(false), Pause, 2 * _patience, cancel);
        if (await FindAsync(vault, cancel) is { } made) return made;
        var secret = Secret.NewText(Length);
        await AskAsync(vault, limit =>
        {
            keychain.Store(application, secret, limit);
            return secret;
        }, cancel);
        // What cannot be read back must not seal anything.
        var kept = await FindAsync(vault, cancel);
        return kept is not null && Base64UrlText.Encode(kept) == secret ? kept : throw Lost(vault, "the keychain did not keep the new key");
    }

    private async Task<byte[]?> FindAsync(string vault, CancellationToken cancel)
    {
        if (await AskAsync(vault, limit => keychain.Find(application, limit), cancel) is not { } secret) return null;
        return Base64UrlText.TryDecode(secret, out var key) && key.Length == Length ? key : throw Lost(vault, $"what the keychain has under {application} is no key");
    }

    private async Task<string?> AskAsync(string vault, Func<CancellationToken, string?> ask, CancellationToken cancel)
    {
        using var limit = new CancellationTokenSource(_patience, TimeProvider.System);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        try
        {
            // Some keychains ignore that nobody waits any more: then their thread is left behind.
            return await Task.Run(() => ask(linked.Token), CancellationToken.None).WaitAsync(linked.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new TokenStoreException(
                TokenStoreState.Locked, vault, "the keychain, which has the key of the sessions", $"it did not answer within {_patience.TotalSeconds:0.#} seconds",
                "See whether a window that asks to unlock it is waiting, then try again; nobody was signed out.");
        }
        catch (KeychainException refused)
        {
            throw new TokenStoreException(
                refused.State, vault, "the keychain, which has the key of the sessions", refused.Actual, refused.State == TokenStoreState.Missing ? $"{refused.Remedy} {OrFile}" : refused.Remedy, refused);
        }
    }

    private static TokenStoreException Lost(string vault, string actual) => new(
        TokenStoreState.Missing, vault, $"the key of {vault} in the keychain", actual, "Restore the keychain, or remove the file and sign in again; it was left as it is.");
}
