namespace ProofKey.Client;

/// <summary>A key in the keychain: one for each program, whatever the number of its profiles, so that a person is asked at most once.</summary>
internal sealed class KeychainKey(string application, Keychain keychain, TimeSpan? patience = null) : VaultKey
{
    /// <summary>The way out where there is no session yet; a program may have a better word for it.</summary>
    internal const string OrFile = "Or keep sessions in files whose key is a passphrase or a key file (TokenStore.EncryptedFile).";

    // A file that is there needs the key that it has, so another kind of store is no way out.
    internal const string AtAnotherPlace = "The session that is there needs it: until then use another ClientOptions.Profile; if the keychain is gone for good, remove the file and sign in again.";

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly TimeSpan _patience = patience ?? TimeSpan.FromSeconds(30);

    internal override string Backend => "keychain";

    public override string ToString() => "in the keychain";

    internal override async Task<byte[]> OpenAsync(VaultHeader header, string vault, CancellationToken cancel)
    {
        if (keychain.Known(application) is { } known && IdOf(known) == header.KeyId) return known;
        var key = await FindAsync(vault, AtAnotherPlace, cancel).ConfigureAwait(false) ?? throw Lost(vault, $"the keychain has no key of {application}");
        return IdOf(key) == header.KeyId ? keychain.Remember(application, key) : throw Lost(vault, $"the keychain has another key of {application}");
    }

    // Asked anew each time: a file that nobody could open after this program would be lost. One that was found before is still good where nobody answers.
    internal override async Task<(VaultHeader Header, byte[] Key)> NewAsync(string vault, CancellationToken cancel)
    {
        byte[] key;
        try
        {
            key = await FindAsync(vault, OrFile, cancel).ConfigureAwait(false) ?? await MakeAsync(vault, cancel).ConfigureAwait(false);
        }
        catch (TokenStoreException unanswered) when (unanswered.InnerException is KeychainException or OperationCanceledException && keychain.Known(application) is not null)
        {
            key = keychain.Known(application)!;
        }
        return (new VaultHeader(Backend, IdOf(key)), keychain.Remember(application, key));
    }

    // Two programs that start at the same time must not each make one: the first would lose its own.
    private async Task<byte[]> MakeAsync(string vault, CancellationToken cancel)
    {
        var path = Path.Combine(TokenStore.DefaultFolder("proofkey"), $"keychain-{application}.lock");
        using var held = await VaultLock.TakeAsync(path, () => { }, () => Task.FromResult(false), Pause, 2 * _patience, cancel).ConfigureAwait(false);
        if (await FindAsync(vault, OrFile, cancel).ConfigureAwait(false) is { } made) return made;
        var secret = Secret.NewText(Length);
        await AskAsync(vault, OrFile, limit =>
        {
            keychain.Store(application, secret, limit);
            return secret;
        }, cancel).ConfigureAwait(false);
        // What cannot be read back must not seal anything; what another program put there in the same moment is as good as ours.
        return await FindAsync(vault, OrFile, cancel).ConfigureAwait(false) ?? throw Lost(vault, "the keychain did not keep the new key");
    }

    private async Task<byte[]?> FindAsync(string vault, string otherwise, CancellationToken cancel)
    {
        if (await AskAsync(vault, otherwise, limit => keychain.Find(application, limit), cancel).ConfigureAwait(false) is not { } secret) return null;
        return Base64UrlText.TryDecode(secret, out var key) && key.Length == Length ? key : throw Lost(vault, $"what the keychain has under {application} is no key");
    }

    private async Task<string?> AskAsync(string vault, string otherwise, Func<CancellationToken, string?> ask, CancellationToken cancel)
    {
        using var limit = new CancellationTokenSource(_patience, TimeProvider.System);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        // It may wait for a person, and the threads of the pool may not.
        var asked = Task.Factory.StartNew(() => ask(linked.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        // Who has given up is not told any more.
        _ = asked.ContinueWith(end => end.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        try
        {
            // Some keychains ignore that nobody waits any more: then their thread is left behind.
            return await asked.WaitAsync(linked.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException late) when (!cancel.IsCancellationRequested)
        {
            throw new TokenStoreException(
                TokenStoreState.Locked, vault, "the keychain, which has the key of the sessions", $"it did not answer within {_patience.TotalSeconds:0.#} seconds",
                "See whether a window that asks to unlock it is waiting, then try again; nobody was signed out.", late);
        }
        catch (KeychainException refused)
        {
            throw new TokenStoreException(
                refused.State, vault, "the keychain, which has the key of the sessions", refused.Actual, refused.State == TokenStoreState.Missing ? $"{refused.Remedy} {otherwise}" : refused.Remedy, refused);
        }
    }

    private static TokenStoreException Lost(string vault, string actual) => new(
        TokenStoreState.Missing, vault, $"the key of {vault} in the keychain", actual,
        "Restore the keychain, open its database (KeePassXC), or use the machine that made the file; else remove the file and sign in again. It was left as it is.");
}
