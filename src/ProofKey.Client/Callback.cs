using System.Diagnostics.CodeAnalysis;

namespace ProofKey.Client;

/// <summary>
/// An answer of the authorization endpoint that carries our state: only <see cref="TryMatch"/> makes one, so nothing else can end a
/// sign-in (RFC 6749 section 10.12).
/// </summary>
internal sealed class Callback
{
    private readonly Parameters _parameters;

    private Callback(Parameters parameters) => _parameters = parameters;

    /// <summary>Whether parameters carry our state, once.</summary>
    public static bool TryMatch(Parameters parameters, AuthorizationRequest request, [NotNullWhen(true)] out Callback? callback)
    {
        var matches = parameters["state"] is { } state && !parameters.IsDuplicated("state") && request.HasState(state);
        callback = matches ? new Callback(parameters) : null;
        return matches;
    }

    /// <summary>The code, or the refusal (RFC 6749 section 4.1.2).</summary>
    /// <exception cref="ProtocolViolationException">The answer is against the protocol.</exception>
    public (string? Code, OAuthError? Error) Read(Issuer issuer, bool serverNamesItself)
    {
        // RFC 6749 section 3.1: no parameter comes twice
        if (_parameters.Duplicate() is not null) throw Violation("callback_duplicate", "each parameter once", "one came twice");
        CheckIssuer(issuer, serverNamesItself);
        var (code, error) = (_parameters["code"], _parameters["error"]);
        if (code is not null && error is not null) throw Violation("callback_code_and_error", "a code or an error", "both came");
        if (error is not null) return (null, ServerText.Error(error, _parameters["error_description"], _parameters["state"]));
        // RFC 6749 appendix A.11: visible ASCII and space
        if (code is null || code.AsSpan().ContainsAnyExceptInRange(' ', '~')) throw Violation("callback_without_code", "a code or an error", "neither came");
        return (code, null);
    }

    public override string ToString() => nameof(Callback);

    // RFC 9207 section 2.4: compared to the character, in errors too, and never missing where the metadata promises it
    private void CheckIssuer(Issuer issuer, bool promised)
    {
        var named = _parameters["iss"];
        if (named is null && promised) throw Violation("issuer_missing", $"an answer that names its issuer {issuer}", "it names none although the metadata promises it");
        if (named is not null && named != issuer.Value) throw Violation("issuer_mismatch", $"an answer of {issuer}", $"it names {ServerText.Shown(named, _parameters["state"], _parameters["code"])}");
    }

    private static ProtocolViolationException Violation(string code, string expected, string actual) =>
        new(code, expected, actual, "Do not go on: sign in again, and if it happens again, tell whoever runs the server.");
}
