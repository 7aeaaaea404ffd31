namespace ProofKey.Chaos.Support;

/// <summary>A kind of write that clients are told of.</summary>
/// <param name="Event">What happens to the table of grants, as a trigger calls it.</param>
/// <param name="Kept">Counts how often it was kept.</param>
/// <param name="Asked">How the request for it begins, or what is in its form.</param>
internal sealed record GrantWrite(string Event, string Kept, string Asked)
{
    public static readonly IReadOnlyList<GrantWrite> All =
    [
        new("insert", "select count(*) from authorization_grant", "grant_type=authorization_code"),
        // What signs in meanwhile begins with 1, and is none of them.
        new("update of seq", "select coalesce(sum(seq - 1), 0) from authorization_grant", "grant_type=refresh_token"),
        new("update of revoked_at", "select count(*) from authorization_grant where revoked_at is not null", "POST /revoke "),
    ];

    /// <summary>Those that a round kills: all of them where there is time, else the one that the test names.</summary>
    public static IReadOnlyList<GrantWrite> OfRound(int named) => Rounds.AreMany ? All : [All[named]];
}
