using System.Collections.Frozen;
using System.Diagnostics;

namespace ProofKey.Client;

/// <summary>Every code that this client gives a problem, and the page about it in this repository. A test holds codes and pages together.</summary>
internal static class ErrorPages
{
    private static readonly string[] SignIn =
        ["no_session", "session_ended", "renewal_interrupted", "signed_out", "timed_out", "user_denied", "refused", "no_browser", "no_port", "no_device_grant", "step_up", "insufficient_scope", "no_refresh_token"];

    private static readonly string[] Unavailable =
        ["timeout", "no_connection", "tls", "server_status", "no_metadata", "not_json", "server_error", "temporarily_unavailable"];

    private static readonly string[] Metadata =
    [
        "malformed_json", "redirect", "too_large", "malformed_metadata", "metadata_issuer", "pkce_not_advertised", "pkce_without_s256", "redirect_shared", "response_mode",
        "endpoint_address", "endpoint_missing", "malformed_keys", "dpop_not_advertised",
    ];

    private static readonly string[] Callbacks =
    [
        "callback_not_ours", "callback_by_get", "callback_duplicate", "callback_code_and_error", "callback_without_code", "issuer_missing", "issuer_mismatch",
    ];

    private static readonly string[] Tokens =
    [
        "malformed_token_answer", "malformed_refusal", "malformed_token", "malformed_scope", "token_type", "token_not_bound", "dpop_nonce", "pushed_answer", "expires_in", "device_answer", "no_userinfo", "userinfo", "userinfo_subject",
    ];

    private static readonly string[] Resources = ["no_resource_metadata", "resource_metadata", "resource_other", "resource_server", "resource_session"];

    private static readonly string[] IdTokens =
    [
        "id_token_missing", "id_token_malformed", "id_token_algorithm", "id_token_unknown_key", "id_token_signature", "id_token_type", "id_token_issuer", "id_token_audience",
        "id_token_expired", "id_token_not_yet_valid", "id_token_claim", "id_token_subject", "id_token_azp", "id_token_iat", "id_token_auth_time", "id_token_acr", "id_token_nonce", "id_token_at_hash",
    ];

    /// <summary>All of them.</summary>
    public static FrozenSet<string> Codes { get; } =
        [.. SignIn, .. Unavailable, .. Metadata, .. Callbacks, .. Tokens, .. Resources, .. IdTokens, .. Enum.GetValues<TokenStoreState>().Select(CodeOf)];

    /// <summary>The code of a state of the store.</summary>
    public static string CodeOf(TokenStoreState state) => state switch
    {
        TokenStoreState.WrongKey => "token_store_wrong_key",
        TokenStoreState.OtherBackend => "token_store_other_backend",
        TokenStoreState.OtherClient => "token_store_other_client",
        _ => $"token_store_{state.ToString().ToLowerInvariant()}",
    };

    /// <summary>The page of a code.</summary>
    public static string Of(string code)
    {
        Debug.Assert(Codes.Contains(code), $"The code {code} has no page.");
        return $"docs/errors/{code}.md";
    }
}
