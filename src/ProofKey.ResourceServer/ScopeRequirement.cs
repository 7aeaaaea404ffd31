using System.Security.Claims;
using Microsoft.AspNetCore.Authorization;

namespace ProofKey.ResourceServer;

/// <summary>Is met by an accepted access token whose scope holds all values.</summary>
internal sealed class ScopeRequirement(Scope required) : AuthorizationHandler<ScopeRequirement>, IAuthorizationRequirement
{
    public static bool IsMet(Scope required, ClaimsPrincipal user) => required.IsSubsetOf(Granted(user));

    public override string ToString() => $"The access token's scope holds {required}.";

    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, ScopeRequirement requirement)
    {
        if (IsMet(required, context.User)) context.Succeed(requirement);
        return Task.CompletedTask;
    }

    // RFC 8693 section 4.2 makes scope one text; some issuers write an array, which arrives here as several claims.
    private static Scope Granted(ClaimsPrincipal user)
    {
        var granted = Scope.None;
        foreach (var claim in user.FindAll("scope"))
            if (IsOfAccessToken(claim) && Scope.TryParse(claim.Value, out var scope)) granted = granted.Union(scope);
        return granted;
    }

    private static bool IsOfAccessToken(Claim claim) => claim.Subject?.AuthenticationType == ResourceServerOptions.SchemeName;
}
