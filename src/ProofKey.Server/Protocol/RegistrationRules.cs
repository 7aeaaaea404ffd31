using System.Net;
using System.Text;
using ProofKey.Jose;
using ProofKey.Server.Http;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Protocol;

/// <summary>What can be registered: a client that exists has passed these rules.</summary>
internal static class RegistrationRules
{
    /// <summary>The scopes of OpenID Connect Core section 5.4 and section 11, which are about the person and not about an API.</summary>
    public static readonly Scope ScopesOfNoApi = Scope.Parse("openid profile email address phone offline_access");

    /// <summary>Checks what is said of a client.</summary>
    /// <returns>The client, without its id, its secret and the time.</returns>
    /// <exception cref="FormatException">Something in it cannot be; the message says what, and how to mend it.</exception>
    public static RegisteredClient Check(ClientRegistration registration)
    {
        if (NameProblem(registration.Name) is { } problem) throw new FormatException(problem);
        if (UseProblem(registration) is { } useProblem) throw new FormatException(useProblem);
        RedirectUri[] redirectUris = [.. registration.RedirectUris.Distinct(StringComparer.Ordinal).Select(RedirectUri.Parse)];
        var modes = registration.ResponseModes.Count == 0 ? ResponseMode.Default : registration.ResponseModes;
        if (modes.Except(ResponseMode.Known).FirstOrDefault() is { } unknown) throw new FormatException($"There is no response mode {unknown}; choose query, form_post or fragment.");
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
            Introspects = registration.Introspects is null ? null : ResourceAddress(registration.Introspects),
            Jwks = registration.Jwks is null ? null : KeySet(registration.Jwks),
            JwksUri = registration.JwksUri is null ? null : KeySetAddress(registration.JwksUri),
            BackchannelLogoutUri = registration.BackchannelLogoutUri is null ? null : LogoutAddress(registration.BackchannelLogoutUri),
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
        if (registration.UsesDevices) types.Add(GrantType.DeviceCode);
        if (registration.MayRefresh && types.Exists(GrantType.SignsPeopleIn)) types.Insert(1, GrantType.RefreshToken);
        if (registration.UsesClientCredentials) types.Add(GrantType.ClientCredentials);
        return [.. types];
    }

    private static string? UseProblem(ClientRegistration registration)
    {
        var provesItself = !registration.IsPublic;
        // RFC 6749 section 4.4: only who can prove itself gets tokens of its own
        if (registration.UsesClientCredentials && !provesItself) return "A public client cannot have tokens of its own (client_credentials): register it as confidential.";
        // RFC 7662 section 2.1: nor may it look at tokens
        if (registration.Introspects is not null && !provesItself) return "A public client cannot introspect tokens: register it as confidential.";
        if ((registration.Jwks ?? registration.JwksUri) is not null && !provesItself) return "A public client has no keys to prove itself with: register it as confidential.";
        if (registration.Jwks is not null && registration.JwksUri is not null) return "A client's keys are registered with it, or published at an address: give one of the two.";
        return registration.RedirectUris.Count == 0 && !registration.UsesDevices && !registration.UsesClientCredentials && registration.Introspects is null
            ? "A client has at least one redirect URI, such as http://127.0.0.1/callback, unless it runs on devices alone, has tokens of its own, or only introspects."
            : null;
    }

    // RFC 7523 section 3: the public half alone, as we read it
    private static string KeySet(string text)
    {
        if (!JwkSet.TryParse(Encoding.UTF8.GetBytes(text), out var keys, out var problem)) throw new FormatException($"That is no JWK set of public keys: {problem}");
        if (keys.Keys.Count == 0) throw new FormatException("The JWK set holds no key for ES256, RS256 or PS256.");
        return Encoding.UTF8.GetString(keys.ToJson());
    }

    private static string KeySetAddress(string text) => CallableAddress(text)
        ? text
        : throw new FormatException("A key set's address is https on a public host, without user name and fragment, such as https://app.example.com/jwks.json.");

    private static string LogoutAddress(string text) => CallableAddress(text)
        ? text
        : throw new FormatException("A back-channel logout URI is https on a public host, without user name and fragment, such as https://app.example.com/logged-out.");

    /// <summary>
    /// Whether we may ever call an address: https on a public host, or this machine, which a server for development alone calls. Where a name
    /// leads is asked when the connection is made.
    /// </summary>
    public static bool CallableAddress(string text)
    {
        if (text.Length > 1000 || text.AsSpan().ContainsAnyExceptInRange('!', '~') || text.Contains('#', StringComparison.Ordinal)) return false;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || address.UserInfo.Length > 0 || text.Contains('@', StringComparison.Ordinal)) return false;
        var isAddress = IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip);
        var isLoopback = address.Host == "localhost" || (isAddress && PublicAddress.IsLoopback(ip!));
        return isLoopback ? address.Scheme is "http" or "https" : address.Scheme == "https" && (!isAddress || PublicAddress.IsPublic(ip!));
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
