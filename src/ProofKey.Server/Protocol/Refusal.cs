using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http;

namespace ProofKey.Server.Protocol;

/// <summary>A failure with its two audiences: what the client may read, and the reason that only the log may read.</summary>
internal sealed record Refusal(OAuthError Error, string Reason)
{
    /// <summary>The status of the answer (RFC 6749 section 5.2).</summary>
    public int Status => Error.Code switch
    {
        "invalid_client" => StatusCodes.Status401Unauthorized,
        "temporarily_unavailable" => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status400BadRequest,
    };

    /// <summary>A refusal whose reason is no secret to anyone.</summary>
    [return: NotNullIfNotNull(nameof(error))]
    public static implicit operator Refusal?(OAuthError? error) => error is null ? null : new(error, error.Description);
}
