using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using ProofKey.Jose;

namespace ProofKey.ResourceServer;

/// <summary>The token of a request, and the scheme that it came in.</summary>
internal sealed record AccessTokenCredentials(string Scheme, string Token)
{
    /// <summary>Whether the token came to be used with a proof (RFC 9449 section 7.1).</summary>
    public bool IsDpop => Scheme == Dpop.Scheme;

    /// <summary>Names the type alone: a token never reaches a log by being printed.</summary>
    public override string ToString() => nameof(AccessTokenCredentials);
}

/// <summary>Finds the token of a request. The header is the one way in; a token anywhere else counts only as a mistake beside it.</summary>
internal static class BearerCredentials
{
    private static readonly string[] Schemes = [ResourceServerOptions.SchemeName, Dpop.Scheme];

    private const string Parameter = "access_token";

    /// <returns>The token; <see langword="null"/> with a problem when the request is malformed, without one when it has no credentials.</returns>
    public static AccessTokenCredentials? Read(HttpRequest request, out string? problem)
    {
        problem = null;
        var headers = request.Headers.Authorization;
        if (headers.Count > 1) problem = "The request has more than one Authorization header.";
        if (headers.Count != 1 || CredentialsIn(headers[0]) is not { } credentials) return null;
        // RFC 6750 section 2: one method per request; RFC 9700 section 4.3.2: and never the query.
        if (request.Query.ContainsKey(Parameter)) problem = "The request has a token in its query as well; send it in the Authorization header alone.";
        return problem is null ? credentials : null;
    }

    /// <summary>Looks for a second token in a form body. The body stays readable for the endpoint.</summary>
    /// <returns>What is wrong, or <see langword="null"/>.</returns>
    public static async Task<string?> FindInFormAsync(HttpRequest request, CancellationToken cancellation)
    {
        if (!IsForm(request.ContentType)) return null;
        request.EnableBuffering();
        try
        {
            var form = await request.ReadFormAsync(cancellation);
            return form.ContainsKey(Parameter) ? "The request has a token in its body as well; send it in the Authorization header alone." : null;
        }
        catch (InvalidDataException)
        {
            return "The body is not a well-formed form.";
        }
    }

    private static bool IsForm(string? contentType) =>
        MediaTypeHeaderValue.TryParse(contentType, out var type)
        && type.MediaType.Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase);

    // RFC 9110 section 11.1: the scheme is case-insensitive.
    private static AccessTokenCredentials? CredentialsIn(string? header)
    {
        foreach (var scheme in Schemes)
        {
            if (header is null || header.Length <= scheme.Length || header[scheme.Length] != ' ' || !header.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)) continue;
            var token = header.AsSpan(scheme.Length).Trim(' ');
            return token.IsEmpty ? null : new(scheme, token.ToString());
        }
        return null;
    }
}
