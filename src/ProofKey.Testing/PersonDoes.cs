namespace ProofKey.Testing;

/// <summary>What the person before a <see cref="TestBrowser"/> does.</summary>
public enum PersonDoes
{
    /// <summary>Signs in and agrees.</summary>
    SignsIn,

    /// <summary>Says no.</summary>
    Denies,

    /// <summary>Closes the window when the server's page is there; no answer comes.</summary>
    ClosesTheWindow,

    /// <summary>Signs in, but the request that brings the answer never ends.</summary>
    Hangs,

    /// <summary>Has no browser that could be opened.</summary>
    HasNoBrowser,
}

/// <summary>What a <see cref="TestBrowser"/> sends to the redirect URI besides the answer.</summary>
[Flags]
public enum Strays
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>A request for the icon of the page.</summary>
    Favicon = 1,

    /// <summary>An <c>OPTIONS</c> request, as for a page of another origin.</summary>
    Preflight = 2,

    /// <summary>A code without a state.</summary>
    NoState = 4,

    /// <summary>A code with the state of another sign-in.</summary>
    WrongState = 8,

    /// <summary>A request for another host name, as in DNS rebinding.</summary>
    OtherHost = 16,

    /// <summary>The answer once more, after it was taken.</summary>
    SecondAnswer = 32,

    /// <summary>All of them.</summary>
    All = Favicon | Preflight | NoState | WrongState | OtherHost | SecondAnswer,
}
