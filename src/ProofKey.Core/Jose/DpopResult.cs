using System.Diagnostics.CodeAnalysis;

namespace ProofKey.Jose;

/// <summary>What came of checking a proof: the proof, or what the client may read of why not.</summary>
public readonly record struct DpopResult
{
    private static readonly OAuthError NothingChecked = OAuthError.InvalidDpopProof("No proof was checked.");

    internal DpopResult(DpopProof proof) => Proof = proof;

    internal DpopResult(OAuthError error) => Error = error;

    /// <summary>The proof, when every check passed.</summary>
    public DpopProof? Proof { get; }

    /// <summary>The first check that failed: <c>invalid_dpop_proof</c>, <c>use_dpop_nonce</c>, or <c>invalid_token</c> for a token of another key.</summary>
    public OAuthError? Error { get; }

    /// <summary>Takes the result apart.</summary>
    /// <param name="proof">The proof, when every check passed.</param>
    /// <param name="error">The first check that failed.</param>
    /// <returns>Whether every check passed.</returns>
    public bool TryGet([NotNullWhen(true)] out DpopProof? proof, [NotNullWhen(false)] out OAuthError? error)
    {
        proof = Proof;
        error = proof is null ? Error ?? NothingChecked : null;
        return proof is not null;
    }
}
