using System.Text.Json;

namespace ProofKey.Client;

/// <summary>What a device got to begin with, every member checked (RFC 8628 section 3.2).</summary>
internal sealed record DeviceAuthorization(string DeviceCode, string UserCode, Uri VerificationUri, Uri? VerificationUriComplete, TimeSpan Lifetime, TimeSpan Interval)
{
    private const string What = "the device authorization answer";

    private static readonly TimeSpan DefaultInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan MaxInterval = TimeSpan.FromMinutes(5);

    /// <summary>A code that the server lets live longer is polled no longer than this.</summary>
    public static readonly TimeSpan MaxLifetime = TimeSpan.FromHours(1);

    /// <summary>Asks for the codes (RFC 8628 section 3.1).</summary>
    public static async Task<(DeviceAuthorization? Codes, OAuthError? Error)> AskAsync(PublicClient client, Uri endpoint, CancellationToken cancel)
    {
        var options = client.Options;
        var form = Parameters.Of(new KeyValuePair<string, string>("client_id", options.ClientId));
        if (!options.Scope.IsEmpty) form = form.With("scope", options.Scope.ToString());
        foreach (var resource in options.Resources) form = form.With("resource", resource);
        var answer = await client.Backchannel.PostAsync(What, endpoint, form, cancel);
        if (!answer.IsJson) throw TokenEndpoint.NotJson(answer);
        return answer.IsSuccess ? (Read(answer.Object(), options.Issuer), null) : (null, TokenEndpoint.Refusal(answer, []));
    }

    public override string ToString() => nameof(DeviceAuthorization);

    private static DeviceAuthorization Read(JsonElement json, Issuer issuer)
    {
        var deviceCode = Text(json, "device_code");
        if (deviceCode.AsSpan().ContainsAnyExceptInRange('!', '~')) throw Malformed("device_code of visible ASCII", "it holds other characters");
        var userCode = Text(json, "user_code");
        // It is shown on a terminal, and typed by a person.
        if (userCode.Length > 64 || userCode.AsSpan().ContainsAnyExceptInRange(' ', '~')) throw Malformed("user_code of at most 64 printable characters", "it is something else");
        var address = Address(json, "verification_uri", issuer) ?? throw Malformed("verification_uri", "there is none");
        var lifetime = Seconds(json, "expires_in", MaxLifetime) ?? throw Malformed("expires_in", "there is none");
        var interval = Seconds(json, "interval", MaxInterval) ?? DefaultInterval;
        return new DeviceAuthorization(deviceCode, userCode, address, Address(json, "verification_uri_complete", issuer), lifetime, interval);
    }

    private static string Text(JsonElement json, string name) => json.Text(name) is { Length: > 0 } text ? text : throw Malformed(name, "there is none");

    private static TimeSpan? Seconds(JsonElement json, string name, TimeSpan most) =>
        json.TrySeconds(name, most, out var time) ? time : throw Malformed($"{name} as a number of seconds above zero", "it is something else");

    // The person is sent there, so it is held to what an endpoint is held to.
    private static Uri? Address(JsonElement json, string name, Issuer issuer)
    {
        if (!json.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        var good = Uri.TryCreate(value.ValueKind == JsonValueKind.String ? value.GetString() : null, UriKind.Absolute, out var uri)
            && Issuer.IsHttpsOrLoopback(uri) && (uri.Scheme == Uri.UriSchemeHttps || !issuer.IsHttps) && BrowserAddress.TryMake(uri, out uri);
        return good ? uri : throw Malformed($"{name} as an https address", $"it is {ServerText.Shown(value.ToString())}");
    }

    private static ProtocolViolationException Malformed(string expected, string actual) => new("device_answer", $"{expected} (RFC 8628 section 3.2)", actual);
}
