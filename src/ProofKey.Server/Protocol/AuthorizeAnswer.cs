namespace ProofKey.Server.Protocol;

/// <summary>The parameters of an authorization answer. Each one names the issuer, errors too (RFC 9207 section 2).</summary>
internal static class AuthorizeAnswer
{
    // RFC 6749 section 4.1.2
    public static Parameters Code(AuthorizeRequest request, string code, Issuer issuer) => Finish(Parameters.Of(new KeyValuePair<string, string>("code", code)), request, issuer);

    // RFC 6749 section 4.1.2.1
    public static Parameters Error(AuthorizeRequest request, OAuthError error, Issuer issuer) =>
        Finish(Parameters.Of(new("error", error.Code), new("error_description", error.Description)), request, issuer);

    private static Parameters Finish(Parameters answer, AuthorizeRequest request, Issuer issuer)
    {
        if (!request.Parameters.IsDuplicated("state") && request.Parameters["state"] is { } state) answer = answer.With("state", state);
        return answer.With("iss", issuer.Value);
    }
}
