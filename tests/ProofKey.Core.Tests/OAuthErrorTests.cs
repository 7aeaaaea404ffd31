namespace ProofKey.Core.Tests;

/// <summary>What a client may read of a refusal.</summary>
[Rfc("RFC 6749", "5.2")]
public sealed class OAuthErrorTests
{
    [Fact]
    [Rfc("RFC 6749", "4.1.2.1")]
    public void Each_error_has_its_registered_code()
    {
        OAuthError[] errors =
        [
            OAuthError.InvalidRequest("x"), OAuthError.InvalidGrant("x"), OAuthError.InvalidClient("x"), OAuthError.UnauthorizedClient("x"),
            OAuthError.UnsupportedGrantType("x"), OAuthError.UnsupportedResponseType("x"), OAuthError.InvalidScope("x"), OAuthError.AccessDenied("x"),
            OAuthError.InvalidToken("x"), OAuthError.TemporarilyUnavailable("x"),
        ];
        errors.Select(error => error.Code).ShouldBe(
        [
            "invalid_request", "invalid_grant", "invalid_client", "unauthorized_client", "unsupported_grant_type", "unsupported_response_type",
            "invalid_scope", "access_denied", "invalid_token", "temporarily_unavailable",
        ]);
        errors.ShouldAllBe(error => error.Description == "x");
    }

    [Fact]
    public void A_description_is_printable_ascii_without_quotes_and_backslashes()
    {
        for (var code = 0; code < 0x300; code++)
        {
            var description = $"a{(char)code}b";
            if (code is >= 0x20 and <= 0x7E and not '"' and not '\\') OAuthError.InvalidRequest(description).Description.ShouldBe(description);
            else Should.Throw<ArgumentException>(() => OAuthError.InvalidRequest(description));
        }
    }
}
