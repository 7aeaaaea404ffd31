using Microsoft.AspNetCore.Http;

namespace ProofKey.Server.Http;

/// <summary>The query of a request, read as strictly as a form.</summary>
internal static class QueryParameters
{
    /// <summary>The parameters; none where the query is malformed or names one twice.</summary>
    public static Parameters Of(HttpContext context)
    {
        var query = context.Request.QueryString.Value ?? "";
        return Parameters.TryParse(query.AsSpan(query.StartsWith('?') ? 1 : 0), out var parameters, out _) && parameters.Duplicate() is null ? parameters : Parameters.Empty;
    }
}
