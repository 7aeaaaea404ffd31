using System.Text.Json;
using ProofKey.Client.Providers;

namespace ProofKey.Client;

/// <summary>Makes the authorization requests of one sign-in, and pushes them where the server takes that (RFC 9126): then a reference is all that goes through the browser.</summary>
/// <param name="client">Who asks.</param>
/// <param name="server">Who is asked.</param>
/// <param name="dpopKey">The key that the tokens are to be bound to.</param>
/// <param name="stepUp">What an API asks of the sign-in.</param>
internal sealed class AuthorizationRequests(PublicClient client, SignInServer server, string? dpopKey, StepUp? stepUp)
{
    private const string What = "the answer to the pushed request";

    private static readonly TimeSpan MaxLifetime = TimeSpan.FromHours(1);

    private readonly ClientOptions _options = client.Options;
    // A request that the server refused is the same the next time.
    private (AuthorizationRequest Request, OAuthError Error)? _refused;

    /// <summary>Makes a request that a browser can take to the server.</summary>
    /// <param name="redirectUri">Where the answer comes in.</param>
    /// <param name="mode">How it comes; where the server refuses that at once, and the program left it to us, it is asked for a query instead.</param>
    /// <param name="cancel">Ends the call.</param>
    /// <exception cref="SignInRequiredException">The server refuses what was pushed.</exception>
    public async Task<AuthorizationRequest> MakeAsync(string redirectUri, ResponseMode mode, CancellationToken cancel)
    {
        var request = New(redirectUri, mode);
        var error = await PushAsync(request, cancel);
        if (error is not null && _options.ResponseMode == ResponseMode.Automatic && mode == ResponseMode.FormPost && Callback.IsAboutResponseMode(error))
        {
            request = New(redirectUri, ResponseMode.Query);
            _options.Emit(new ClientEvent.QueryAskedInstead());
            error = await PushAsync(request, cancel);
        }
        return error is null ? request : throw Refused(error);
    }

    /// <summary>Pushes the same request once more where its reference has ended before anybody came with it; one caller at a time.</summary>
    /// <exception cref="SignInRequiredException">The server refuses it now.</exception>
    public async Task RenewAsync(AuthorizationRequest request, CancellationToken cancel)
    {
        if (request.Place.EndsAt is not { } end || _options.TimeProvider.GetUtcNow() < end) return;
        if (_refused?.Request != request && await PushAsync(request, cancel) is { } error) _refused = (request, error);
        if (_refused is { } refused && refused.Request == request) throw Refused(refused.Error);
    }

    private SignInRequiredException Refused(OAuthError error) => new(SignInRequiredReason.Refused, error, remedy: KnownProviders.RemedyOf(_options.Issuer, error));

    private AuthorizationRequest New(string redirectUri, ResponseMode mode) =>
        new(_options, server, redirectUri, mode, dpopKey is null ? null : client.Backchannel.Proofs.ThumbprintOf(dpopKey), stepUp);

    // The proof says that the key is ours before anybody is asked (RFC 9449 section 10.1), and brings the nonce that the code is redeemed with.
    private async Task<OAuthError?> PushAsync(AuthorizationRequest request, CancellationToken cancel)
    {
        if (server.PushedRequests is not { } endpoint) return null;
        var answer = await client.Backchannel.PostAsync(What, endpoint, request.Parameters, cancel, dpopKey);
        if (!answer.IsJson) throw TokenEndpoint.NotJson(answer);
        // RFC 9126 section 2.3
        if (!answer.IsSuccess) return TokenEndpoint.Refusal(answer, request.Secrets);
        var (reference, lifetime) = Read(answer.Object());
        // RFC 9126 section 4: who the client is, and the reference; everything else stays between the two of us
        var query = Parameters.Of(new("client_id", _options.ClientId), new("request_uri", reference));
        request.Place = new RequestPlace(new Uri(RedirectUri.Append(server.Authorization.AbsoluteUri, query)), _options.TimeProvider.GetUtcNow() + lifetime);
        return null;
    }

    // RFC 9126 section 2.2
    private static (string Reference, TimeSpan Lifetime) Read(JsonElement json)
    {
        if (json.Text("request_uri") is not { Length: > 0 and <= 2048 } reference || reference.AsSpan().ContainsAnyExceptInRange('!', '~') || !Uri.TryCreate(reference, UriKind.Absolute, out _))
            throw Malformed("request_uri of at most 2048 visible characters", "there is none, or another one");
        return json.TrySeconds("expires_in", MaxLifetime, out var lifetime) && lifetime is { } time ? (reference, time) : throw Malformed("expires_in as a number of seconds above zero", "it is something else");
    }

    private static ProtocolViolationException Malformed(string expected, string actual) => new("pushed_answer", $"{expected} (RFC 9126 section 2.2)", actual);
}
