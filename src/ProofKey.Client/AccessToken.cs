using System.Net.Http.Headers;
using ProofKey.Jose;

namespace ProofKey.Client;

/// <summary>An access token. It prints as <c>[access_token]</c>; the one way to its value is <see cref="Reveal"/>.</summary>
public sealed class AccessToken
{
    private readonly string _value;
    private readonly string? _dpopKey;

    internal AccessToken(string value, DateTimeOffset expiresAt, string? dpopKey)
    {
        _value = value;
        _dpopKey = dpopKey;
        ExpiresAt = expiresAt;
    }

    /// <summary>When it ends, by this machine's clock.</summary>
    public DateTimeOffset ExpiresAt { get; }

    /// <summary>
    /// The scheme in which it is sent: <c>Bearer</c>, or <c>DPoP</c> for one that is bound to the session's key (RFC 9449 section 7.1) and worth nothing without a
    /// proof by it, which the HTTP clients of the session add.
    /// </summary>
    public string Type => IsBound ? Dpop.Scheme : "Bearer";

    /// <summary>The token itself, for an <c>Authorization</c> header to its API, in the scheme <see cref="Type"/>, and nowhere else.</summary>
    /// <returns>Visible ASCII.</returns>
    public string Reveal() => _value;

    /// <inheritdoc />
    public override string ToString() => "[access_token]";

    internal bool IsBound => _dpopKey is not null;

    /// <summary>Puts it on a request: the one place where scheme and proof are chosen, so that neither ever goes with the wrong kind of token.</summary>
    internal void ApplyTo(HttpRequestMessage request, Proofs proofs)
    {
        request.Headers.Authorization = new AuthenticationHeaderValue(Type, _value);
        request.Headers.Remove(Dpop.HeaderName);
        if (_dpopKey is not null) request.Headers.Add(Dpop.HeaderName, proofs.Make(_dpopKey, request.Method, request.RequestUri!, _value));
    }
}
