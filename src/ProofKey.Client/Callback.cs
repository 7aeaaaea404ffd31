using System.Diagnostics.CodeAnalysis;
using ProofKey.Client.Providers;

namespace ProofKey.Client;

/// <summary>
/// An answer of the authorization endpoint that carries our state: only <see cref="TryMatch"/> makes one, so nothing else can end a
/// sign-in (RFC 6749 section 10.12).
/// </summary>
internal sealed class Callback
{
    private readonly Parameters _parameters;
    private readonly bool _wrongWay;
    private readonly string[] _secrets;

    private Callback(Parameters parameters, bool wrongWay, string[] secrets)
    {
        _parameters = parameters;
        _wrongWay = wrongWay;
        _secrets = secrets;
    }

    /// <summary>Whether parameters carry our state, once.</summary>
    /// <param name="parameters">What came.</param>
    /// <param name="request">What was asked.</param>
    /// <param name="byGet">Whether it came in an address, and not in a form.</param>
    /// <param name="callback">The answer.</param>
    public static bool TryMatch(Parameters parameters, AuthorizationRequest request, bool byGet, [NotNullWhen(true)] out Callback? callback)
    {
        var matches = parameters["state"] is { } state && !parameters.IsDuplicated("state") && request.HasState(state);
        callback = matches ? new Callback(parameters, byGet && request.Mode == ResponseMode.FormPost, request.Secrets) : null;
        return matches;
    }

    /// <summary>The issuer that it names, if it does; <see cref="Read"/> compares it.</summary>
    public string? Issuer => _parameters["iss"];

    /// <summary>The code, or the refusal (RFC 6749 section 4.1.2).</summary>
    /// <exception cref="ProtocolViolationException">The answer is against the protocol.</exception>
    public (string? Code, OAuthError? Error) Read(IssuerRule issuers, bool serverNamesItself)
    {
        // RFC 6749 section 3.1: no parameter comes twice
        if (_parameters.Duplicate() is not null) throw Violation("callback_duplicate", "each parameter once", "one came twice");
        CheckIssuer(issuers, serverNamesItself);
        var (code, error) = (_parameters["code"], _parameters["error"]);
        if (code is not null && error is not null) throw Violation("callback_code_and_error", "a code or an error", "both came");
        if (error is not null) return (null, ServerText.Error(error, _parameters["error_description"], _secrets));
        // An address with a code in it can be copied out of a browser, so who asked for a form takes none.
        if (code is not null && _wrongWay) throw ByGet();
        // RFC 6749 appendix A.11: visible ASCII and space
        if (code is null || code.AsSpan().ContainsAnyExceptInRange(' ', '~')) throw Violation("callback_without_code", "a code or an error", "neither came");
        return (code, null);
    }

    /// <summary>Whether the server itself says that it has no such response mode (RFC 6749 section 4.1.2.1).</summary>
    public bool RefusesResponseMode(IssuerRule issuers, bool serverNamesItself)
    {
        try
        {
            return Read(issuers, serverNamesItself).Error is { } error && IsAboutResponseMode(error);
        }
        catch (ProtocolViolationException)
        {
            return false;
        }
    }

    /// <summary>Whether a refusal is about the response mode.</summary>
    public static bool IsAboutResponseMode(OAuthError error) => error.Code == "invalid_request" && error.Description.Contains("response_mode", StringComparison.OrdinalIgnoreCase);

    public override string ToString() => nameof(Callback);

    // RFC 9207 section 2.4: compared to the character, in errors too, and never missing where the metadata promises it
    private void CheckIssuer(IssuerRule issuers, bool promised)
    {
        if (Issuer is null && promised) throw Violation("issuer_missing", $"an answer that names its issuer {issuers}", "it names none although the metadata promises it");
        if (Issuer is { } named && !issuers.Allows(named)) throw Violation("issuer_mismatch", $"an answer of {issuers}", $"it names {ServerText.Shown(named, [.. _secrets, _parameters["code"]])}");
    }

    internal static ProtocolViolationException ByGet() => new(
        "callback_by_get",
        "a code by POST, as was asked for with response_mode=form_post",
        "it came by GET, in an address",
        "If this server cannot post its answers, set ResponseMode.Query; to paste an address, begin with SignInRoad.Paste.");

    private static ProtocolViolationException Violation(string code, string expected, string actual) =>
        new(code, expected, actual, "Do not go on: sign in again, and if it happens again, tell whoever runs the server.");
}
