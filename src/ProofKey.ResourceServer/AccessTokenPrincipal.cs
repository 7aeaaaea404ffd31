using System.Security.Claims;
using System.Text.Json;
using ProofKey.Jose;

namespace ProofKey.ResourceServer;

/// <summary>An accepted token as a principal. Claims keep the names that they have in the token; <c>sub</c> is the name, <c>roles</c> the roles.</summary>
internal static class AccessTokenPrincipal
{
    public static ClaimsPrincipal From(Jwt token)
    {
        // RFC 9068 section 2.2.3.1 names the claim for roles.
        var identity = new ClaimsIdentity(ResourceServerOptions.SchemeName, nameType: "sub", roleType: "roles");
        foreach (var member in token.Claims.EnumerateObject()) Add(identity, member.Name, member.Value, token.Issuer);
        return new ClaimsPrincipal(identity);
    }

    private static void Add(ClaimsIdentity identity, string name, JsonElement value, string issuer)
    {
        if (value.ValueKind == JsonValueKind.Array)
            foreach (var element in value.EnumerateArray()) AddOne(identity, name, element, issuer);
        else
            AddOne(identity, name, value, issuer);
    }

    private static void AddOne(ClaimsIdentity identity, string name, JsonElement value, string issuer)
    {
        if (ClaimFrom(name, value, issuer) is { } claim) identity.AddClaim(claim);
    }

    private static Claim? ClaimFrom(string name, JsonElement value, string issuer) => value.ValueKind switch
    {
        JsonValueKind.String => new(name, value.GetString()!, ClaimValueTypes.String, issuer),
        JsonValueKind.Number => new(name, value.GetRawText(), value.TryGetInt64(out _) ? ClaimValueTypes.Integer64 : ClaimValueTypes.Double, issuer),
        JsonValueKind.True or JsonValueKind.False => new(name, value.GetRawText(), ClaimValueTypes.Boolean, issuer),
        JsonValueKind.Object or JsonValueKind.Array => new(name, value.GetRawText(), "JSON", issuer),
        _ => null,
    };
}
