using ProofKey.Server.Keys;

namespace ProofKey.Server.Protocol;

/// <summary>
/// What a code carries. It is sealed and not stored: issuing one writes nothing. It has at most 512 characters, and nobody but the
/// server can read it (RFC 7636 section 4.4).
/// </summary>
internal sealed record AuthorizationCode
{
    /// <summary>What every code starts with, so that scanners for leaked secrets recognise one.</summary>
    public const string Prefix = "pkc_";

    public const int MaxLength = 512;

    /// <summary>The id of the grant row that redeeming the code will insert.</summary>
    public required byte[] GrantId { get; init; }

    public required string ClientId { get; init; }

    public required byte[] RedirectUriDigest { get; init; }

    public required CodeChallenge Challenge { get; init; }

    public required string Subject { get; init; }

    public required long Epoch { get; init; }

    /// <summary>The browser session in which the code was issued; none for sessions of another account source.</summary>
    public byte[]? SessionId { get; init; }

    /// <summary>Whether <c>offline_access</c> lets the grant outlive that session.</summary>
    public bool OutlivesSession { get; init; }

    public required DateTimeOffset GrantExpiresAt { get; init; }

    public required Scope Scope { get; init; }

    public string? Resource { get; init; }

    public string? Nonce { get; init; }

    public required DateTimeOffset AuthTime { get; init; }

    public required string Amr { get; init; }

    public string? Acr { get; init; }

    /// <summary>The thumbprint of the key that must redeem the code (RFC 9449 section 10); <see langword="null"/> when any may.</summary>
    public byte[]? DpopThumbprint { get; init; }

    /// <summary>The claims asked for one by one (OpenID Connect Core section 5.5).</summary>
    public string? Claims { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>The row that holds scope, resource, nonce and claims, when they are too long to travel in the code; <see langword="null"/> when they do.</summary>
    public byte[]? KeptIn { get; init; }

    /// <summary>A redirect URI as it is remembered: 128 bits of its digest.</summary>
    public static byte[] DigestOf(string redirectUri) => Secret.Digest(redirectUri)[..16];

    public string Seal(KeyRing keys)
    {
        var value = new SealedPayload();
        value.Write(GrantId);
        value.Write(ClientId);
        value.Write(RedirectUriDigest);
        value.Write(Challenge.Bytes);
        value.Write(Subject);
        value.Write(Epoch);
        value.Write(SessionId);
        value.Write(OutlivesSession ? 1 : 0);
        value.Write(GrantExpiresAt);
        value.Write(Scope.ToString());
        value.Write(Resource);
        value.Write(Nonce);
        value.Write(AuthTime);
        value.Write(Amr);
        value.Write(Acr);
        value.Write(DpopThumbprint);
        value.Write(Claims);
        value.Write(ExpiresAt);
        value.Write(KeptIn);
        return Prefix + Base64UrlText.Encode(keys.Seal(SealPurpose.Code, value.Written));
    }

    public static AuthorizationCode? Open(string text, KeyRing keys)
    {
        if (text.Length > MaxLength || !text.StartsWith(Prefix, StringComparison.Ordinal)) return null;
        if (!Base64UrlText.TryDecode(text.AsSpan(Prefix.Length), out var bytes) || keys.Open(SealPurpose.Code, bytes) is not { } opened) return null;
        var value = new SealedPayload(opened);
        return new AuthorizationCode
        {
            GrantId = value.ReadBytes(),
            ClientId = value.ReadText()!,
            RedirectUriDigest = value.ReadBytes(),
            Challenge = CodeChallenge.FromBytes(value.ReadBytes()),
            Subject = value.ReadText()!,
            Epoch = value.ReadNumber(),
            SessionId = value.ReadBytes() is { Length: > 0 } id ? id : null,
            OutlivesSession = value.ReadNumber() != 0,
            GrantExpiresAt = value.ReadTime(),
            Scope = Scope.Parse(value.ReadText()),
            Resource = value.ReadText(),
            Nonce = value.ReadText(),
            AuthTime = value.ReadTime(),
            Amr = value.ReadText()!,
            Acr = value.ReadText(),
            DpopThumbprint = value.ReadBytes() is { Length: > 0 } thumbprint ? thumbprint : null,
            Claims = value.ReadText(),
            ExpiresAt = value.ReadTime(),
            KeptIn = value.ReadBytes() is { Length: > 0 } row ? row : null,
        };
    }

    /// <summary>The same code without what can be long, and that on its own.</summary>
    public (AuthorizationCode Code, Parameters Kept) Shortened(byte[] row)
    {
        var kept = Parameters.Of(new("scope", Scope.ToString()), new("resource", Resource ?? ""), new("nonce", Nonce ?? ""), new("claims", Claims ?? ""));
        return (this with { Scope = Scope.None, Resource = null, Nonce = null, Claims = null, KeptIn = row }, kept);
    }

    /// <summary>The code as it was before it was shortened.</summary>
    public AuthorizationCode With(Parameters kept) =>
        this with { Scope = Scope.Parse(kept["scope"]), Resource = kept["resource"], Nonce = kept["nonce"], Claims = kept["claims"], KeptIn = null };

    /// <summary>Names the type alone: what a code holds never reaches a log by being printed.</summary>
    public override string ToString() => nameof(AuthorizationCode);
}
