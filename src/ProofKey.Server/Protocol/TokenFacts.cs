using System.Buffers;
using System.Text.Json;
using ProofKey.Jose;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Protocol;

/// <summary>What introspection says of a token that is good (RFC 7662 section 2.2). There is one only for a token that the caller may see.</summary>
internal sealed record TokenFacts
{
    public string? Scope { get; init; }

    public required string ClientId { get; init; }

    public required string Subject { get; init; }

    public required string Audience { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    public DateTimeOffset? IssuedAt { get; init; }

    public required string Issuer { get; init; }

    public string? Id { get; init; }

    public string? Type { get; init; }

    public Grant? Grant { get; init; }

    public JsonElement? Confirmation { get; init; }

    /// <summary>Whether a caller may see an access token: its own, or one for the API that it is (RFC 7662 section 4).</summary>
    public static bool MaySee(RegisteredClient caller, Jwt token) =>
        token.Text("client_id") == caller.Id || (caller.Introspects is { } api && token.Audiences is [var audience] && audience == api);

    /// <summary>The facts of an access token.</summary>
    /// <param name="token">The token, checked.</param>
    /// <param name="grant">Its grant, which lives; <see langword="null"/> for a client's own token.</param>
    public static TokenFacts Of(Jwt token, Grant? grant)
    {
        var isBound = token.Claims.TryGetProperty("cnf", out var confirmation);
        return new TokenFacts
        {
            Scope = token.Text("scope"),
            ClientId = token.Text("client_id")!,
            Subject = token.Subject!,
            Audience = token.Audiences[0],
            ExpiresAt = token.ExpiresAt,
            IssuedAt = token.IssuedAt,
            Issuer = token.Issuer,
            Id = token.Text("jti"),
            // RFC 9449 section 6.2: a bound token is one of another type, with the key that it is bound to
            Type = isBound ? "DPoP" : "Bearer",
            Grant = grant,
            Confirmation = isBound ? confirmation : null,
        };
    }

    /// <summary>The facts of a refresh token, if it is one that would be accepted.</summary>
    public static TokenFacts? Of(RefreshToken token, Grant grant, string audience, string issuer, RotationPolicy policy, DateTimeOffset now)
    {
        var idleEnd = policy.IdleEndOf(grant);
        if (idleEnd <= now || !Secret.AreEqual(grant.SecretDigest, RefreshToken.DigestOf(token.RowSecret))) return null;
        var isTolerated = token.Sequence == grant.PreviousSequence && grant.RotatedAt + (policy.LateReturn > policy.Leeway ? policy.LateReturn : policy.Leeway) > now;
        if (token.Sequence != grant.Sequence && !isTolerated) return null;
        return new TokenFacts
        {
            Scope = grant.Scope.IsEmpty ? null : grant.Scope.ToString(),
            ClientId = grant.ClientId,
            Subject = grant.Subject,
            Audience = audience,
            ExpiresAt = idleEnd < grant.ExpiresAt ? idleEnd : grant.ExpiresAt,
            IssuedAt = grant.CreatedAt,
            Issuer = issuer,
            Grant = grant,
        };
    }

    /// <summary>The answer: RFC 7662 section 2.2 wants nothing but <c>active</c> for a token that is not good.</summary>
    public static ReadOnlyMemory<byte> ToJson(TokenFacts? facts)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteBoolean("active"u8, facts is not null);
            facts?.WriteTo(json);
            json.WriteEndObject();
        }
        return buffer.WrittenMemory;
    }

    private void WriteTo(Utf8JsonWriter json)
    {
        if (Scope is not null) json.WriteString("scope"u8, Scope);
        json.WriteString("client_id"u8, ClientId);
        json.WriteString("sub"u8, Subject);
        json.WriteString("aud"u8, Audience);
        json.WriteString("iss"u8, Issuer);
        json.WriteNumber("exp"u8, ExpiresAt.ToUnixTimeSeconds());
        if (IssuedAt is { } issuedAt) json.WriteNumber("iat"u8, issuedAt.ToUnixTimeSeconds());
        if (Id is not null) json.WriteString("jti"u8, Id);
        if (Type is not null) json.WriteString("token_type"u8, Type);
        // RFC 9470 section 6.2: when and how the person signed in
        if (Grant is not null) json.WriteNumber("auth_time"u8, Grant.AuthTime.ToUnixTimeSeconds());
        if (Grant?.Acr is { } acr) json.WriteString("acr"u8, acr);
        if (Confirmation is not { } confirmation) return;
        json.WritePropertyName("cnf"u8);
        confirmation.WriteTo(json);
    }
}
