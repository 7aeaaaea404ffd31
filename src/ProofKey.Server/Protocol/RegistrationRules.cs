using ProofKey.Jose;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Protocol;

/// <summary>What can be registered: a client that exists has passed these rules.</summary>
internal static class RegistrationRules
{
    /// <summary>The scopes of OpenID Connect Core section 5.4 and section 11, which are about the person and not about an API.</summary>
    private static readonly Scope ScopesOfNoApi = Scope.Parse("openid profile email address phone offline_access");

    /// <summary>Checks what is said of a client.</summary>
    /// <returns>The client, without its id, its secret and the time.</returns>
    /// <exception cref="FormatException">Something in it cannot be; the message says what, and how to mend it.</exception>
    public static RegisteredClient Check(ClientRegistration registration)
    {
        if (NameProblem(registration.Name) is { } problem) throw new FormatException(problem);
        if (registration.RedirectUris.Count == 0 && !registration.UsesDevices) throw new FormatException("A client has at least one redirect URI, such as http://127.0.0.1/callback.");
        RedirectUri[] redirectUris = [.. registration.RedirectUris.Distinct(StringComparer.Ordinal).Select(RedirectUri.Parse)];
        var modes = registration.ResponseModes.Count == 0 ? ResponseMode.Default : registration.ResponseModes;
        if (modes.Except(ResponseMode.Default).FirstOrDefault() is { } unknown) throw new FormatException($"There is no response mode {unknown}; choose query or form_post.");
        // Without a page in between, a code sent by query can be talked out of a person; a posted one cannot be pasted anywhere.
        if (registration.IsFirstParty && redirectUris.Any(uri => !uri.IdentifiesClient) && !modes.SequenceEqual([ResponseMode.FormPost]))
            throw new FormatException("A first-party client on a loopback or private-use address must be locked to --response-mode form_post.");
        if (redirectUris.Any(uri => uri.Kind == RedirectUriKind.PrivateUse) && modes.SequenceEqual([ResponseMode.FormPost]))
            throw new FormatException("A private-use address takes no form_post; use an https or loopback redirect URI.");
        return new RegisteredClient
        {
            Id = "",
            Name = registration.Name.Trim(),
            RedirectUris = redirectUris,
            PostLogoutRedirectUris = [.. registration.PostLogoutRedirectUris.Select(uri => RedirectUri.Parse(uri).Value)],
            Origins = [.. registration.Origins.Select(Origin)],
            Scope = Scope.Parse(registration.Scope),
            Audience = registration.Audience is null ? null : ResourceAddress(registration.Audience),
            ResponseModes = modes,
            IdTokenAlgorithm = IdTokenAlgorithm(registration.IdTokenAlgorithm),
            IsFirstParty = registration.IsFirstParty,
            IsStrict = registration.IsStrict,
            RequiresPushedRequests = registration.RequiresPushedRequests,
            RequiresDpop = registration.RequiresDpop,
            GrantTypes = GrantTypes(registration),
        };
    }

    /// <summary>Checks what is said of an API.</summary>
    /// <exception cref="FormatException">Something in it cannot be; the message says what, and how to mend it.</exception>
    public static RegisteredResource Check(string address, string? scope, string? name)
    {
        if (name is not null && NameProblem(name) is { } problem) throw new FormatException(problem);
        var resource = new RegisteredResource { Address = ResourceAddress(address), Name = name?.Trim() ?? address, Scope = Scope.Parse(scope) };
        if (resource.Scope.IsEmpty) throw new FormatException("An API has at least one scope, such as orders.read.");
        return resource.Scope.Intersect(ScopesOfNoApi).IsEmpty ? resource : throw new FormatException($"The scopes {ScopesOfNoApi} belong to no API; name the API's own.");
    }

    // RFC 6749 section 5.2: a client uses what it was registered for, and nothing else
    private static string[] GrantTypes(ClientRegistration registration)
    {
        var types = new List<string>();
        if (registration.RedirectUris.Count > 0) types.Add(GrantType.AuthorizationCode);
        if (registration.MayRefresh) types.Add(GrantType.RefreshToken);
        if (registration.UsesDevices) types.Add(GrantType.DeviceCode);
        return [.. types];
    }

    private static SignatureAlgorithm IdTokenAlgorithm(string name) =>
        SignatureAlgorithm.TryParse(name, out var algorithm)
            ? algorithm
            : throw new FormatException($"ID tokens are signed with {string.Join(", ", SignatureAlgorithm.All)}; choose one of them.");

    /// <summary>What is wrong with a name that people are shown.</summary>
    public static string? NameProblem(string name) =>
        string.IsNullOrWhiteSpace(name) || name.Length > 100 || name.Any(char.IsControl) ? "A name has 1 to 100 characters and no control characters." : null;

    // An Origin header has no path, not even a slash (RFC 6454 section 6.2).
    private static string Origin(string text) => Uri.TryCreate(text, UriKind.Absolute, out var address) && address.GetLeftPart(UriPartial.Authority) == text && Issuer.TryParse(text, out _, out _)
        ? text
        : throw new FormatException("An origin is scheme, host and port alone, https or loopback, such as https://app.example.com.");

    // RFC 8707 section 2: an absolute URI without a fragment
    /// <summary>The address of an API, as tokens name it.</summary>
    /// <exception cref="FormatException">It cannot be one.</exception>
    public static string ResourceAddress(string text)
    {
        var isAddress = text.Length <= 100 && char.IsAsciiLetter(text.FirstOrDefault()) && !text.AsSpan().ContainsAnyExceptInRange('!', '~') && !text.AsSpan().ContainsAny("\"\\<>#");
        return isAddress && Uri.TryCreate(text, UriKind.Absolute, out _)
            ? text
            : throw new FormatException("The address of an API is absolute, without a fragment and at most 100 characters, such as https://api.example.com/.");
    }
}
