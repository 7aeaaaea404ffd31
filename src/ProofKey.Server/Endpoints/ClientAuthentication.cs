using System.Diagnostics.CodeAnalysis;
using System.Text;
using Microsoft.AspNetCore.Http;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>Who is asking (RFC 6749 section 2.3): a public client names itself, a confidential one proves itself, in one way and not in two.</summary>
internal sealed class ClientAuthentication(ClientStore clients)
{
    private static readonly OAuthError Failed = OAuthError.InvalidClient("The client is unknown, or it did not authenticate as registered.");

    public async ValueTask<ClientResult> IdentifyAsync(HttpContext context, Parameters form)
    {
        var result = await CheckAsync(context, form);
        // RFC 6749 section 5.2: who used the header learns by which scheme
        if (result.Client is null && context.Request.Headers.Authorization.Count > 0) context.Response.Headers.WWWAuthenticate = "Basic realm=\"token\"";
        return result;
    }

    private async ValueTask<ClientResult> CheckAsync(HttpContext context, Parameters form)
    {
        var (claimed, problem) = Claim(context, form);
        if (claimed is null) return new(null, problem);
        var client = claimed.Id.Length <= 100 ? await clients.FindAsync(claimed.Id, context.RequestAborted) : null;
        if (client is null) return new(null, new Refusal(Failed, "The client is unknown."));
        if (client.SecretDigest is null)
            // A secret never makes a public client confidential (RFC 6749 section 2.1).
            return claimed.Secret is null ? new(client, null) : new(null, new Refusal(OAuthError.InvalidClient("This client is public and has no secret: send its client_id alone."), "A public client sent a secret."));
        var proved = claimed.Secret is not null && Secret.AreEqual(Secret.Digest(claimed.Secret), client.SecretDigest);
        return proved ? new(client, null) : new(null, new Refusal(Failed, claimed.Secret is null ? "No secret was sent." : "The secret is wrong."));
    }

    private static (ClaimedClient? Claimed, Refusal? Problem) Claim(HttpContext context, Parameters form)
    {
        var header = context.Request.Headers.Authorization;
        if (header.Count == 0)
            return form["client_id"] is { } id ? (new ClaimedClient(id, form["client_secret"]), null) : (null, OAuthError.InvalidRequest("The request must name the client in client_id."));
        if (header.Count > 1 || Basic(header[0]) is not { } basic)
            return (null, new Refusal(OAuthError.InvalidClient("The Authorization header must be Basic, with id and secret form-encoded and joined by a colon."), "The Authorization header is malformed."));
        if (form["client_secret"] is not null || (form["client_id"] is { } other && other != basic.Id))
            return (null, OAuthError.InvalidRequest("Authenticate in one way only: by the Authorization header or in the body."));
        return (basic, null);
    }

    // RFC 6749 section 2.3.1: both parts are form-encoded before they are joined
    private static ClaimedClient? Basic(string? header)
    {
        if (header is null || header.Length > 2000 || !header.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase)) return null;
        Span<byte> bytes = stackalloc byte[2000];
        if (!Convert.TryFromBase64String(header["Basic ".Length..].Trim(), bytes, out var length)) return null;
        var pair = Encoding.Latin1.GetString(bytes[..length]);
        var colon = pair.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0 || pair.AsSpan().ContainsAny('&', '=')) return null;
        return Parameters.TryParse($"id={pair[..colon]}&secret={pair[(colon + 1)..]}", out var parts, out _) && parts["id"] is { } id ? new ClaimedClient(id, parts["secret"]) : null;
    }

    private sealed record ClaimedClient(string Id, string? Secret)
    {
        public override string ToString() => Id;
    }
}

/// <summary>The client that is asking, or why it is not believed.</summary>
internal readonly record struct ClientResult(RegisteredClient? Client, Refusal? Refusal)
{
    public bool TryGet([NotNullWhen(true)] out RegisteredClient? client, [NotNullWhen(false)] out Refusal? refusal)
    {
        (client, refusal) = (Client, Refusal);
        return client is not null;
    }
}
