using ProofKey.Client.Providers;

namespace ProofKey.Client;

/// <summary>A server whose answers in the browser name no issuer (RFC 9207).</summary>
/// <param name="Issuer">The server.</param>
/// <param name="Place">Where its answers come in: <see cref="Redirect.Place"/>.</param>
internal sealed record SilentServer(string Issuer, string Place);

/// <summary>
/// Keeps servers apart that do not name themselves in their answers. A dishonest one can send the browser on to an honest one, and what comes
/// back there, at the same redirect URI, would be taken for its own answer and the code handed to it: a mix-up.
/// </summary>
internal static class SharedRedirect
{
    /// <summary>Refuses a sign-in whose answer could be another server's.</summary>
    /// <exception cref="ProtocolViolationException">Neither this server nor another one with a session names itself, and both answer at the same redirect URI.</exception>
    public static async Task CheckAsync(ClientOptions options, SignInServer server, CancellationToken cancel)
    {
        // One of the list that runs its own endpoints sends nobody on to another server in its own name. Where a tenant's host may have them, it is the tenant who does.
        if (server.NamesItself || KnownProviders.Find(options.Issuer) is { TenantEndpoints: false }) return;
        var sessions = await options.Store.SessionsAsync(_ => { }, cancel);
        var others = sessions.Where(session => session.SilentAt is not null).Select(session => new SilentServer(session.Issuer, session.SilentAt!)).Concat(options.SilentServers);
        // RFC 9700 section 4.4.2.2: where no issuer is named, a redirect URI of its own is what tells two servers apart
        if (others.FirstOrDefault(other => other.Place == options.Redirect.Place && other.Issuer != options.Issuer.Value) is { } shares) throw Shared(shares);
    }

    private static ProtocolViolationException Shared(SilentServer other) => new(
        "redirect_shared",
        $"a server that names itself in its answers, or a redirect URI of its own, since {ServerText.Shown(other.Issuer)} answers at {other.Place} without naming itself",
        "its metadata have no authorization_response_iss_parameter_supported",
        "Register a path of its own with this server, such as /callback/second, and set it as the Path of Redirect.");
}
