using System.Text.Json;
using System.Text.Json.Serialization;

namespace ProofKey.Client.Providers;

/// <summary>What is special about one provider; an entry of <c>providers.json</c>.</summary>
internal sealed record ProviderEntry
{
    public const string Query = "query";

    /// <summary>What people call it.</summary>
    public required string Name { get; init; }

    /// <summary>Its issuers: an address in which <c>*</c> stands for one part of the host's name or of the path.</summary>
    public required string Issuer { get; init; }

    /// <summary>Whether it checks the verifier of every code that was asked for with a challenge, although its metadata do not say so.</summary>
    public bool ChecksVerifier { get; init; }

    /// <summary>The response mode to ask for, if not the one that its metadata suggest.</summary>
    public string? ResponseMode { get; init; }

    /// <summary>What the issuers of its tenants look like, <c>{tenantid}</c> standing for the <c>tid</c> of an ID token: for an address that many tenants share.</summary>
    public string? IssuerTemplate { get; init; }

    /// <summary>Where it is written that its <c>end_session_endpoint</c> is not the standard's, and shows an error to whoever comes without parameters of its own.</summary>
    public Uri? OwnLogout { get; init; }

    /// <summary>Whether its endpoints may be at a host of its tenant's own, who then runs them.</summary>
    public bool TenantEndpoints { get; init; }

    /// <summary>What to do about a problem, by its code, where the usual advice would not help.</summary>
    public IReadOnlyDictionary<string, string>? Remedies { get; init; }

    /// <summary>Where that is written.</summary>
    public required Uri Source { get; init; }

    public string? Remedy(string code) => Remedies?.GetValueOrDefault(code);

    /// <summary>Whether an issuer is one of this provider's. A star takes one part and never a slash or a dot.</summary>
    public bool Fits(string issuer)
    {
        // The slashes first: a dot of the host must never count for one of the path.
        var (pattern, given) = (Issuer.Split('/'), issuer.Split('/'));
        return pattern.Length == given.Length && pattern.Zip(given).All(pair => FitsPiece(pair.First, pair.Second));
    }

    private static bool FitsPiece(string pattern, string piece)
    {
        var (parts, given) = (pattern.Split('.'), piece.Split('.'));
        return parts.Length == given.Length && parts.Zip(given).All(pair => pair.First == "*" ? pair.Second.Length > 0 : pair.First == pair.Second);
    }
}

/// <summary>The providers that need something of their own: data with its sources, and no code.</summary>
internal static class KnownProviders
{
    private static readonly Lazy<IReadOnlyList<ProviderEntry>> Entries = new(Read);

    public static IReadOnlyList<ProviderEntry> All => Entries.Value;

    /// <summary>The entry of an issuer: the first that fits, so what is said of one address comes before what is said of all alike.</summary>
    public static ProviderEntry? Find(Issuer issuer) => All.FirstOrDefault(entry => entry.Fits(issuer.Value));

    /// <summary>What to do about a refusal: what helps with this provider, else the usual advice.</summary>
    public static string RemedyOf(Issuer issuer, OAuthError error) => Find(issuer)?.Remedy(error.Code) ?? SignInRequiredException.RemedyOf(SignInRequiredReason.Refused, error);

    private static IReadOnlyList<ProviderEntry> Read()
    {
        using var file = typeof(KnownProviders).Assembly.GetManifestResourceStream("providers.json")!;
        return JsonSerializer.Deserialize(file, ProvidersJson.Default.IReadOnlyListProviderEntry)!;
    }
}

/// <summary>The JSON of the list. A member that we do not know is a mistake in it.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(IReadOnlyList<ProviderEntry>))]
internal sealed partial class ProvidersJson : JsonSerializerContext;
