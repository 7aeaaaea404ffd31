namespace ProofKey.Client;

/// <summary>What is the matter with the file that keeps the sessions.</summary>
public enum TokenStoreState
{
    /// <summary>Another process holds its lock for too long.</summary>
    Locked,

    /// <summary>It is there but cannot be read as what it should be. It is never deleted for that.</summary>
    Damaged,

    /// <summary>It, or its folder, cannot be read or written.</summary>
    Denied,

    /// <summary>Other people of this machine can read or replace it.</summary>
    Exposed,
}

/// <summary>The session file cannot be used. Nothing in it was changed.</summary>
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
}
