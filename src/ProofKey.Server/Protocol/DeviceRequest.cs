using System.Diagnostics.CodeAnalysis;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Protocol;

/// <summary>The rules for a device that asks for codes (RFC 8628 section 3.1), in order.</summary>
internal sealed class DeviceRequest
{
    internal static readonly IReadOnlyList<Rule> Rules =
    [
        new("client is registered for devices", ClientUsesDevices),
        new("scope is registered", ScopeIsRegistered),
        new("resource is registered", ResourceIsRegistered),
        new("scope belongs to the resource", ScopeBelongsToResource),
    ];

    private readonly Parameters _form;
    private readonly IReadOnlyList<RegisteredResource> _resources;

    private DeviceRequest(Parameters form, RegisteredClient client, IReadOnlyList<RegisteredResource> resources) => (_form, Client, _resources) = (form, client, resources);

    internal sealed record Rule(string Name, Func<DeviceRequest, OAuthError?> Check);

    public RegisteredClient Client { get; }

    public Scope Scope { get; private set; } = Scope.None;

    public string? Resource { get; private set; }

    /// <summary>Applies the rules to a form in which nothing but <c>resource</c> repeats.</summary>
    /// <returns>Whether every rule passed; if not, which error the client reads.</returns>
    public static bool TryParse(Parameters form, RegisteredClient client, IReadOnlyList<RegisteredResource> resources, [NotNullWhen(true)] out DeviceRequest? request, [NotNullWhen(false)] out OAuthError? error)
    {
        var parsed = new DeviceRequest(form, client, resources);
        error = Rules.Select(rule => rule.Check(parsed)).FirstOrDefault(problem => problem is not null);
        request = error is null ? parsed : null;
        return error is null;
    }

    // A code that somebody else started can be talked into a person's browser, so this is off unless a client needs it (RFC 8628 section 5.4).
    private static OAuthError? ClientUsesDevices(DeviceRequest request) => request.Client.GrantTypes.Contains(GrantType.DeviceCode)
        ? null
        : OAuthError.UnauthorizedClient("This client is not registered for devices: register it with --device.");

    // RFC 6749 section 3.3
    private static OAuthError? ScopeIsRegistered(DeviceRequest request)
    {
        if (!Scope.TryParse(request._form["scope"], out var scope)) return OAuthError.InvalidScope("The scope has characters that no scope can have, or too many values.");
        if (!scope.IsSubsetOf(request.Client.Scope)) return OAuthError.InvalidScope("The scope has a value that this client is not registered for.");
        request.Scope = scope;
        return null;
    }

    private static OAuthError? ResourceIsRegistered(DeviceRequest request)
    {
        request.Resource = request._form["resource"];
        return ResourceIndicator.Problem(request._form.All("resource"), request.Client, request._resources);
    }

    private static OAuthError? ScopeBelongsToResource(DeviceRequest request) =>
        ResourceIndicator.ScopeProblem(request.Scope, request.Resource ?? request.Client.Audience, request._resources);
}
