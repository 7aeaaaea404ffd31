namespace ProofKey.Client;

/// <summary>
/// What every exception of this library says: a stable code, what was expected, what came instead, and what to do about it. None of
/// them ever holds a code, a token, a verifier, a state or a nonce: where a server's own words are shown, what the request held of these is cut out of them.
/// </summary>
public abstract class ClientException : Exception
{
    private protected ClientException(string code, string expected, string actual, string remedy, Exception? inner = null)
        : base($"Expected {expected}, but {actual}. {remedy}", inner)
    {
        Code = code;
        Expected = expected;
        Actual = actual;
        Remedy = remedy;
        Help = ErrorPages.Of(code);
    }

    /// <summary>A stable name of the problem in small letters, such as <c>metadata_issuer</c>; made for programs to branch on.</summary>
    public string Code { get; }

    /// <summary>What should have been there, as a part of a sentence.</summary>
    public string Expected { get; }

    /// <summary>What was there, as a part of a sentence.</summary>
    public string Actual { get; }

    /// <summary>What to do about it: one sentence for the person at the keyboard.</summary>
    public string Remedy { get; }

    /// <summary>The page about <see cref="Code"/> in the repository of this library, such as <c>docs/errors/metadata_issuer.md</c>.</summary>
    public string Help { get; }
}
