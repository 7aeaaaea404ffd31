using System.Text.Json;

namespace ProofKey.Core.Tests;

/// <summary>The JSON of answers and metadata.</summary>
public sealed class WireTests
{
    [Fact]
    [Rfc("RFC 6749", "5.1")]
    public void A_token_response_is_written_in_snake_case_without_absent_members()
    {
        JsonSerializer.Serialize(new TokenResponse { AccessToken = "a", TokenType = "Bearer", ExpiresIn = 600 }, Wire.Default.TokenResponse)
            .ShouldBe("""{"access_token":"a","token_type":"Bearer","expires_in":600}""");
        JsonSerializer.Serialize(new TokenResponse { AccessToken = "a", TokenType = "Bearer", RefreshToken = "r", Scope = "openid", IdToken = "i" }, Wire.Default.TokenResponse)
            .ShouldBe("""{"access_token":"a","token_type":"Bearer","refresh_token":"r","scope":"openid","id_token":"i"}""");
    }

    [Fact]
    [Rfc("RFC 6749", "5.2")]
    public void An_error_is_written_without_absent_members() =>
        JsonSerializer.Serialize(new ErrorResponse { Error = "invalid_grant" }, Wire.Default.ErrorResponse).ShouldBe("""{"error":"invalid_grant"}""");

    [Theory]
    [InlineData("""{"access_token":"a"}""")]
    [InlineData("""{"token_type":"Bearer"}""")]
    [InlineData("""{"access_token":null,"token_type":"Bearer"}""")]
    [InlineData("""{"access_token":1,"token_type":"Bearer"}""")]
    [InlineData("""{"access_token":"a","access_token":"b","token_type":"Bearer"}""")]
    [InlineData("""{"access_token":"a","acc\u0065ss_token":"b","token_type":"Bearer"}""")]
    [InlineData("""{"access_token":"a","token_type":"Bearer","expires_in":1e30}""")]
    [InlineData("""["access_token"]""")]
    [InlineData("""{"access_token":"a","token_type":"Bearer"} x""")]
    [InlineData("")]
    public void A_malformed_token_response_is_refused(string json) => Should.Throw<JsonException>(() => JsonSerializer.Deserialize(json, Wire.Default.TokenResponse));

    [Fact]
    [Assertion("MD-12")]
    public void Members_that_we_do_not_know_are_ignored_up_to_a_depth()
    {
        string Nested(int depth) => $$"""{"access_token":"a","token_type":"Bearer","x":{{new string('[', depth)}}{{new string(']', depth)}}}""";
        JsonSerializer.Deserialize(Nested(10), Wire.Default.TokenResponse)!.AccessToken.ShouldBe("a");
        Should.Throw<JsonException>(() => JsonSerializer.Deserialize(Nested(16), Wire.Default.TokenResponse));
        Should.Throw<JsonException>(() => JsonSerializer.Deserialize(Nested(100_000), Wire.Default.TokenResponse));
    }

    [Fact]
    public void A_token_response_prints_without_its_tokens() =>
        new TokenResponse { AccessToken = "secret", TokenType = "Bearer", RefreshToken = "secret" }.ToString().ShouldBe("TokenResponse");

    [Fact]
    [Rfc("RFC 8414", "2")]
    [Rfc("OpenID Connect Discovery", "3")]
    public void Metadata_has_the_registered_names()
    {
        string[] one = ["x"];
        var metadata = new ServerMetadata
        {
            Issuer = "x",
            AuthorizationEndpoint = "x",
            TokenEndpoint = "x",
            JwksUri = "x",
            UserinfoEndpoint = "x",
            RevocationEndpoint = "x",
            ScopesSupported = one,
            ResponseTypesSupported = one,
            ResponseModesSupported = one,
            GrantTypesSupported = one,
            CodeChallengeMethodsSupported = one,
            TokenEndpointAuthMethodsSupported = one,
            RevocationEndpointAuthMethodsSupported = one,
            SubjectTypesSupported = one,
            IdTokenSigningAlgorithmsSupported = one,
            DpopSigningAlgorithmsSupported = one,
            ClaimsSupported = one,
            PromptValuesSupported = one,
            AuthorizationResponseIssuerParameterSupported = true,
            ClaimsParameterSupported = true,
            RequestParameterSupported = true,
            RequestUriParameterSupported = true,
        };

        JsonSerializer.SerializeToElement(metadata, Wire.Default.ServerMetadata).EnumerateObject().Select(member => member.Name).ShouldBe(
            [
                "issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "revocation_endpoint", "scopes_supported", "response_types_supported",
                "response_modes_supported", "grant_types_supported", "code_challenge_methods_supported", "token_endpoint_auth_methods_supported",
                "revocation_endpoint_auth_methods_supported", "subject_types_supported", "id_token_signing_alg_values_supported", "dpop_signing_alg_values_supported", "claims_supported", "prompt_values_supported",
                "authorization_response_iss_parameter_supported", "claims_parameter_supported", "request_parameter_supported", "request_uri_parameter_supported",
            ],
            ignoreOrder: true);
        JsonSerializer.Serialize(new ServerMetadata { Issuer = "x" }, Wire.Default.ServerMetadata).ShouldBe("""{"issuer":"x"}""");
    }
}
