using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text.Json;
using ProofKey.Cli.Output;
using ProofKey.Client.Providers;
using ProofKey.Jose;

namespace ProofKey.Cli.Doctor;

/// <summary>Looks at a provider as a client of it does before a sign-in: who answers, what its metadata promise, and whose clock is wrong.</summary>
internal sealed class ProviderCheckup(Issuer issuer, HttpClient http, TimeProvider time, CancellationToken cancellation)
{
    /// <summary>How much of an answer a client reads.</summary>
    public const int MostBytes = 64 * 1024;

    // Deeper than any metadata are.
    private const int MaxDepth = 16;

    private static readonly TimeSpan Notable = TimeSpan.FromSeconds(30);

    /// <summary>Runs all checks.</summary>
    public async Task<List<Finding>> RunAsync()
    {
        var found = new List<Finding>();
        try
        {
            var (metadata, date, refusal) = await ReadAsync();
            if (date is { } theirs) found.Add(Clock(time.GetUtcNow() - theirs));
            if (metadata is null && refusal is not null) found.Add(refusal);
            else if (metadata is null) found.Add(Finding.Broken("metadata", $"{issuer} has none.", "Check the issuer's address, and that an authorization server runs there."));
            else found.AddRange(Promises(metadata.Value));
        }
        catch (HttpRequestException untrusted) when (untrusted.InnerException is AuthenticationException)
        {
            found.Add(Finding.Broken("metadata", "The server's certificate is not trusted here.", "Check this machine's clock, and have it trust the certificate's authority (a proxy of a company may bring its own)."));
        }
        catch (HttpRequestException tooLong) when (tooLong.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            found.Add(Finding.Broken("metadata", $"{issuer} answers with more than {MostBytes / 1024} KiB.", "Check the issuer's address: a client reads no more of it."));
        }
        // A SocketException comes bare where a connection ends in the moment in which it is made.
        catch (Exception away) when (away is HttpRequestException or SocketException)
        {
            var reason = away is HttpRequestException { HttpRequestError: var error } ? $"{error}" : $"{((SocketException)away).SocketErrorCode}";
            found.Add(Finding.Broken("metadata", $"Nobody answers at {issuer} ({reason}).", "Check the address, the network, and the proxy."));
        }
        catch (TaskCanceledException) when (!cancellation.IsCancellationRequested)
        {
            found.Add(Finding.Broken("metadata", $"{issuer} does not answer within ten seconds.", "Check the network and the proxy, or try again later."));
        }
        return found;
    }

    // OpenID Connect Discovery section 4, else RFC 8414 section 3
    private async Task<(JsonElement? Metadata, DateTimeOffset? Date, Finding? Refusal)> ReadAsync()
    {
        (DateTimeOffset? date, Finding? refusal) = (null, null);
        foreach (var address in (Uri[])[issuer.OpenIdConfigurationAddress, issuer.MetadataAddress])
        {
            using var answer = await http.GetAsync(address, cancellation);
            // An answer out of a cache tells an old time.
            if (answer.Headers.Age is null) date ??= answer.Headers.Date;
            // The client asks for no compression, and unfolds none.
            if (answer.Content.Headers.ContentEncoding.Count > 0) refusal ??= Finding.Broken("metadata", $"{address} is compressed without being asked to be.", "Have the server, or what lies on the way, compress only what asks for it.");
            // JSON is UTF-8, whatever the answer calls it.
            else if (answer.StatusCode == HttpStatusCode.OK && StrictJson.TryParseObject(await answer.Content.ReadAsByteArrayAsync(cancellation), MaxDepth, out var metadata)) return (metadata, date, null);
            if (answer.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.NotFound)) refusal ??= Refused(address, answer);
        }
        return (null, date, refusal);
    }

    private static Finding Refused(Uri address, HttpResponseMessage answer) => (int)answer.StatusCode switch
    {
        >= 300 and < 400 => Finding.Broken("metadata", $"{address} leads to {(answer.Headers.Location is { } location && Uri.TryCreate(address, location, out var to) ? to.AbsoluteUri : "nowhere")}.", "Check the issuer's address: a client follows no redirects here."),
        429 or >= 500 => Finding.Broken("metadata", $"{address} answers {(int)answer.StatusCode}.", "Try again later, or ask whoever runs the server."),
        var status => Finding.Broken("metadata", $"{address} answers {status}.", "Check the issuer's address, and what lies on the way: metadata are for everyone."),
    };

    private Finding Clock(TimeSpan ahead) => ahead.Duration() < Notable ? Finding.Fine("clock", $"This machine and {new Uri(issuer.Value).Host} agree.")
        : Finding.Broken("clock", $"This machine's clock is {TimeText.Length(ahead.Duration())} {(ahead > TimeSpan.Zero ? "ahead of" : "behind")} the one of {new Uri(issuer.Value).Host}.", OperatingSystem.IsLinux() ? "Set it with: timedatectl set-ntp true" : "Have the system set it.");

    private IEnumerable<Finding> Promises(JsonElement metadata)
    {
        var said = metadata.TryGetProperty("issuer", out var named) && named.ValueKind == JsonValueKind.String ? named.GetString()! : "";
        // RFC 8414 section 3.3: to the character; an address that many tenants share names their template
        yield return said == IssuerRule.Of(issuer).InMetadata ? Finding.Fine("metadata", "The server names itself as you do.")
            : Finding.Broken("metadata", $"The server names itself {said}.", "Write the issuer as it does, down to the slash at its end; if it names another host, do not go on.");
        yield return Lists(metadata, "code_challenge_methods_supported") switch
        {
            null => new Finding("pkce", Finding.Warning, "Its metadata do not say whether it checks verifiers.", "login goes on with providers that are known to; with others say --accept-unadvertised-pkce if you know it."),
            var methods when methods.Contains(CodeChallenge.Method) => Finding.Fine("pkce", "S256 is promised."),
            _ => Finding.Broken("pkce", "It does not promise S256.", "Use a server that supports S256; there is no way down to a weaker method."),
        };
        yield return Finding.Fine("answers", Lists(metadata, "response_modes_supported")?.Contains("form_post") == true ? "They are posted, so that no address has a code in it." : "They come in an address (response_mode=query).");
        yield return Finding.Fine("device codes", metadata.TryGetProperty("device_authorization_endpoint", out _) ? "It has them; the client must be registered for them." : "It has none; --device does not work there.");
        yield return Finding.Fine("revocation", metadata.TryGetProperty("revocation_endpoint", out _) ? "logout takes back the tokens." : "It has none: after logout tokens end by themselves.");
        // OpenID Connect RP-Initiated Logout section 2.1
        var signsOut = KnownProviders.Find(issuer)?.OwnLogout is null && metadata.TryGetProperty("end_session_endpoint", out var page) && page.ValueKind == JsonValueKind.String;
        yield return Finding.Fine("sign-out", signsOut ? "logout --browser opens its page that signs the browser out." : "It names no page that signs the browser out; logout --browser does not work there.");
    }

    private static IReadOnlyList<string>? Lists(JsonElement metadata, string name) => metadata.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array
        ? [.. list.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!)] : null;
}
