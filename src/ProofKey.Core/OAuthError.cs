using System.Buffers;

namespace ProofKey;

/// <summary>
/// What a client may read of a refusal: a registered code and one sentence (RFC 6749 section 4.1.2.1 and section 5.2). It never holds
/// a secret nor an echo of the input; why exactly the server refused belongs into its log.
/// </summary>
/// <param name="Code">The registered error code, such as <c>invalid_grant</c>.</param>
/// <param name="Description">One sentence of printable ASCII without quotes and backslashes that says how to mend it.</param>
public sealed record OAuthError(string Code, string Description)
{
    // RFC 6749 section 5.2: %x20-21 / %x23-5B / %x5D-7E
    private static readonly SearchValues<char> Allowed = SearchValues.Create(
        [.. Enumerable.Range(0x20, 0x7E - 0x20 + 1).Select(code => (char)code).Where(character => character is not ('"' or '\\'))]);

    /// <summary>One sentence of printable ASCII without quotes and backslashes.</summary>
    public string Description { get; } = Description.AsSpan().ContainsAnyExcept(Allowed)
        ? throw new ArgumentException("An error description is printable ASCII without quotes and backslashes.", nameof(Description))
        : Description;

    /// <summary>The request lacks a parameter, repeats one, or is otherwise malformed.</summary>
    /// <param name="description">What is wrong and how to mend it.</param>
    /// <returns>The error.</returns>
    public static OAuthError InvalidRequest(string description) => new("invalid_request", description);

    /// <summary>The code or refresh token is not good, or not good for this request.</summary>
    /// <param name="description">What is wrong and how to mend it.</param>
    /// <returns>The error.</returns>
    public static OAuthError InvalidGrant(string description) => new("invalid_grant", description);

    /// <summary>The client is unknown or did not authenticate as registered.</summary>
    /// <param name="description">What is wrong and how to mend it.</param>
    /// <returns>The error.</returns>
    public static OAuthError InvalidClient(string description) => new("invalid_client", description);

    /// <summary>The client may not use this grant or response type.</summary>
    /// <param name="description">What is wrong and how to mend it.</param>
    /// <returns>The error.</returns>
    public static OAuthError UnauthorizedClient(string description) => new("unauthorized_client", description);

    /// <summary>The server has no such grant.</summary>
    /// <param name="description">What is wrong and how to mend it.</param>
    /// <returns>The error.</returns>
    public static OAuthError UnsupportedGrantType(string description) => new("unsupported_grant_type", description);

    /// <summary>The server gives no such answer at the authorization endpoint.</summary>
    /// <param name="description">What is wrong and how to mend it.</param>
    /// <returns>The error.</returns>
    public static OAuthError UnsupportedResponseType(string description) => new("unsupported_response_type", description);

    /// <summary>The scope is malformed, unknown, or wider than what was granted.</summary>
    /// <param name="description">What is wrong and how to mend it.</param>
    /// <returns>The error.</returns>
    public static OAuthError InvalidScope(string description) => new("invalid_scope", description);

    /// <summary>The person said no.</summary>
    /// <param name="description">What happened.</param>
    /// <returns>The error.</returns>
    public static OAuthError AccessDenied(string description) => new("access_denied", description);

    /// <summary>The access token is not good (RFC 6750 section 3.1).</summary>
    /// <param name="description">What is wrong and how to mend it.</param>
    /// <returns>The error.</returns>
    public static OAuthError InvalidToken(string description) => new("invalid_token", description);

    /// <summary>The proof of possession is not good (RFC 9449 section 5 and section 7.1).</summary>
    /// <param name="description">What is wrong and how to mend it.</param>
    /// <returns>The error.</returns>
    public static OAuthError InvalidDpopProof(string description) => new("invalid_dpop_proof", description);

    /// <summary>The proof of possession needs the nonce that comes with the answer (RFC 9449 section 8 and section 9).</summary>
    /// <param name="description">What to do.</param>
    /// <returns>The error.</returns>
    public static OAuthError UseDpopNonce(string description) => new("use_dpop_nonce", description);

    /// <summary>The server cannot answer now and the request may be repeated.</summary>
    /// <param name="description">What is wrong and when to try again.</param>
    /// <returns>The error.</returns>
    public static OAuthError TemporarilyUnavailable(string description) => new("temporarily_unavailable", description);
}
