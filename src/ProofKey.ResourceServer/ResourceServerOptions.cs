using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using ProofKey.Jose;

namespace ProofKey.ResourceServer;

/// <summary>What an API accepts, and where it finds the keys. All problems are listed at once when the app starts.</summary>
public sealed class ResourceServerOptions : AuthenticationSchemeOptions
{
    /// <summary>The name of the authentication scheme.</summary>
    public const string SchemeName = "Bearer";

    /// <summary>The most that the clocks of issuer and API may differ; also the default.</summary>
    public static readonly TimeSpan MaxClockSkew = TimeSpan.FromSeconds(60);

    /// <summary>The authorization server whose tokens are accepted, compared to the character.</summary>
    public Issuer Issuer { get; internal set; } = null!;

    /// <summary>The name of this API: a token is accepted when its <c>aud</c> holds exactly this text (RFC 9068 section 4).</summary>
    public string Audience { get; internal set; } = "";

    /// <summary>
    /// Where the issuer's metadata is, when the API reaches the issuer under another address than its clients do; https, or http on a loopback
    /// host. The <c>issuer</c> in it must be <see cref="Issuer"/> all the same. Default: the two well-known addresses of the issuer
    /// (RFC 8414 section 3.1, OpenID Connect Discovery section 4), in this order.
    /// </summary>
    public Uri? MetadataAddress { get; set; }

    /// <summary>
    /// Carries the requests for metadata and keys, for a proxy or a private certificate authority. Its owner disposes of it; an answer that
    /// followed a redirect is not accepted. Default: a handler of our own.
    /// </summary>
    public HttpMessageHandler? BackchannelHttpHandler { get; set; }

    /// <summary>How long after its <c>exp</c> and before its <c>nbf</c> a token is still accepted: 0 to 60 seconds, by default 60.</summary>
    public TimeSpan ClockSkew { get; set; } = MaxClockSkew;

    /// <summary>
    /// Whether only tokens that are bound to a key (DPoP, RFC 9449) are accepted. Default: bearer tokens are too. A bound token needs its proof
    /// in any case.
    /// </summary>
    public bool RequireDpop { get; set; }

    /// <summary>
    /// How clients address this API, with a path where a proxy takes one away: what a proof of possession names (RFC 9449 section 4.3). Default:
    /// scheme and host of the request, which is right without a proxy, and with one whose forwarded headers the app reads.
    /// </summary>
    public Uri? PublicAddress { get; set; }

    internal JwtExpectations Expectations => field ??= new()
    {
        Issuer = Issuer.Value,
        Audience = Audience,
        Types = ["at+jwt"],
        ClockSkew = ClockSkew,
    };

    /// <summary>Checks the options.</summary>
    /// <param name="scheme">The name of the scheme.</param>
    /// <exception cref="OptionsValidationException">Something is wrong; the message lists everything that is.</exception>
    public override void Validate(string scheme)
    {
        base.Validate(scheme);
        var problems = Problems().ToList();
        if (problems.Count > 0) throw new OptionsValidationException(scheme, typeof(ResourceServerOptions), problems);
    }

    private IEnumerable<string> Problems()
    {
        // The audience is also the realm of the challenge, between quotes (RFC 6750 section 3).
        if (Audience.Length == 0 || Audience.AsSpan().ContainsAnyExceptInRange('!', '~') || Audience.AsSpan().ContainsAny('"', '\\'))
            yield return "Audience is what the issuer writes into aud, such as https://api.example.com/: printable ASCII without spaces, quotes and backslashes.";
        if (MetadataAddress is { } address && !(address.IsAbsoluteUri && Issuer.IsHttpsOrLoopback(address)))
            yield return "MetadataAddress must be an absolute https address; http is allowed on a loopback host only.";
        if (PublicAddress is { } own && !(own.IsAbsoluteUri && own.Scheme is "https" or "http" && own.Query.Length + own.Fragment.Length + own.UserInfo.Length == 0))
            yield return "PublicAddress must be an absolute https or http address without query and fragment, such as https://api.example.com.";
        if (ClockSkew < TimeSpan.Zero || ClockSkew > MaxClockSkew)
            yield return "ClockSkew must be between 0 and 60 seconds: a longer one keeps expired tokens alive.";
    }
}
