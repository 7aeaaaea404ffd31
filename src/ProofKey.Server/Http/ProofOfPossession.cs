using Microsoft.AspNetCore.Http;
using ProofKey.Jose;
using ProofKey.Server.Protocol;

namespace ProofKey.Server.Http;

/// <summary>The proof of a request (RFC 9449): checked against the address that the settings give, never against what the request says of itself.</summary>
internal sealed class ProofOfPossession(DpopNonces nonces, ServerOptions options)
{
    private static readonly OAuthError Replayed = OAuthError.InvalidDpopProof("The DPoP proof was used before; make a new one for each request.");

    private static readonly OAuthError MemoryIsFull = OAuthError.TemporarilyUnavailable("Too many DPoP proofs have to be remembered right now, of this account or in all; try again in a minute.");

    private readonly UsedProofs _used = new(options.ProofPlaces.InAll, options.ProofPlaces.OfOneHolder);

    // Of their own: whoever fills it up makes nobody's refresh fail.
    private readonly UsedProofs _usedByAnyone = new(options.ProofPlaces.OfAnyone);

    /// <summary>The algorithms of proofs that are accepted.</summary>
    public static IReadOnlyList<SignatureAlgorithm> Algorithms => SignatureAlgorithm.All;

    /// <summary>Whether a request has a proof at all.</summary>
    public static bool IsIn(HttpContext context) => context.Request.Headers.ContainsKey(Dpop.HeaderName);

    /// <summary>Checks the proof of a request. The answer gets a fresh nonce where the client needs one.</summary>
    /// <param name="context">The request.</param>
    /// <param name="path">The endpoint's path below the issuer.</param>
    /// <param name="now">The time.</param>
    /// <param name="accessToken">The access token that came along, where the endpoint takes one.</param>
    /// <param name="thumbprint">The key that this token is bound to.</param>
    public DpopResult Check(HttpContext context, string path, DateTimeOffset now, string? accessToken = null, string? thumbprint = null)
    {
        var result = DpopProof.Check(context.Request.Headers[Dpop.HeaderName], new DpopExpectations
        {
            Method = context.Request.Method,
            Address = options.Issuer.Endpoint(path),
            Algorithms = Algorithms,
            AccessToken = accessToken,
            Thumbprint = thumbprint,
            NonceEnd = nonce => nonces.EndOf(nonce, now),
        }, now);
        // RFC 9449 section 8 and section 8.2: with the refusal, and with any answer to whoever used the older one
        if (result.Error?.Code == "use_dpop_nonce" || (result.Proof?.Nonce is { } nonce && nonces.IsOlder(nonce, now))) context.Response.Headers[Dpop.NonceHeaderName] = nonces.At(now);
        return result;
    }

    /// <summary>
    /// Uses up a checked proof that came with a good code or token (RFC 9449 section 11.1). Asked last, when all else is good, so that strangers
    /// cannot fill the memory; and whoever has an account fills no more than a share of it.
    /// </summary>
    /// <param name="proof">The proof.</param>
    /// <param name="holder">The subject of the code or token.</param>
    /// <param name="now">The time.</param>
    /// <returns>Why it cannot be used, or <see langword="null"/>.</returns>
    public OAuthError? Use(DpopProof proof, string holder, DateTimeOffset now) => Problem(_used.Use(proof, now, holder));

    /// <summary>
    /// The same for a proof with which anybody may come, and that is worth nothing when it is repeated. So a memory that strangers have filled
    /// stops nobody.
    /// </summary>
    /// <returns>Why it cannot be used, or <see langword="null"/>.</returns>
    public OAuthError? UseByAnyone(DpopProof proof, DateTimeOffset now) => _usedByAnyone.Use(proof, now) == ProofUse.Replayed ? Replayed : null;

    private static OAuthError? Problem(ProofUse use) => use switch
    {
        ProofUse.First => null,
        ProofUse.Replayed => Replayed,
        _ => MemoryIsFull,
    };
}

/// <summary>How many used proofs one process remembers.</summary>
/// <param name="InAll">Of those that came with a good code or token.</param>
/// <param name="OfOneHolder">Of these, for one account or client: eight a second over twenty minutes.</param>
/// <param name="OfAnyone">Of those with which anybody may come.</param>
internal sealed record ProofPlaces(int InAll = UsedProofs.DefaultCapacity, int OfOneHolder = 10_000, int OfAnyone = 100_000);
