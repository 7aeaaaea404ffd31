using System.Text.Json;

namespace ProofKey.Jose;

/// <summary>
/// A proof that passed every check (RFC 9449 section 4.3) but the one that needs a memory: whether it was used before, which
/// <see cref="UsedProofs"/> knows. There is no other way to get one than <see cref="Check"/>.
/// </summary>
public sealed class DpopProof
{
    /// <summary>The most characters of a proof.</summary>
    public const int MaxLength = 4096;

    /// <summary>The most characters of a proof's id (<c>jti</c>).</summary>
    public const int MaxIdLength = 256;

    /// <summary>The most bits of an RSA key that makes proofs.</summary>
    public const int MaxRsaBits = 4096;

    /// <summary>How long after its <c>iat</c> a proof without a nonce is accepted.</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(60);

    /// <summary>How far in the future the <c>iat</c> of a proof without a nonce may be.</summary>
    public static readonly TimeSpan MaxLead = TimeSpan.FromSeconds(10);

    /// <summary>How far the <c>iat</c> of a proof with a good nonce may be from now: the nonce says how old it is, so only nonsense is refused.</summary>
    public static readonly TimeSpan MaxDrift = TimeSpan.FromMinutes(30);

    private const int MaxDepth = 8;

    private static readonly string[] Types = [Dpop.Type];

    // The order is the policy: nothing of the payload is believed before the signature, and a nonce is asked for only of who did all else right.
    private static readonly IReadOnlyList<Rule> Rules =
    [
        new("one header", OneHeader),
        new("a well-formed JWT", WellFormed),
        new("of type dpop+jwt", OfItsType),
        new("an allowed algorithm", AllowedAlgorithm),
        new("a public key", PublicKey),
        new("signed with that key", SignedWithItsKey),
        new("all claims", AllClaims),
        new("for this method", ForThisMethod),
        new("for this address", ForThisAddress),
        new("for this access token", ForThisToken),
        new("by the key of the token", ByTheKeyOfTheToken),
        new("made now", MadeNow),
        new("with a good nonce", WithGoodNonce),
    ];

    private DpopProof(Draft draft)
    {
        Thumbprint = draft.Key.Thumbprint();
        Id = draft.Id;
        Address = draft.Expected.Address;
        Nonce = draft.Nonce;
        GoodUntil = draft.GoodUntil;
    }

    /// <summary>The thumbprint (RFC 7638) of the key that made the proof: 43 characters of base64url, as in <c>cnf.jkt</c>.</summary>
    public string Thumbprint { get; }

    /// <summary>The proof's id (<c>jti</c>), 1 to <see cref="MaxIdLength"/> characters.</summary>
    public string Id { get; }

    /// <summary>The address that it is for, as the server knows it.</summary>
    public string Address { get; }

    /// <summary>The nonce in it.</summary>
    public string? Nonce { get; }

    /// <summary>Until when the same proof would pass these checks again: so long its id must be remembered.</summary>
    public DateTimeOffset GoodUntil { get; }

    /// <summary>Checks the proof of a request.</summary>
    /// <param name="headers">All values of the request's <c>DPoP</c> header.</param>
    /// <param name="expected">The request, and what is asked of it.</param>
    /// <param name="now">The time to compare with.</param>
    /// <returns>The proof, or the first check that failed.</returns>
    public static DpopResult Check(IReadOnlyList<string?> headers, DpopExpectations expected, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(headers);
        ArgumentNullException.ThrowIfNull(expected);
        using var draft = new Draft(headers, expected, now);
        foreach (var rule in Rules)
            if (rule.Check(draft) is { } error) return new(error);
        return new(new DpopProof(draft));
    }

    /// <summary>Names the type alone: a proof never reaches a log by being printed.</summary>
    /// <returns>A fixed text.</returns>
    public override string ToString() => nameof(DpopProof);

    // RFC 9449 section 4.3, check 1
    private static OAuthError? OneHeader(Draft draft) => draft.Headers.Count == 1
        ? null
        : OAuthError.InvalidDpopProof("The request must have exactly one DPoP header.");

    // RFC 9449 section 4.3, check 2
    private static OAuthError? WellFormed(Draft draft)
    {
        // Its length before anything else: who sends much must not make us work much (RFC 8725 section 3.3).
        if (draft.Headers[0] is { Length: > MaxLength }) return OAuthError.InvalidDpopProof("The DPoP proof has more than 4096 characters.");
        if (!Jws.TryRead(draft.Headers[0], out var jws, out _)) return OAuthError.InvalidDpopProof("The DPoP header must be one signed JWT in compact form, with alg, typ and jwk in its header.");
        draft.Jws = jws;
        return null;
    }

    // RFC 9449 section 4.3, check 4
    private static OAuthError? OfItsType(Draft draft) => MediaType.IsOneOf(draft.Jws.Type, Types)
        ? null
        : OAuthError.InvalidDpopProof("The typ of a DPoP proof must be dpop+jwt.");

    // RFC 9449 section 4.3, check 5
    private static OAuthError? AllowedAlgorithm(Draft draft) =>
        SignatureAlgorithm.TryParse(draft.Jws.AlgorithmName, out var algorithm) && draft.Expected.Algorithms.Contains(algorithm)
            ? null
            : OAuthError.InvalidDpopProof($"The alg of a DPoP proof must be one of {string.Join(", ", draft.Expected.Algorithms.Select(allowed => allowed.Name))}.");

    // RFC 9449 section 4.3, check 7
    private static OAuthError? PublicKey(Draft draft)
    {
        if (!draft.Jws.Header.TryGetProperty("jwk", out var json)) return OAuthError.InvalidDpopProof("A DPoP proof must have the public key in the jwk of its header.");
        if (!Jwk.TryParse(json, out var key, out var problem)) return OAuthError.InvalidDpopProof($"The jwk of the DPoP proof is not used. {problem}");
        draft.Key = key;
        // Anybody may send a key, and a longer one costs us more than the sender.
        return key.RsaBits > MaxRsaBits ? OAuthError.InvalidDpopProof("The RSA key of a DPoP proof must have at most 4096 bits.") : null;
    }

    // RFC 9449 section 4.3, check 6
    private static OAuthError? SignedWithItsKey(Draft draft)
    {
        if (draft.Jws.VerifyWith(draft.Key) is not { } payload) return OAuthError.InvalidDpopProof("The signature of the DPoP proof is not by the key in its jwk.");
        draft.Payload = payload;
        return null;
    }

    // RFC 9449 section 4.3, check 3: jti, htm, htu and iat (section 4.2); unknown claims are tolerated
    private static OAuthError? AllClaims(Draft draft)
    {
        if (!StrictJson.TryParseObject(draft.Payload, MaxDepth, out var claims)) return OAuthError.InvalidDpopProof("The payload of the DPoP proof is not a JSON object without duplicate members.");
        draft.Claims = claims;
        if (!claims.TryText("jti", out var id) || id is not { Length: > 0 and <= MaxIdLength }) return OAuthError.InvalidDpopProof("The jti of a DPoP proof must be a text of 1 to 256 characters, new for each request.");
        if (!RegisteredClaims.TryTime(claims, "iat", out var issuedAt) || issuedAt is null) return OAuthError.InvalidDpopProof("The iat of a DPoP proof must be the time in seconds since 1970.");
        if (!claims.TryText("nonce", out var nonce)) return OAuthError.InvalidDpopProof("The nonce of a DPoP proof must be a text.");
        (draft.Id, draft.IssuedAt, draft.Nonce) = (id, issuedAt.Value, nonce);
        return null;
    }

    // RFC 9449 section 4.3, check 8: methods are case-sensitive (RFC 9110 section 9.1)
    private static OAuthError? ForThisMethod(Draft draft) => draft.Claims.TryText("htm", out var method) && method == draft.Expected.Method
        ? null
        : OAuthError.InvalidDpopProof("The htm of the DPoP proof must be the method of the request.");

    // RFC 9449 section 4.3, check 9
    private static OAuthError? ForThisAddress(Draft draft) => draft.Claims.TryText("htu", out var address) && HttpAddress.AreSame(address, draft.Expected.Address)
        ? null
        : OAuthError.InvalidDpopProof("The htu of the DPoP proof must be the address of the request, without query and fragment.");

    // RFC 9449 section 4.3, check 12, first half
    private static OAuthError? ForThisToken(Draft draft)
    {
        if (draft.Expected.AccessToken is not { } token) return null;
        return draft.Claims.TryText("ath", out var hash) && hash == Base64UrlText.Encode(Secret.Digest(token))
            ? null
            : OAuthError.InvalidDpopProof("The ath of the DPoP proof must be the base64url SHA-256 digest of the access token.");
    }

    // RFC 9449 section 4.3, check 12, second half
    private static OAuthError? ByTheKeyOfTheToken(Draft draft) => draft.Expected.Thumbprint is null || draft.Expected.Thumbprint == draft.Key.Thumbprint()
        ? null
        : OAuthError.InvalidToken("The access token is bound to another key than the one of the DPoP proof.");

    // RFC 9449 section 4.3, check 11: a nonce says how old a proof is, and does not depend on the client's clock
    private static OAuthError? MadeNow(Draft draft)
    {
        var hasNonce = draft.Expected.NonceEnd is not null;
        var (age, lead) = hasNonce ? (MaxDrift, MaxDrift) : (MaxAge, MaxLead);
        if (draft.Now - draft.IssuedAt >= age || draft.IssuedAt - draft.Now > lead) return OAuthError.InvalidDpopProof("The iat of the DPoP proof is too far from now; set the clock, and make a new proof for each request.");
        // RFC 7519 section 4.1.4 and section 4.1.5: a proof need not have them, but what they say holds.
        if (!RegisteredClaims.TryTime(draft.Claims, "exp", out var end) || draft.Now - end >= lead) return OAuthError.InvalidDpopProof("The DPoP proof has ended (exp).");
        if (!RegisteredClaims.TryTime(draft.Claims, "nbf", out var start) || start - draft.Now > lead) return OAuthError.InvalidDpopProof("The DPoP proof is not good yet (nbf).");
        draft.GoodUntil = draft.IssuedAt + age;
        return null;
    }

    // RFC 9449 section 4.3, check 10
    private static OAuthError? WithGoodNonce(Draft draft)
    {
        if (draft.Expected.NonceEnd is not { } endOf) return null;
        if (draft.Nonce is null || endOf(draft.Nonce) is not { } end) return OAuthError.UseDpopNonce("Make a new DPoP proof with the nonce of this answer's DPoP-Nonce header.");
        if (end < draft.GoodUntil) draft.GoodUntil = end;
        return null;
    }

    private sealed record Rule(string Name, Func<Draft, OAuthError?> Check);

    /// <summary>What the rules have found out so far.</summary>
    private sealed class Draft(IReadOnlyList<string?> headers, DpopExpectations expected, DateTimeOffset now) : IDisposable
    {
        private Jwk? _key;

        public IReadOnlyList<string?> Headers => headers;

        public DpopExpectations Expected => expected;

        public DateTimeOffset Now => now;

        public UnverifiedJws Jws { get; set; } = null!;

        public Jwk Key
        {
            get => _key!;
            set => _key = value;
        }

        public byte[] Payload { get; set; } = [];

        public JsonElement Claims { get; set; }

        public string Id { get; set; } = "";

        public DateTimeOffset IssuedAt { get; set; }

        public string? Nonce { get; set; }

        public DateTimeOffset GoodUntil { get; set; }

        // Each request brings a key of its own: its handle goes with it.
        public void Dispose() => _key?.Close();
    }
}
