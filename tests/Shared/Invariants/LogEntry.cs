using System.Net;

namespace ProofKey.Tests.Invariants;

/// <summary>What a client did.</summary>
public enum Act
{
    Redeem,
    Refresh,
    Userinfo,
    Revoke,

    /// <summary>An operator or a person ended what the grant stands on: account, password, client, session.</summary>
    End,
}

/// <summary>
/// One request and its answer, as a client saw it: between <paramref name="Began"/> and <paramref name="Ended"/>, on a clock that counts
/// events. Two entries are in order only if one ended before the other began.
/// </summary>
/// <param name="Began">When it was sent.</param>
/// <param name="Ended">When the answer was there, or it was sure that none would come.</param>
/// <param name="Act">What was done.</param>
/// <param name="Grant">The sign-in that it is about.</param>
/// <param name="IssuedTo">The client that the sign-in was for.</param>
/// <param name="Client">The client that sent it.</param>
/// <param name="Presented">The code or token that was presented.</param>
/// <param name="Status">The answer's status; 0 where no answer came.</param>
/// <param name="RefreshToken">The refresh token of the answer.</param>
internal sealed record LogEntry(long Began, long Ended, Act Act, string Grant, string IssuedTo, string Client, string? Presented, HttpStatusCode Status, string? RefreshToken = null)
{
    public bool Succeeded => Status == HttpStatusCode.OK;

    /// <summary>Whether this was over before another was sent.</summary>
    public bool Precedes(LogEntry other) => Ended < other.Began;
}
