using System.Diagnostics.CodeAnalysis;

namespace ProofKey.Server.Protocol;

/// <summary>A failure with its two audiences: what the client may read, and the reason that only the log may read.</summary>
internal sealed record Refusal(OAuthError Error, string Reason)
{
    /// <summary>A refusal whose reason is no secret to anyone.</summary>
    [return: NotNullIfNotNull(nameof(error))]
    public static implicit operator Refusal?(OAuthError? error) => error is null ? null : new(error, error.Description);
}
