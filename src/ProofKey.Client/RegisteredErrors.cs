using System.Collections.Frozen;

namespace ProofKey.Client;

/// <summary>The error codes that specifications have; any other is a server's own text, which has no place where a stable word is promised.</summary>
internal static class RegisteredErrors
{
    private static readonly FrozenSet<string> Codes =
    [
        // RFC 6749 section 4.1.2.1 and section 5.2
        "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "access_denied", "unsupported_response_type", "server_error", "temporarily_unavailable",
        // OpenID Connect Core section 3.1.2.6, and its addition for acr values that cannot be met
        "interaction_required", "login_required", "account_selection_required", "consent_required", "invalid_request_uri", "invalid_request_object", "request_not_supported", "request_uri_not_supported",
        "registration_not_supported", "unmet_authentication_requirements",
        // Of devices, resources, authorization details and proofs
        "authorization_pending", "slow_down", "expired_token", "invalid_target", "invalid_authorization_details", "invalid_dpop_proof", "use_dpop_nonce",
    ];

    // OpenID Connect Core section 3.1.2.6 has them for the authorization endpoint; servers answer them to a renewal too, where something about the sign-in has changed.
    private static readonly FrozenSet<string> ForThePerson = ["interaction_required", "login_required", "account_selection_required", "consent_required"];

    /// <summary>The code, if a specification has it; otherwise <c>refused</c>.</summary>
    public static string Stable(string code) => Codes.Contains(code) ? code : "refused";

    /// <summary>Whether a server that says so goes on once it has seen the person.</summary>
    public static bool AskForThePerson(string code) => ForThePerson.Contains(code);
}
