namespace ProofKey.Client;

/// <summary>What is the matter with the place that keeps a session. None of these means that nobody is signed in, and none deletes anything.</summary>
public enum TokenStoreState
{
    /// <summary>The keychain is locked or does not answer, or another process holds the file's lock for too long.</summary>
    Locked,

    /// <summary>It is there but cannot be read as what it should be. It is never deleted for that.</summary>
    Damaged,

    /// <summary>It, or its folder, cannot be read or written.</summary>
    Denied,

    /// <summary>Other people of this machine can read or replace it.</summary>
    Exposed,

    /// <summary>There is no keychain here, or the key that belongs to the file is not to be found.</summary>
    Missing,

    /// <summary>The passphrase or the key file is another one than the file was made with.</summary>
    WrongKey,

    /// <summary>There is another session where one was to be moved to.</summary>
    Occupied,

    /// <summary>The file's key is held by something else than the store that was asked for; <see cref="TokenStore.MoveAsync"/> changes that.</summary>
    OtherBackend,

    /// <summary>The profile holds a session of another server or client, which a sign-in would end; give each client a <see cref="ClientOptions.Profile"/> of its own.</summary>
    OtherClient,
}

/// <summary>Sessions cannot be read or kept. Nothing that was kept has changed, and nobody has been signed out by it.</summary>
public sealed class TokenStoreException : ClientException
{
    internal TokenStoreException(TokenStoreState state, string path, string expected, string actual, string remedy, Exception? inner = null)
        : base(ErrorPages.CodeOf(state), expected, actual, remedy, inner)
    {
        State = state;
        Path = path;
    }

    /// <summary>What is the matter.</summary>
    public TokenStoreState State { get; }

    /// <summary>The file.</summary>
    public string Path { get; }

    internal static TokenStoreException Damaged(string path, string actual, string remedy = "Restore it from a copy, or remove it and sign in again; it was left as it is.") =>
        new(TokenStoreState.Damaged, path, $"a vault at {path}", actual, remedy);

    internal static TokenStoreException Denied(string path, Exception inner) => new(
        TokenStoreState.Denied, path, $"a file at {path} that can be read and written", $"the system says: {inner.Message.TrimEnd('.')}", "Check the folder's owner, its mode and the free space, or choose another folder.", inner);

    internal static TokenStoreException OtherClient(string path, ClientOptions options, StoredSession other) => new(
        TokenStoreState.OtherClient, path, $"no session but {options}'s in profile {options.Profile}", $"there is one of {other}",
        $"Give each client of a store its own {nameof(ClientOptions.Profile)}, or sign out of that session first. One that is begun by {nameof(PublicClient.BeginAsync)} takes its place.");

    internal static TokenStoreException WrongKey(string path, string what, string actual, string remedy) => new(TokenStoreState.WrongKey, path, $"{what} to open {path}", actual, remedy);
}
