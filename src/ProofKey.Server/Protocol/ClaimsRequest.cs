using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;

namespace ProofKey.Server.Protocol;

/// <summary>
/// The claims that a client asks for one by one (OpenID Connect Core section 5.5): which to send, where, and which must be as it says.
/// Names that nobody here knows are ignored, as the standard asks.
/// </summary>
internal sealed class ClaimsRequest
{
    /// <summary>The most bytes of the parameter.</summary>
    public const int MaxLength = 4096;

    private const int MaxDepth = 6;
    private const char BetweenPlaces = '|';

    // OpenID Connect Core section 5.4
    private static readonly Dictionary<string, string> ScopeOf = new(StringComparer.Ordinal)
    {
        ["name"] = Scope.Profile,
        ["family_name"] = Scope.Profile,
        ["given_name"] = Scope.Profile,
        ["middle_name"] = Scope.Profile,
        ["nickname"] = Scope.Profile,
        ["preferred_username"] = Scope.Profile,
        ["profile"] = Scope.Profile,
        ["picture"] = Scope.Profile,
        ["website"] = Scope.Profile,
        ["gender"] = Scope.Profile,
        ["birthdate"] = Scope.Profile,
        ["zoneinfo"] = Scope.Profile,
        ["locale"] = Scope.Profile,
        ["updated_at"] = Scope.Profile,
        ["email"] = Scope.Email,
        ["email_verified"] = Scope.Email,
    };

    private ClaimsRequest(IReadOnlyList<string> userinfo, IReadOnlyList<string> idToken) => (Userinfo, IdToken) = (userinfo, idToken);

    /// <summary>No claim is asked for.</summary>
    public static ClaimsRequest None { get; } = new([], []);

    /// <summary>The claims to be sent by userinfo.</summary>
    public IReadOnlyList<string> Userinfo { get; }

    /// <summary>The claims to be sent in the ID token.</summary>
    public IReadOnlyList<string> IdToken { get; }

    /// <summary>The one subject that the answer may be about; <see langword="null"/> for anyone.</summary>
    public string? Subject { get; private init; }

    /// <summary>The authentication contexts of which the sign-in must have one (OpenID Connect Core section 5.5.1.1); none is no demand.</summary>
    public IReadOnlyList<string> EssentialAcr { get; private init; } = [];

    /// <summary>The scopes that the claims belong to: whoever agrees to a claim is asked for the scope that has it.</summary>
    public Scope Scope => ScopeFor(Userinfo).Union(ScopeFor(IdToken));

    /// <summary>The scopes that hold some claims.</summary>
    public static Scope ScopeFor(IEnumerable<string> names) => Scope.Parse(string.Join(' ', names.Select(name => ScopeOf[name])));

    /// <summary>Reads the parameter.</summary>
    /// <returns>Whether it is what OpenID Connect Core section 5.5 describes.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out ClaimsRequest? claims)
    {
        claims = null;
        var bytes = Encoding.UTF8.GetBytes(text);
        if (bytes.Length > MaxLength || !Jose.StrictJson.TryParseObject(bytes, MaxDepth, out var json)) return false;
        if (!TryMember(json, "userinfo", out var userinfo) || !TryMember(json, "id_token", out var idToken)) return false;
        if (!TryDemand(idToken, "sub", out var subjects, out _) || !TryDemand(idToken, "acr", out var contexts, out var acrIsEssential)) return false;
        // OpenID Connect Core section 5.5.1: a demand for one of several people names nobody, and the first of them would be a guess
        if (subjects.Distinct().Count() > 1) return false;
        claims = new ClaimsRequest(Known(userinfo), Known(idToken)) { Subject = subjects.Count == 0 ? null : subjects[0], EssentialAcr = acrIsEssential ? contexts : [] };
        return true;
    }

    /// <summary>What is left of the request where only some scopes are granted.</summary>
    public ClaimsRequest Within(Scope granted)
    {
        string[] Left(IEnumerable<string> names) => [.. names.Where(name => granted.Contains(ScopeOf[name]))];
        return new ClaimsRequest(Left(Userinfo), Left(IdToken)) { Subject = Subject, EssentialAcr = EssentialAcr };
    }

    /// <summary>The names alone, as a grant keeps them; <see langword="null"/> for none.</summary>
    public string? ToText() => Userinfo.Count + IdToken.Count == 0 ? null : $"{string.Join(' ', Userinfo)}{BetweenPlaces}{string.Join(' ', IdToken)}";

    /// <summary>Reads what a grant keeps.</summary>
    public static ClaimsRequest OfText(string? text)
    {
        if (text?.Split(BetweenPlaces) is not [var userinfo, var idToken]) return None;
        return new ClaimsRequest(userinfo.Split(' ', StringSplitOptions.RemoveEmptyEntries), idToken.Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }

    // A place that nothing is asked of may be absent or null.
    private static bool TryMember(JsonElement json, string name, out JsonElement member) =>
        !json.TryGetProperty(name, out member) || member.ValueKind == JsonValueKind.Null || (member.ValueKind == JsonValueKind.Object && member.EnumerateObject().All(claim => IsRequest(claim.Value)));

    // OpenID Connect Core section 5.5.1: null, or an object with essential, value, values and what nobody here understands
    private static bool IsRequest(JsonElement request)
    {
        if (request.ValueKind == JsonValueKind.Null) return true;
        return request.ValueKind == JsonValueKind.Object
            && (!request.TryGetProperty("essential", out var essential) || essential.ValueKind is JsonValueKind.True or JsonValueKind.False)
            && (!request.TryGetProperty("values", out var values) || values.ValueKind == JsonValueKind.Array);
    }

    // The values that a claim must have one of, which are texts where we look at them.
    private static bool TryDemand(JsonElement place, string name, out IReadOnlyList<string> wanted, out bool isEssential)
    {
        (wanted, isEssential) = ([], false);
        if (place.ValueKind != JsonValueKind.Object || !place.TryGetProperty(name, out var request) || request.ValueKind != JsonValueKind.Object) return true;
        isEssential = request.TryGetProperty("essential", out var essential) && essential.ValueKind == JsonValueKind.True;
        var values = new List<JsonElement>();
        if (request.TryGetProperty("value", out var value)) values.Add(value);
        if (request.TryGetProperty("values", out var several)) values.AddRange(several.EnumerateArray());
        if (values.Any(one => one.ValueKind != JsonValueKind.String)) return false;
        wanted = [.. values.Select(one => one.GetString()!)];
        return true;
    }

    private static string[] Known(JsonElement place) =>
        place.ValueKind == JsonValueKind.Object ? [.. place.EnumerateObject().Select(claim => claim.Name).Where(ScopeOf.ContainsKey)] : [];
}
