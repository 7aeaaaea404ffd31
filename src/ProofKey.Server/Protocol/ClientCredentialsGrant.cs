using ProofKey.Server.Storage;

namespace ProofKey.Server.Protocol;

/// <summary>
/// A token for the client itself (RFC 6749 section 4.4). There is no person, so there is neither a grant row nor a refresh token, and no
/// scope that is about a person.
/// </summary>
internal sealed record ClientCredentialsGrant
{
    private ClientCredentialsGrant(Scope scope, string? resource) => (Scope, Resource) = (scope, resource);

    public Scope Scope { get; }

    /// <summary>The API that was asked for; <see langword="null"/> means the client's default.</summary>
    public string? Resource { get; }

    /// <summary>Checks a request of a client that proved who it is and is registered for this grant.</summary>
    public static (ClientCredentialsGrant? Grant, OAuthError? Problem) Check(Parameters form, RegisteredClient client, IReadOnlyList<RegisteredResource> registered)
    {
        if (ResourceIndicator.Problem(form.All("resource"), client, registered) is { } target) return (null, target);
        var (resource, audience) = (form["resource"], form["resource"] ?? client.Audience);
        if (!Scope.TryParse(form["scope"], out var asked)) return (null, OAuthError.InvalidScope("The scope has characters that no scope can have, or too many values."));
        if (!asked.Intersect(RegistrationRules.ScopesOfNoApi).IsEmpty) return (null, OAuthError.InvalidScope("The scope has a value that is about a person, and this grant has none."));
        if (!asked.IsSubsetOf(client.Scope)) return (null, OAuthError.InvalidScope("The scope has a value that this client is not registered for."));
        // RFC 6749 section 3.3: who asks for no scope gets all that the client may have, at that API
        if (asked.IsEmpty) asked = ResourceIndicator.ScopeFor(audience, client.Scope.Except(RegistrationRules.ScopesOfNoApi), registered);
        return ResourceIndicator.ScopeProblem(asked, audience, registered) is { } foreign ? (null, foreign) : (new ClientCredentialsGrant(asked, resource), null);
    }
}
