using System.Globalization;
using System.Text;

namespace ProofKey.Jose;

/// <summary>
/// Proof of possession for access and refresh tokens (RFC 9449): the words that both ends use, and how a client makes a proof.
/// <see cref="DpopProof.Check"/> is the other end.
/// </summary>
public static class Dpop
{
    /// <summary>The request header that carries a proof.</summary>
    public const string HeaderName = "DPoP";

    /// <summary>The response header with which a server hands out a nonce (RFC 9449 section 8).</summary>
    public const string NonceHeaderName = "DPoP-Nonce";

    /// <summary>The authentication scheme of a bound access token, and its <c>token_type</c> (RFC 9449 section 5 and section 7.1).</summary>
    public const string Scheme = "DPoP";

    /// <summary>The <c>typ</c> of a proof.</summary>
    public const string Type = "dpop+jwt";

    /// <summary>Makes a proof for one request. Each try needs a new one: a server accepts each once.</summary>
    /// <param name="key">The client's key; its public half goes into the header.</param>
    /// <param name="method">The method of the request, such as <c>POST</c>.</param>
    /// <param name="address">The address of the request; query and fragment stay out.</param>
    /// <param name="now">The time.</param>
    /// <param name="nonce">The newest nonce of that server, if it gave one.</param>
    /// <param name="accessToken">The access token that goes with the request to an API; none at the token endpoint.</param>
    /// <returns>The value of the <c>DPoP</c> header.</returns>
    public static string Prove(SigningKey key, string method, Uri address, DateTimeOffset now, string? nonce = null, string? accessToken = null)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentException.ThrowIfNullOrEmpty(method);
        ArgumentNullException.ThrowIfNull(address);
        var scratch = JsonScratch.Take();
        var claims = scratch.Writer;
        claims.WriteStartObject();
        // RFC 9449 section 4.2
        claims.WriteString("jti"u8, Secret.NewText(16));
        claims.WriteString("htm"u8, method);
        claims.WriteString("htu"u8, AddressOf(address));
        claims.WriteNumber("iat"u8, now.ToUnixTimeSeconds());
        if (accessToken is not null) claims.WriteString("ath"u8, Base64UrlText.Encode(Secret.Digest(accessToken)));
        if (nonce is not null) claims.WriteString("nonce"u8, nonce);
        claims.WriteEndObject();
        claims.Flush();
        var proof = Jws.Sign(key, key.ProofHeader, scratch.Written);
        scratch.GiveBack();
        return proof;
    }

    // RFC 9449 section 4.3: it is compared with the address of the request, whose host is in ASCII
    private static string AddressOf(Uri address)
    {
        var text = address.GetLeftPart(UriPartial.Path);
        return Ascii.IsValid(text) ? text : $"{address.Scheme}://{address.IdnHost}{(address.IsDefaultPort ? "" : string.Create(CultureInfo.InvariantCulture, $":{address.Port}"))}{address.AbsolutePath}";
    }
}
