using Microsoft.AspNetCore.Http;
using ProofKey.Jose;

namespace ProofKey.ResourceServer;

/// <summary>Why a request with credentials is not let in.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Error">What the client may read; <see langword="null"/> where the request is not to blame.</param>
/// <param name="Code">A stable code for the log.</param>
/// <param name="Reason">What exactly is wrong, for the log alone; never the token.</param>
internal sealed record Refusal(int Status, OAuthError? Error, string Code, string Reason)
{
    /// <summary>When it is worth trying again.</summary>
    public TimeSpan? RetryAfter { get; private init; }

    // RFC 6750 section 3.1: the request itself is malformed.
    public static Refusal InvalidRequest(string description) =>
        new(StatusCodes.Status400BadRequest, OAuthError.InvalidRequest(description), "invalid_request", description);

    public static Refusal InvalidToken(JwtProblem problem) =>
        new(StatusCodes.Status401Unauthorized, OAuthError.InvalidToken(DescriptionOf(problem.Code)), problem.Code, problem.Message);

    // RFC 9449 section 7.1: what is wrong with a proof is said in its own words, which hold nothing of it.
    public static Refusal InvalidProof(OAuthError error) => new(StatusCodes.Status401Unauthorized, error, error.Code, error.Description);

    /// <summary>Every proof that there is room for is in memory; none is forgotten to make room.</summary>
    public static Refusal NoRoom(TimeSpan retryAfter) =>
        new(StatusCodes.Status503ServiceUnavailable, null, "no_room", "There are too many DPoP proofs to remember, so the proof was not judged.")
        {
            RetryAfter = retryAfter,
        };

    // A good token may be in hand: with 401 the client would throw it away.
    public static Refusal NoKeys(TimeSpan retryAfter) =>
        new(StatusCodes.Status503ServiceUnavailable, null, "no_keys", "The issuer's keys could not be fetched, so the token was not judged.")
        {
            RetryAfter = retryAfter,
        };

    // Fixed sentences: what the client reads never echoes the token.
    private static string DescriptionOf(string code) => code switch
    {
        JwtProblem.Expired => "The access token has expired.",
        JwtProblem.NotYetValid => "The access token is not valid yet.",
        JwtProblem.Issuer => "The access token is from another issuer.",
        JwtProblem.Audience => "The access token is for another audience.",
        JwtProblem.Type => "This is not an access token: its typ is not at+jwt.",
        JwtProblem.Algorithm => "The access token must be signed with ES256, RS256 or PS256.",
        JwtProblem.UnknownKey or JwtProblem.Signature => "The signature of the access token is not the issuer's.",
        JwtProblem.Claim => "The access token lacks a claim that RFC 9068 requires.",
        AccessTokenVerifier.Bound => "The access token is bound to a key and cannot be used as a bearer token.",
        AccessTokenVerifier.Unbound => "The access token is bound to no key, and this needs one that is.",
        _ => "The access token is malformed.",
    };
}
