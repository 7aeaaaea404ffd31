using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace ProofKey.ResourceServer;

/// <summary>Finds the token of a request. The header is the one way in; a token anywhere else counts only as a mistake beside it.</summary>
internal static class BearerCredentials
{
    private const string Parameter = "access_token";

    /// <returns>The token; <see langword="null"/> with a problem when the request is malformed, without one when it has no credentials.</returns>
    public static string? Read(HttpRequest request, out string? problem)
    {
        problem = null;
        var headers = request.Headers.Authorization;
        if (headers.Count > 1) problem = "The request has more than one Authorization header.";
        if (headers.Count != 1 || TokenOf(headers[0]) is not { } token) return null;
        // RFC 6750 section 2: one method per request; RFC 9700 section 4.3.2: and never the query.
        if (request.Query.ContainsKey(Parameter)) problem = "The request has a token in its query as well; send it in the Authorization header alone.";
        return problem is null ? token : null;
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
    private static string? TokenOf(string? header)
    {
        const string Scheme = "Bearer ";
        if (header is null || !header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)) return null;
        var token = header.AsSpan(Scheme.Length).Trim(' ');
        return token.IsEmpty ? null : token.ToString();
    }
}
