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

/// <summary>Whether a backup knows what happens now.</summary>
internal enum Era
{
    /// <summary>It does.</summary>
    Before,

    /// <summary>It is being made, and may know or not.</summary>
    During,

    /// <summary>It does not.</summary>
    After,
}

/// <summary>A sign-in as its client keeps it.</summary>
/// <param name="Exchange">The fields that redeem its code.</param>
/// <param name="Began">When it began.</param>
internal sealed record SignIn(Dictionary<string, string> Exchange, Era Began)
{
    public string Code => Exchange["code"];

    /// <summary>What the log calls it: the end of its code, which is long.</summary>
    public string Name => Code[^16..];

    public string? RefreshToken { get; private set; }

    public string? AccessToken { get; private set; }

    public Standing Standing { get; set; } = Standing.Unknown;

    /// <summary>A token that has been superseded by one that was used, if there is one.</summary>
    public string? Superseded { get; private set; }

    /// <summary>When its first token was there.</summary>
    public Era Redeemed { get; private set; } = Era.After;

    /// <summary>When its last token was asked for, and when it was there.</summary>
    public (Era Asked, Era Given) Token { get; private set; }

    private string? Previous { get; set; }

    /// <summary>Keeps what an answer gave.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="asked">When it was asked for.</param>
    /// <param name="given">Now.</param>
    public void Keep(Answer answer, Era asked, Era given)
    {
        AccessToken = answer.AccessToken;
        if (answer.RefreshToken == RefreshToken) return;
        if (RefreshToken is null) Redeemed = given;
        (Superseded, Previous, RefreshToken, Token) = (Previous, RefreshToken, answer.RefreshToken, (asked, given));
    }
}
