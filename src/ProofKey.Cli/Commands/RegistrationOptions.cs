using System.CommandLine;
using ProofKey.Cli.Configuration;
using ProofKey.Server;

namespace ProofKey.Cli.Commands;

/// <summary>What can be said of a client: the options that <c>client add</c> and <c>client update</c> share.</summary>
internal sealed class RegistrationOptions
{
    private const string Nothing = "none";

    private readonly Option<string[]> _redirectUris = new("--redirect-uri") { HelpName = "URI", Description = "Where answers may go; may be repeated. On 127.0.0.1 and [::1] any port fits." };
    private readonly Option<string[]> _postLogoutRedirectUris = new("--post-logout-redirect-uri") { HelpName = "URI", Description = "Where a browser may go after signing out; may be repeated." };
    private readonly Option<string> _backchannelLogoutUri = new("--backchannel-logout-uri") { HelpName = "URI", Description = "Where it wants to hear that a session ended: https, on a public host." };
    private readonly Option<string[]> _origins = new("--origin") { HelpName = "URL", Description = "The origin of a page that uses the client, beside those of its redirect URIs; may be repeated." };
    private readonly Option<string> _scope = new("--scope") { HelpName = "SCOPE", Description = "What it may ask for, with spaces between. Without it: openid profile email offline_access." };
    private readonly Option<string> _audience = new("--audience") { HelpName = "URL", Description = "The API that its access tokens are for when it names none." };
    private readonly Option<string[]> _responseModes = new("--response-mode") { HelpName = "MODE", Description = "How answers may travel: query, form_post or fragment; may be repeated, the default one first." };
    private readonly Option<string> _idTokenAlgorithm = new("--id-token-alg") { HelpName = "ES256|RS256|PS256", Description = "How its ID tokens are signed. Without it: ES256." };
    private readonly Option<bool> _firstParty = new("--first-party") { Description = "You vouch for it: people are not asked for consent." };
    private readonly Option<bool> _device = new("--device") { Description = "It runs on devices without a browser too: people enter a code elsewhere." };
    private readonly Option<bool> _strict = new("--strict") { Description = "Its token requests must repeat the redirect URI." };
    private readonly Option<bool> _requirePar = new("--require-par") { Description = "Its authorization requests must be pushed to /par first." };
    private readonly Option<bool> _dpop = new("--dpop") { Description = "Its tokens are bound to a key (DPoP): without a proof it gets none." };
    private readonly Option<bool> _noRefresh = new("--no-refresh") { Description = "It gets no refresh tokens." };
    private readonly Option<bool> _clientCredentials = new("--client-credentials") { Description = "It gets tokens of its own, without a person. Confidential clients only." };
    private readonly Option<string> _introspects = new("--introspects") { HelpName = "URL", Description = "It is the API at that address, and may introspect its tokens. Confidential clients only." };
    private readonly Option<string> _jwks = new("--jwks") { HelpName = "FILE", Description = "Its public keys, a JWK set: it proves itself by what it signs, and has no secret." };
    private readonly Option<string> _jwksUri = new("--jwks-uri") { HelpName = "URL", Description = "Where it publishes those keys: https, on a public host." };

    /// <summary>All of them, in the order of the help.</summary>
    public IEnumerable<Option> All =>
    [
        _redirectUris, _postLogoutRedirectUris, _backchannelLogoutUri, _origins, _scope, _audience, _responseModes, _idTokenAlgorithm, _firstParty, _device, _strict, _requirePar, _dpop, _noRefresh, _clientCredentials, _introspects, _jwks, _jwksUri,
    ];

    /// <summary>Says anew what was said in the settings, and leaves the rest as it is. The word none takes a value away.</summary>
    public ClientRegistration Apply(ClientRegistration registration, Settings settings)
    {
        if (Values(_redirectUris) is { } redirectUris) registration = registration with { RedirectUris = redirectUris };
        if (Values(_postLogoutRedirectUris) is { } postLogoutRedirectUris) registration = registration with { PostLogoutRedirectUris = postLogoutRedirectUris };
        if (settings.Text(_backchannelLogoutUri) is { } backchannelLogoutUri) registration = registration with { BackchannelLogoutUri = Value(backchannelLogoutUri) };
        if (Values(_origins) is { } origins) registration = registration with { Origins = origins };
        if (settings.Text(_scope) is { } scope) registration = registration with { Scope = scope };
        if (settings.Text(_audience) is { } audience) registration = registration with { Audience = Value(audience) };
        if (Values(_responseModes) is { } responseModes) registration = registration with { ResponseModes = responseModes };
        if (settings.Text(_idTokenAlgorithm) is not null) registration = registration with { IdTokenAlgorithm = settings.Choice(_idTokenAlgorithm, "ES256", "RS256", "PS256") };
        if (settings.Switch(_firstParty) is { } firstParty) registration = registration with { IsFirstParty = firstParty };
        if (settings.Switch(_device) is { } device) registration = registration with { UsesDevices = device };
        if (settings.Switch(_strict) is { } strict) registration = registration with { IsStrict = strict };
        if (settings.Switch(_requirePar) is { } requirePar) registration = registration with { RequiresPushedRequests = requirePar };
        if (settings.Switch(_dpop) is { } dpop) registration = registration with { RequiresDpop = dpop };
        if (settings.Switch(_noRefresh) is { } noRefresh) registration = registration with { MayRefresh = !noRefresh };
        if (settings.Switch(_clientCredentials) is { } clientCredentials) registration = registration with { UsesClientCredentials = clientCredentials };
        if (settings.Text(_introspects) is { } introspects) registration = registration with { Introspects = Value(introspects) };
        return WithKeys(registration, settings.Text(_jwks), settings.Text(_jwksUri));

        IReadOnlyList<string>? Values(Option<string[]> option) => settings.Texts(option) switch { [] => null, [Nothing] => [], var values => values };
    }

    // Keys come from one place: a new one takes the place of the old.
    private static ClientRegistration WithKeys(ClientRegistration registration, string? file, string? address)
    {
        if (file == Nothing) registration = registration with { Jwks = null };
        else if (file is not null) registration = registration with { Jwks = File.ReadAllText(file), JwksUri = null };
        if (address == Nothing) return registration with { JwksUri = null };
        return address is null ? registration : registration with { JwksUri = address, Jwks = file is null ? null : registration.Jwks };
    }

    private static string? Value(string text) => text == Nothing ? null : text;
}
