using ProofKey.Jose;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Protocol;

/// <summary>
/// What a client that wants somebody signed out says of it, as far as it can be believed (OpenID Connect RP-Initiated Logout section 2).
/// Nothing in it is an error: what cannot be believed is left aside, and the person is asked.
/// </summary>
internal sealed record LogoutRequest
{
    private static readonly LogoutRequest NothingBelieved = new();

    private LogoutRequest()
    {
    }

    /// <summary>The client that asks.</summary>
    public RegisteredClient? Client { get; private init; }

    /// <summary>Whose session is meant.</summary>
    public string? Subject { get; private init; }

    /// <summary>Which session is meant, by the name that the client's ID tokens had for it.</summary>
    public string? SessionName { get; private init; }

    /// <summary>When the person had signed in, in seconds, as the ID token says.</summary>
    public long? AuthTime { get; private init; }

    /// <summary>Where the browser goes in the end: an address that the client registered for it.</summary>
    public string? RedirectUri { get; private init; }

    /// <summary>What the client gets back there.</summary>
    public string? State { get; private init; }

    /// <summary>Why something was not believed, for the log.</summary>
    public string? Reason { get; private init; }

    /// <summary>The client that a request names: by the hint, or by itself.</summary>
    public static string? ClientIdOf(Parameters parameters, Jwt? hint) => hint is null ? parameters["client_id"] : hint.Audiences is [var audience] ? audience : null;

    /// <summary>Reads a request.</summary>
    /// <param name="parameters">Its parameters.</param>
    /// <param name="hint">The ID token in it, when it is genuine.</param>
    /// <param name="client">The client that <see cref="ClientIdOf"/> names, if there is one.</param>
    public static LogoutRequest Of(Parameters parameters, Jwt? hint, RegisteredClient? client)
    {
        if (parameters.Duplicate() is not null) return NotBelieved("A parameter came more than once.");
        if (parameters["id_token_hint"] is not null && hint is null) return NotBelieved("The id_token_hint is none of ours.");
        // OpenID Connect RP-Initiated Logout section 2: a client that names itself names the one that the hint was issued to
        if (hint is not null && parameters["client_id"] is { } id && id != ClientIdOf(parameters, hint)) return NotBelieved("The id_token_hint was issued to another client.");
        var redirectUri = parameters["post_logout_redirect_uri"];
        var isRegistered = redirectUri is not null && client?.PostLogoutRedirectUris.Any(registered => ProofKey.RedirectUri.Parse(registered).Matches(redirectUri)) == true;
        return new LogoutRequest
        {
            Client = client,
            Subject = hint?.Subject,
            SessionName = hint?.Text("sid"),
            AuthTime = hint?.Number("auth_time"),
            // OpenID Connect RP-Initiated Logout section 3: to an address that was registered, and to no other
            RedirectUri = isRegistered ? redirectUri : null,
            State = isRegistered ? parameters["state"] : null,
            Reason = redirectUri is null || isRegistered ? null : "The post_logout_redirect_uri is not registered for the client, or no client is named.",
        };
    }

    /// <summary>Which of the people in this browser the hint proves to be meant, so that nobody need be asked.</summary>
    /// <returns>The account, or <see langword="null"/> where the person has to say.</returns>
    // OpenID Connect RP-Initiated Logout section 6: whoever cannot show an ID token of this session may be anybody's page
    public SignedInAccount? Proven(IEnumerable<SignedInAccount> signedIn) => Subject is null ? null : signedIn.FirstOrDefault(account => account.Subject == Subject && IsOf(account));

    // Without the session's name the time of the sign-in tells it from an older one, whose token may have gone anywhere.
    private bool IsOf(SignedInAccount account) =>
        SessionName is null ? AuthTime == account.AuthTime.ToUnixTimeSeconds() : account.SessionId is { } id && BrowserSession.NameOf(id) == SessionName;

    /// <summary>The address that the browser is sent to in the end, if there is one.</summary>
    public string? WayOn() => RedirectUri is null ? null : State is null ? RedirectUri : ProofKey.RedirectUri.Append(RedirectUri, Parameters.Of([new("state", State)]));

    private static LogoutRequest NotBelieved(string reason) => NothingBelieved with { Reason = reason };
}
