using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace ProofKey.Cli.Doctor;

/// <summary>
/// Looks at a server from outside, by its public address, and names what the way there loses: scheme, host, path, cookies, headers, long requests. It
/// signs nobody in and changes nothing.
/// </summary>
internal sealed class ServerCheckup(Issuer issuer, HttpClient http, CancellationToken cancellation)
{
    private const string SendOn = "Send every path of the issuer on to the server, and set --issuer to the address that clients use.";

    private const string NobodyThere = "Check that the server runs, and that its name leads to the proxy.";

    private static readonly string[] PageHeaders = ["Content-Security-Policy", "X-Frame-Options", "Referrer-Policy", "Cache-Control"];

    /// <summary>Runs all checks, in the order in which they make sense.</summary>
    public async Task<List<Finding>> RunAsync()
    {
        var found = new List<Finding>();
        JsonDocument? metadata = null;
        found.Add(await TryAsync("metadata", async () => (await MetadataAsync("metadata", issuer.OpenIdConfigurationAddress, document => metadata = document))));
        if (metadata is null) return found;
        found.Add(await TryAsync("well-known", () => MetadataAsync("well-known", issuer.MetadataAddress, _ => { })));
        found.Add(await TryAsync("endpoints", () => Task.FromResult(Endpoints(metadata.RootElement))));
        found.Add(await TryAsync("keys", KeysAsync));
        found.Add(await TryAsync("hsts", HstsAsync));
        found.Add(await TryAsync("pages", PagesAsync));
        found.Add(await TryAsync("cookies", CookiesAsync));
        found.Add(await TryAsync("cors", CorsAsync));
        found.Add(await TryAsync("errors", ErrorsAsync));
        found.Add(await TryAsync("long bodies", LongBodyAsync));
        found.Add(await TryAsync("long addresses", LongAddressAsync));
        found.Add(await TryAsync("authorization", AuthorizationAsync));
        return found;
    }

    private async Task<Finding> TryAsync(string name, Func<Task<Finding>> check)
    {
        try
        {
            return await check();
        }
        catch (HttpRequestException exception)
        {
            return exception.HttpRequestError == HttpRequestError.SecureConnectionError
                ? Finding.Broken(name, "The certificate is not accepted.", "Give the proxy a certificate for this host from an authority that clients know.")
                : Finding.Broken(name, $"Nobody answers ({exception.HttpRequestError}).", NobodyThere);
        }
        catch (SocketException broken)
        {
            return Finding.Broken(name, $"Nobody answers ({broken.SocketErrorCode}).", NobodyThere);
        }
        catch (TaskCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Finding.Broken(name, "No answer within ten seconds.", "Check the way from the proxy to the server.");
        }
        catch (Exception exception) when (exception is JsonException or FormatException or InvalidOperationException or KeyNotFoundException or InvalidDataException)
        {
            return Finding.Broken(name, "Something else than the server answers.", SendOn);
        }
    }

    private async Task<Finding> MetadataAsync(string name, Uri address, Action<JsonDocument> keep)
    {
        using var answer = await http.GetAsync(address, cancellation);
        if ((int)answer.StatusCode is >= 300 and < 400) return Redirected(name, address, answer.Headers.Location);
        if (answer.StatusCode != HttpStatusCode.OK)
        {
            return Finding.Broken(name, $"{address} answers {(int)answer.StatusCode}.", answer.StatusCode == HttpStatusCode.NotFound
                ? $"The path is lost on the way: send {address.AbsolutePath} on to the server as well." : "Check that the server runs, and that the proxy reaches it.");
        }
        var document = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(cancellation));
        var said = document.RootElement.GetProperty("issuer").GetString();
        if (said == issuer.Value)
        {
            keep(document);
            return Finding.Fine(name, $"{address} names the issuer.");
        }
        return Finding.Broken(name, $"The server says that its issuer is {said}: {Difference(said)} differs.", $"Start it with --issuer {issuer.Value}, or ask for the issuer that it says.");
    }

    private static Finding Redirected(string name, Uri address, Uri? location)
    {
        var to = location is null ? null : new Uri(address, location);
        var lost = to is null ? "The request" : to.Scheme != address.Scheme ? "The scheme" : to.Authority != address.Authority ? "The host" : "The path";
        return Finding.Broken(name, $"{lost} is lost on the way: {address} leads to {to}.", "Let the proxy serve this address itself; clients do not follow redirects here.");
    }

    private string Difference(string? said) => !Uri.TryCreate(said, UriKind.Absolute, out var other) ? "all of it"
        : !issuer.Value.StartsWith(other.Scheme + ":", StringComparison.Ordinal) ? "the scheme"
        : other.GetLeftPart(UriPartial.Authority) != issuer.Origin ? "the host" : "the path";

    private Finding Endpoints(JsonElement metadata)
    {
        var elsewhere = metadata.EnumerateObject().Where(member => (member.Name.EndsWith("_endpoint", StringComparison.Ordinal) || member.Name == "jwks_uri")
            && member.Value.GetString()?.StartsWith(issuer.Origin + issuer.Path + "/", StringComparison.Ordinal) != true).Select(member => member.Name).ToList();
        return elsewhere.Count == 0 ? Finding.Fine("endpoints", "All of them are at the issuer's address.")
            : Finding.Broken("endpoints", $"{string.Join(", ", elsewhere)} lead elsewhere.", "Let the proxy pass the metadata on as it is.");
    }

    private async Task<Finding> KeysAsync()
    {
        using var answer = await http.GetAsync(Address("/jwks"), cancellation);
        var count = answer.StatusCode == HttpStatusCode.OK ? JsonDocument.Parse(await answer.Content.ReadAsStringAsync(cancellation)).RootElement.GetProperty("keys").GetArrayLength() : 0;
        return count == 0 ? Finding.Broken("keys", $"{Address("/jwks")} answers {(int)answer.StatusCode} and no keys.", SendOn)
            : answer.Headers.CacheControl?.MaxAge is null ? Finding.Broken("keys", "Cache-Control is lost on the way.", "Let the proxy leave Cache-Control as it is.")
            : Finding.Fine("keys", $"{count} public keys.");
    }

    private async Task<Finding> HstsAsync()
    {
        if (!issuer.IsHttps) return Finding.Fine("hsts", "Plain http on this machine needs none.");
        using var answer = await http.GetAsync(Address("/authorize"), cancellation);
        var header = Header(answer, "Strict-Transport-Security");
        var seconds = header?.Split(';').Select(part => part.Trim()).FirstOrDefault(part => part.StartsWith("max-age=", StringComparison.OrdinalIgnoreCase))?[8..];
        return long.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out var age) && age >= 31_536_000 ? Finding.Fine("hsts", "Browsers stay on https.")
            : Finding.Broken("hsts", header is null ? "Strict-Transport-Security is lost on the way." : $"Strict-Transport-Security is {header}.", "Let the proxy leave the header as it is, or set max-age=31536000 or more.");
    }

    private async Task<Finding> PagesAsync()
    {
        using var answer = await http.GetAsync(Address("/authorize"), cancellation);
        if (answer.StatusCode != HttpStatusCode.BadRequest) return Finding.Broken("pages", $"The error page comes with {(int)answer.StatusCode} instead of 400.", "Let the proxy pass error pages on as they are.");
        string[] lost = [.. PageHeaders.Where(name => Header(answer, name) is null)];
        return lost.Length == 0 ? Finding.Fine("pages", "Pages keep the headers that protect them.")
            : Finding.Broken("pages", $"Lost on the way: {string.Join(", ", lost)}.", "Let the proxy leave these headers as they are.");
    }

    // The page of devices needs no client: it leads to the sign-in page, which sets a cookie.
    private async Task<Finding> CookiesAsync()
    {
        using var sent = await http.GetAsync(Address("/device"), cancellation);
        var to = sent.Headers.Location is { } location ? new Uri(Address("/device"), location) : null;
        if (to is null || to.GetLeftPart(UriPartial.Path) != Address("/signin").ToString())
            return Finding.Broken("cookies", $"The way to the sign-in page leads to {to?.GetLeftPart(UriPartial.Path) ?? "nowhere"}.", "Let the proxy leave Location as it is: it is a path of the issuer.");
        using var page = await http.GetAsync(to, cancellation);
        var cookie = page.Headers.TryGetValues("Set-Cookie", out var all) ? all.FirstOrDefault(value => value.Contains("proofkey-browser=", StringComparison.Ordinal)) : null;
        if (cookie is null) return Finding.Broken("cookies", "Set-Cookie is lost on the way.", "Let the proxy pass cookies on; nobody can sign in without.");
        var attributes = cookie.Split(';').Skip(1).Select(part => part.Trim().ToLowerInvariant()).ToHashSet();
        string[] needed = issuer.IsHttps ? ["path=/", "httponly", "samesite=lax", "secure"] : ["path=/", "httponly", "samesite=lax"];
        string[] lost = [.. needed.Where(attribute => !attributes.Contains(attribute))];
        var added = attributes.FirstOrDefault(attribute => attribute.StartsWith("domain=", StringComparison.Ordinal));
        return lost.Length > 0 || added is not null
            ? Finding.Broken("cookies", $"The cookie has changed on the way: {string.Join(", ", lost.Select(attribute => $"no {attribute}").Concat(added is null ? [] : [added]))}.", "Let the proxy leave Set-Cookie as it is (no rewriting of path, domain or flags).")
            : Finding.Fine("cookies", "Cookies come through as they were set.");
    }

    private async Task<Finding> CorsAsync()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, issuer.OpenIdConfigurationAddress);
        request.Headers.Add("Origin", "https://doctor.example");
        using var answer = await http.SendAsync(request, cancellation);
        using var preflight = new HttpRequestMessage(HttpMethod.Options, Address("/token"));
        preflight.Headers.Add("Origin", "https://doctor.example");
        preflight.Headers.Add("Access-Control-Request-Method", "POST");
        using var allowed = await http.SendAsync(preflight, cancellation);
        return Header(answer, "Access-Control-Allow-Origin") != "*" ? Finding.Broken("cors", "Access-Control-Allow-Origin is lost on the way.", "Let the proxy leave the Access-Control headers as they are; pages need them.")
            : Header(allowed, "Access-Control-Allow-Origin") is not null ? Finding.Broken("cors", "The proxy lets every origin read tokens.", "Let the server answer preflights; it knows the origins of its clients.")
            : allowed.StatusCode != HttpStatusCode.NoContent ? Finding.Broken("cors", $"A preflight is answered {(int)allowed.StatusCode}.", "Send OPTIONS requests on to the server.")
            : Finding.Fine("cors", "Pages of registered origins can read what they may.");
    }

    private async Task<Finding> ErrorsAsync()
    {
        using var answer = await PostAsync("none");
        return await IsOurRefusalAsync(answer) ? Finding.Fine("errors", "Refusals come through as they are.")
            : Finding.Broken("errors", $"A refusal of /token comes with {(int)answer.StatusCode} and {answer.Content.Headers.ContentType?.MediaType ?? "no type"}.", "Let the proxy pass answers of 400 and 401 on, with their bodies.");
    }

    private async Task<Finding> LongBodyAsync()
    {
        using var answer = await PostAsync(new string('p', 30_000));
        return await IsOurRefusalAsync(answer) ? Finding.Fine("long bodies", "30 KB come through.")
            : Finding.Broken("long bodies", $"A body of 30 KB is answered {(int)answer.StatusCode}.", "Let the proxy take bodies of 32 KB.");
    }

    private async Task<Finding> LongAddressAsync()
    {
        using var answer = await http.GetAsync(new Uri(Address("/authorize") + "?padding=" + new string('p', 7_000)), cancellation);
        return answer.StatusCode == HttpStatusCode.BadRequest && Header(answer, "Content-Security-Policy") is not null ? Finding.Fine("long addresses", "7 KB come through.")
            : Finding.Broken("long addresses", $"An address of 7 KB is answered {(int)answer.StatusCode}.", "Let the proxy take request lines of 16 KB (nginx: large_client_header_buffers).");
    }

    // With a token, /userinfo says invalid_token; without one it says nothing of errors.
    private async Task<Finding> AuthorizationAsync()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Address("/userinfo"));
        request.Headers.Authorization = new("Bearer", "doctor");
        using var answer = await http.SendAsync(request, cancellation);
        var challenge = Header(answer, "WWW-Authenticate");
        return challenge?.Contains("invalid_token", StringComparison.Ordinal) == true ? Finding.Fine("authorization", "Tokens come through, and so do challenges.")
            : Finding.Broken("authorization", challenge is null ? "WWW-Authenticate is lost on the way." : "Authorization is lost on the way.", "Let the proxy leave both headers as they are.");
    }

    private Task<HttpResponseMessage> PostAsync(string padding) =>
        http.PostAsync(Address("/token"), new FormUrlEncodedContent([new("grant_type", "doctor"), new("padding", padding)]), cancellation);

    private async Task<bool> IsOurRefusalAsync(HttpResponseMessage answer) => answer.StatusCode == HttpStatusCode.BadRequest && answer.Content.Headers.ContentType?.MediaType == "application/json"
        && (await answer.Content.ReadAsStringAsync(cancellation)).Contains("unsupported_grant_type", StringComparison.Ordinal);

    private Uri Address(string path) => new(issuer.Endpoint(path));

    private static string? Header(HttpResponseMessage answer, string name) => answer.Headers.TryGetValues(name, out var values) ? string.Join(", ", values) : null;
}
