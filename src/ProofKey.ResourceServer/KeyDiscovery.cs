using System.Net;
using System.Text.Json;
using ProofKey.Jose;

namespace ProofKey.ResourceServer;

/// <summary>
/// Fetches an issuer's public keys by way of its metadata. It speaks https, or http on a loopback host, follows no redirect, and reads
/// no more than <see cref="MaxLength"/> of any document.
/// </summary>
internal sealed class KeyDiscovery : IDisposable
{
    public const int MaxLength = 64 * 1024;

    private readonly HttpClient _http;
    private readonly Issuer _issuer;
    private readonly Uri[] _metadataAddresses;

    public KeyDiscovery(ResourceServerOptions options)
    {
        _issuer = options.Issuer;
        _metadataAddresses = options.MetadataAddress is { } only ? [only] : [_issuer.MetadataAddress, _issuer.OpenIdConfigurationAddress];
        _http = options.BackchannelHttpHandler is { } handler ? new(handler, disposeHandler: false) : new(NewHandler());
        _http.MaxResponseContentBufferSize = MaxLength;
        _http.Timeout = Timeout.InfiniteTimeSpan;
    }

    /// <exception cref="HttpRequestException">The issuer cannot be reached, or sent too much.</exception>
    /// <exception cref="InvalidDataException">The issuer sent something else than what it should.</exception>
    public async Task<JwkSet> FetchAsync(CancellationToken cancellation)
    {
        var address = await FindAsync(cancellation);
        var json = await GetAsync(address, cancellation);
        if (!JwkSet.TryParse(json, out var keys, out var problem)) throw new InvalidDataException($"{address} holds no key set: {problem}");
        if (keys.Keys.Count == 0) throw new InvalidDataException($"{address} holds no key for ES256, RS256 or PS256.");
        return keys;
    }

    public void Dispose() => _http.Dispose();

    internal static SocketsHttpHandler NewHandler() => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        Proxy = new DirectToLoopback(HttpClient.DefaultProxy),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    };

    private async Task<Uri> FindAsync(CancellationToken cancellation)
    {
        var problems = new List<string>();
        foreach (var address in _metadataAddresses)
        {
            try
            {
                return KeysNamedBy(address, await GetAsync(address, cancellation));
            }
            catch (Exception problem) when (problem is HttpRequestException or InvalidDataException)
            {
                problems.Add(problem.Message);
            }
        }
        throw new InvalidDataException(string.Join(' ', problems));
    }

    private Uri KeysNamedBy(Uri address, byte[] json)
    {
        var metadata = Parse(address, json);
        // RFC 8414 section 3.3: identical to the issuer that the address was made from.
        if (metadata.Issuer != _issuer.Value)
            throw new InvalidDataException($"{address} names the issuer {metadata.Issuer}, expected {_issuer}; write the issuer exactly as its metadata does.");
        if (!Uri.TryCreate(metadata.JwksUri, UriKind.Absolute, out var keys) || !Issuer.IsHttpsOrLoopback(keys))
            throw new InvalidDataException($"{address} names no https jwks_uri.");
        // Who was asked over https does not send us to a plain address.
        if (address.Scheme == Uri.UriSchemeHttps && keys.Scheme != Uri.UriSchemeHttps)
            throw new InvalidDataException($"{address} names a jwks_uri without TLS.");
        return keys;
    }

    private static ServerMetadata Parse(Uri address, byte[] json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, Wire.Default.ServerMetadata) ?? throw new InvalidDataException($"{address} holds null.");
        }
        catch (JsonException problem)
        {
            throw new InvalidDataException($"{address} holds no server metadata: {problem.Message}", problem);
        }
    }

    private async Task<byte[]> GetAsync(Uri address, CancellationToken cancellation)
    {
        using var response = await _http.GetAsync(address, cancellation);
        if (response.StatusCode != HttpStatusCode.OK) throw new InvalidDataException($"{address} answered {(int)response.StatusCode}.");
        // A handler that is not ours may follow redirects; where it ended is not where the issuer said.
        if (response.RequestMessage is { RequestUri: { } ended } && ended != address) throw new InvalidDataException($"{address} redirects.");
        return await response.Content.ReadAsByteArrayAsync(cancellation);
    }
}
