using ProofKey.Server.Storage;

namespace ProofKey.Server.Protocol;

/// <summary>
/// What a poll with a device code is worth (RFC 8628 section 3.5). Whether the code was used before is not asked here: the INSERT of the
/// grant decides that, as for every other code.
/// </summary>
internal abstract record DeviceCodeGrant
{
    private DeviceCodeGrant()
    {
    }

    // The order is the policy: nothing is said about a code to whoever is not its client, and what the person decided comes before the pace.
    internal static readonly IReadOnlyList<Rule> Rules =
    [
        new("row is there", RowIsThere),
        new("issued to this client", IssuedToThisClient),
        new("secret is the row's", SecretIsTheRows),
        new("not denied", NotDenied),
        new("not expired", NotExpired),
        new("decided", Decided),
        new("session lives", SessionLives),
    ];

    internal sealed record Rule(string Name, Func<Poll, Refusal?> Check);

    /// <summary>What the rules look at. The row is there for every rule but the first.</summary>
    internal sealed record Poll(DeviceRow? Row, DeviceCode Code, string ClientId, DateTimeOffset Now)
    {
        public DeviceRow Found => Row!;
    }

    /// <summary>A person agreed: the grant may be inserted.</summary>
    internal sealed record Redeem(DeviceRow Row, DeviceApproval Approval) : DeviceCodeGrant;

    /// <summary>Not yet, or never.</summary>
    internal sealed record Refuse(Refusal Refusal) : DeviceCodeGrant;

    public static DeviceCodeGrant Decide(Poll poll)
    {
        foreach (var rule in Rules)
            if (rule.Check(poll) is { } refusal) return new Refuse(refusal);
        return new Redeem(poll.Found, poll.Found.Approval!);
    }

    // The seal opened, so the code was ours: its row has been pruned.
    private static Refusal? RowIsThere(Poll poll) => poll.Row is null ? new Refusal(Expired, "The row of the device code is gone.") : null;

    // RFC 8628 section 3.4: the code is bound to the client that asked for it
    private static Refusal? IssuedToThisClient(Poll poll) => poll.Found.ClientId == poll.ClientId ? null : new Refusal(NotGood, "The device code was issued to another client.");

    private static Refusal? SecretIsTheRows(Poll poll) => Secret.AreEqual(poll.Found.SecretDigest, poll.Code.SecretDigest)
        ? null
        : new Refusal(NotGood, "The device code has another secret than its row: the sealing keys may have leaked.");

    private static Refusal? NotDenied(Poll poll) => poll.Found is { DecidedAt: not null, Approval: null }
        ? new Refusal(OAuthError.AccessDenied("The person declined."), "The person declined.")
        : null;

    private static Refusal? NotExpired(Poll poll) => poll.Now < poll.Found.ExpiresAt ? null : new Refusal(Expired, "The device code has expired.");

    // RFC 8628 section 3.5: slow_down adds five seconds to the interval, for this and all later polls
    private static Refusal? Decided(Poll poll) => poll.Found switch
    {
        { DecidedAt: not null } => null,
        { IsTooFast: true } => new Refusal(new OAuthError("slow_down", $"Wait {poll.Found.Interval.TotalSeconds:0} seconds between two requests from now on."), "The device polls too fast."),
        _ => new Refusal(new OAuthError("authorization_pending", "The person has not decided yet; ask again after the interval."), "The person has not decided yet."),
    };

    private static Refusal? SessionLives(Poll poll) => poll.Now < poll.Found.Approval!.GrantExpiresAt ? null : new Refusal(NotGood, "The session in which the person agreed has ended.");

    /// <summary>What a client reads of a device code that is unknown, used or another's: the same for all.</summary>
    internal static OAuthError NotGood { get; } = OAuthError.InvalidGrant("The device code is not good: it is unknown, used, or was issued to another client. Ask for a new one.");

    private static OAuthError Expired { get; } = new("expired_token", "The device code has expired. Ask for a new one.");
}
