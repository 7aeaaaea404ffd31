using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;

namespace ProofKey.ResourceServer;

/// <summary>
/// Lets in only requests with an access token whose <c>scope</c> holds all the given values, in controllers, hubs and services; minimal APIs say
/// <see cref="RequireScopeExtensions.RequireScope"/>. Without a good token the answer is 401, with too small a scope 403.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method, AllowMultiple = true)]
public sealed class RequireScopeAttribute : AuthorizeAttribute, IAuthorizationRequirementData
{
    /// <summary>Requires a scope.</summary>
    /// <param name="scope">One value, or several separated by spaces, all of which are needed.</param>
    /// <exception cref="FormatException">The text is not a scope.</exception>
    /// <exception cref="ArgumentException">The text holds no value.</exception>
    public RequireScopeAttribute(string scope)
    {
        Required = ProofKey.Scope.Parse(scope);
        if (Required.IsEmpty) throw new ArgumentException("Name at least one scope value.", nameof(scope));
        AuthenticationSchemes = ResourceServerOptions.SchemeName;
    }

    /// <summary>The values, separated by spaces.</summary>
    public string Scope => Required.ToString();

    internal Scope Required { get; }

    /// <inheritdoc />
    public IEnumerable<IAuthorizationRequirement> GetRequirements() => [new ScopeRequirement(Required)];
}

/// <summary>Requires scopes of minimal APIs.</summary>
public static class RequireScopeExtensions
{
    /// <summary>
    /// Lets in only requests with an access token whose <c>scope</c> holds all the given values; else the answer is 401, or 403 with
    /// <c>insufficient_scope</c> (RFC 6750 section 3.1).
    /// </summary>
    /// <typeparam name="TBuilder">An endpoint or a group of them.</typeparam>
    /// <param name="endpoint">What to protect.</param>
    /// <param name="scope">One value, or several separated by spaces, all of which are needed.</param>
    /// <returns>The endpoint.</returns>
    /// <exception cref="FormatException">The text is not a scope.</exception>
    /// <exception cref="ArgumentException">The text holds no value.</exception>
    public static TBuilder RequireScope<TBuilder>(this TBuilder endpoint, string scope) where TBuilder : IEndpointConventionBuilder
    {
        // The attribute becomes metadata of the endpoint: authorization reads it, and so does the challenge.
        return endpoint.RequireAuthorization(new RequireScopeAttribute(scope));
    }
}
