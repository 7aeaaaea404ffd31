using System.Text;
using Microsoft.Extensions.Primitives;

namespace ProofKey.Server.Protocol;

/// <summary>How a client says that it is who it says it is.</summary>
internal enum ClientProof
{
    /// <summary>By its id alone: a public client.</summary>
    None,

    /// <summary>By a secret, in the header or in the body.</summary>
    Secret,

    /// <summary>By a token that it signed.</summary>
    Assertion,
}

/// <summary>Who a request says it comes from (RFC 6749 section 2.3): one client, in one way. Nothing of it is proved yet.</summary>
/// <param name="Id">The client's id.</param>
/// <param name="Proof">The way.</param>
/// <param name="Text">The secret or the assertion; <see langword="null"/> where there is none.</param>
internal sealed record ClientClaim(string Id, ClientProof Proof, string? Text)
{
    /// <summary>What <c>client_assertion_type</c> must say (RFC 7523 section 2.2).</summary>
    public const string AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

    /// <summary>Reads the claim of a request.</summary>
    /// <param name="authorization">Its Authorization header.</param>
    /// <param name="form">Its form.</param>
    /// <returns>The claim, or why the request makes none.</returns>
    public static (ClientClaim? Claim, Refusal? Problem) Read(StringValues authorization, Parameters form)
    {
        var isAssertion = form["client_assertion"] is not null || form["client_assertion_type"] is not null;
        if (authorization.Count > 0) return FromHeader(authorization, form, isAssertion);
        // RFC 6749 section 2.3: one way in a request, and not two
        if (isAssertion) return form["client_secret"] is null ? FromAssertion(form) : (null, TwoWays);
        if (form["client_id"] is not { } id) return (null, OAuthError.InvalidRequest("The request must name the client in client_id."));
        // An empty secret is none: some libraries send one for a public client.
        return (new(id, form["client_secret"] is null ? ClientProof.None : ClientProof.Secret, form["client_secret"]), null);
    }

    /// <summary>Names the client alone: a secret never reaches a log by being printed.</summary>
    public override string ToString() => Id;

    private static Refusal TwoWays { get; } = OAuthError.InvalidRequest("Authenticate in one way only: by the Authorization header, by a secret in the body, or by an assertion.")!;

    private static (ClientClaim?, Refusal?) FromHeader(StringValues authorization, Parameters form, bool isAssertion)
    {
        if (authorization.Count > 1 || Basic(authorization[0]) is not { } basic)
            return (null, new Refusal(OAuthError.InvalidClient("The Authorization header must be Basic, with id and secret form-encoded and joined by a colon."), "The Authorization header is malformed."));
        var isTwice = isAssertion || form["client_secret"] is not null || (form["client_id"] is { } other && other != basic.Id);
        return isTwice ? (null, TwoWays) : (basic, null);
    }

    private static (ClientClaim?, Refusal?) FromAssertion(Parameters form)
    {
        if (form["client_assertion"] is not { } assertion) return (null, OAuthError.InvalidRequest("The request has a client_assertion_type and no client_assertion."));
        // RFC 7521 section 4.2
        if (form["client_assertion_type"] != AssertionType) return (null, OAuthError.InvalidClient($"The client_assertion_type must be {AssertionType}."));
        if (ClientAssertion.ClaimedSubject(assertion) is not { } subject)
            return (null, new Refusal(ClientAssertion.NotGood, "The assertion is no signed token with a sub."));
        // RFC 7521 section 4.2: client_id may be left out, and names the same client where it is sent
        return form["client_id"] is { } id && id != subject ? (null, TwoWays) : (new(subject, ClientProof.Assertion, assertion), null);
    }

    // RFC 6749 section 2.3.1: both parts are form-encoded before they are joined. Ids and secrets are made here, of letters that the encoding
    // leaves alone, so a client that does not encode means the same; and nothing can be read in two ways, since what is not the encoding is refused.
    private static ClientClaim? Basic(string? header)
    {
        if (header is null || header.Length > 2000 || !header.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase)) return null;
        Span<byte> bytes = stackalloc byte[2000];
        if (!Convert.TryFromBase64String(header["Basic ".Length..].Trim(), bytes, out var length)) return null;
        var pair = Encoding.Latin1.GetString(bytes[..length]);
        var colon = pair.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0 || pair.AsSpan().ContainsAny('&', '=')) return null;
        if (!Parameters.TryParse($"id={pair[..colon]}&secret={pair[(colon + 1)..]}", out var parts, out _) || parts["id"] is not { } id) return null;
        return new ClientClaim(id, parts["secret"] is null ? ClientProof.None : ClientProof.Secret, parts["secret"]);
    }
}
