using System.Diagnostics.CodeAnalysis;

namespace ProofKey.Jose;

/// <summary>What came of checking a token: the token, or why not.</summary>
public readonly record struct JwtResult
{
    private static readonly JwtProblem NothingChecked = new(JwtProblem.Malformed, "No token was checked.");

    internal JwtResult(Jwt token) => Token = token;

    internal JwtResult(JwtProblem problem) => Problem = problem;

    /// <summary>The token, when every check passed.</summary>
    public Jwt? Token { get; }

    /// <summary>The first check that failed.</summary>
    public JwtProblem? Problem { get; }

    /// <summary>Takes the result apart.</summary>
    /// <param name="token">The token, when every check passed.</param>
    /// <param name="problem">The first check that failed.</param>
    /// <returns>Whether every check passed.</returns>
    public bool TryGet([NotNullWhen(true)] out Jwt? token, [NotNullWhen(false)] out JwtProblem? problem)
    {
        token = Token;
        problem = token is null ? Problem ?? NothingChecked : null;
        return token is not null;
    }
}
