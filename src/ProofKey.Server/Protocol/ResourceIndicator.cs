using ProofKey.Server.Storage;

namespace ProofKey.Server.Protocol;

/// <summary>
/// Which API a token is for (RFC 8707): exactly one. A client may ask for its own default, or for any registered API with which it shares
/// a scope; the scopes of one API go to no other, and to the default only where that is the API they belong to.
/// </summary>
internal static class ResourceIndicator
{
    private static OAuthError Unknown { get; } = new("invalid_target", "The resource must be one API, registered here, whose scopes this client may ask for.");

    /// <summary>What is wrong with the API that is asked for.</summary>
    // RFC 8707 section 2: one API for each access token, and one that is known
    public static OAuthError? Problem(IReadOnlyList<string> asked, RegisteredClient client, IReadOnlyList<RegisteredResource> registered)
    {
        if (asked.Count == 0) return null;
        if (asked.Count > 1) return Unknown;
        if (asked[0] == client.Audience) return null;
        return registered.FirstOrDefault(resource => resource.Address == asked[0]) is { } found && !found.Scope.Intersect(client.Scope).IsEmpty ? null : Unknown;
    }

    /// <summary>Whether the registered APIs matter to a request: it names one, or asks for a scope that may belong to one.</summary>
    public static bool IsAboutApi(Parameters parameters, RegisteredClient? client) => parameters["resource"] is not null
        || (client is not null && !client.Scope.IsSubsetOf(RegistrationRules.ScopesOfNoApi)
            && (parameters["scope"] is not { } asked || (Scope.TryParse(asked, out var scope) && !scope.IsSubsetOf(RegistrationRules.ScopesOfNoApi))));

    /// <summary>What is wrong with scopes for the API that a token will be for.</summary>
    /// <param name="scope">The scopes.</param>
    /// <param name="resource">The API that is asked for, else the client's default; <see langword="null"/> is the server itself.</param>
    /// <param name="registered">The registered APIs.</param>
    // RFC 8707 section 2.1, RFC 9068 section 3: a token for one API gives nothing at another
    public static OAuthError? ScopeProblem(Scope scope, string? resource, IReadOnlyList<RegisteredResource> registered) => scope.Values.All(value => MayGoTo(resource, value, registered))
        ? null
        : OAuthError.InvalidScope("The scope has a value that belongs to another API than the one that the token is for: ask for that API with resource, in a request of its own.");

    /// <summary>The scopes that a token for an API may have.</summary>
    public static Scope ScopeFor(string? resource, Scope scope, IReadOnlyList<RegisteredResource> registered) =>
        Scope.Parse(string.Join(' ', scope.Values.Where(value => MayGoTo(resource, value, registered))));

    /// <summary>What is wrong with the API that a code or refresh token is presented for.</summary>
    /// <param name="asked">The <c>resource</c> parameters.</param>
    /// <param name="granted">The one API of the grant.</param>
    // RFC 8707 section 2.2: the one API that the grant is for
    public static OAuthError? NotGranted(IReadOnlyList<string> asked, string granted) =>
        asked.Count == 0 || (asked.Count == 1 && asked[0] == granted) ? null : new OAuthError("invalid_target", "The resource must be the one API that was granted.");

    // What belongs to no registered API, as the scopes of OpenID Connect do, belongs to all.
    private static bool MayGoTo(string? resource, string value, IReadOnlyList<RegisteredResource> registered)
    {
        var isOwned = false;
        foreach (var candidate in registered)
        {
            if (!candidate.Scope.Contains(value)) continue;
            if (candidate.Address == resource) return true;
            isOwned = true;
        }
        return !isOwned;
    }
}
