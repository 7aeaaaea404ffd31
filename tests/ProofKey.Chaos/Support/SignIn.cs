namespace ProofKey.Chaos.Support;

/// <summary>What a client may expect of a sign-in, from what it did and was told.</summary>
internal enum Standing
{
    /// <summary>The last refresh token that it was given is good.</summary>
    Good,

    /// <summary>Nothing of it works any more.</summary>
    Ended,

    /// <summary>An answer that would have told is missing.</summary>
    Unknown,
}

/// <summary>A sign-in as its client keeps it.</summary>
/// <param name="Exchange">The fields that redeem its code.</param>
internal sealed record SignIn(Dictionary<string, string> Exchange)
{
    public string Code => Exchange["code"];

    /// <summary>What the log calls it: the end of its code, which is long.</summary>
    public string Name => Code[^16..];

    public string? RefreshToken { get; private set; }

    public string? AccessToken { get; private set; }

    public Standing Standing { get; set; } = Standing.Unknown;

    /// <summary>A token that has been superseded by one that was used, if there is one.</summary>
    public string? Superseded { get; private set; }

    private string? Previous { get; set; }

    /// <summary>Keeps what an answer gave.</summary>
    public void Keep(Answer answer)
    {
        AccessToken = answer.AccessToken;
        if (answer.RefreshToken == RefreshToken) return;
        (Superseded, Previous, RefreshToken) = (Previous, RefreshToken, answer.RefreshToken);
    }
}
