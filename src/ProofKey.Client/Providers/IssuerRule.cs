using System.Text.Json;
using ProofKey.Jose;

namespace ProofKey.Client.Providers;

/// <summary>
/// Which issuer a server's metadata, answers and ID tokens must name: the one that was asked, to the character. A few servers stand for many tenants, and each tenant is an
/// issuer of its own (Entra ID's <c>common</c>). Which servers these are, and what their tenants' issuers look like, is in <c>providers.json</c>; neither a server nor an option can say so.
/// </summary>
internal sealed class IssuerRule
{
    /// <summary>What stands for the tenant in an issuer.</summary>
    public const string Tenant = "{tenantid}";

    private readonly string? _named;

    private IssuerRule(string inMetadata, string? named) => (InMetadata, _named) = (inMetadata, named);

    /// <summary>The rule for a server.</summary>
    public static IssuerRule Of(Issuer asked) => Of(asked, KnownProviders.Find(asked)?.IssuerTemplate);

    /// <summary>The rule for a server whose tenants' issuers follow a template, if there is one.</summary>
    internal static IssuerRule Of(Issuer asked, string? template) => new(template ?? asked.Value, null);

    /// <summary>What the metadata name: the issuer, or the template of many.</summary>
    public string InMetadata { get; }

    /// <summary>The one issuer, for a server that is one.</summary>
    public string? Only => HasTenants ? null : InMetadata;

    // No issuer that anybody can ask for holds a brace.
    private bool HasTenants => InMetadata.Contains(Tenant, StringComparison.Ordinal);

    /// <summary>Whether an answer in the browser may name this issuer (RFC 9207 section 2.4).</summary>
    public bool Allows(string named) => HasTenants ? TenantIn(named) is { } tenant && named == Put(tenant) : named == InMetadata;

    /// <summary>The rule for what comes after an answer: once that has named its tenant, no other counts.</summary>
    public IssuerRule After(string? named) => named is null ? this : new IssuerRule(InMetadata, named);

    /// <summary>The issuer that an ID token must name, by its own <c>tid</c>; <see langword="null"/> where that names no tenant, or another one than the answer did.</summary>
    public string? In(JsonElement claims)
    {
        if (!claims.TryText("tid", out var tenant) || !IsTenant(tenant)) return null;
        var issuer = Put(tenant!);
        return _named is null || issuer == _named ? issuer : null;
    }

    /// <summary>The keys that sign for an issuer: those of all tenants, and its own.</summary>
    public JwkSet KeysOf(string issuer, JwkSet keys) => HasTenants ? new JwkSet(keys.Keys.Where(key => key.Issuer is null || key.Issuer == InMetadata || key.Issuer == issuer)) : keys;

    public override string ToString() => InMetadata;

    private string Put(string tenant) => InMetadata.Replace(Tenant, tenant, StringComparison.Ordinal);

    private string? TenantIn(string issuer)
    {
        var start = InMetadata.IndexOf(Tenant, StringComparison.Ordinal);
        var length = issuer.Length - (InMetadata.Length - Tenant.Length);
        return length > 0 && issuer.Substring(start, length) is { } tenant && IsTenant(tenant) ? tenant : null;
    }

    // The platform also reads GUIDs with white space around and signs within.
    private static bool IsTenant(string? text) => Guid.TryParseExact(text, "D", out var tenant) && tenant.ToString("D").Equals(text, StringComparison.OrdinalIgnoreCase);
}
