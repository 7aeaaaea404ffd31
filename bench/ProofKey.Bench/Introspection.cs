using System.Text;
using System.Text.Json;

namespace ProofKey.Bench;

/// <summary>An API that asks about each token that it gets (RFC 7662), over one connection, with every answer checked.</summary>
internal sealed class Introspection(IssuerUnderLoad issuer, IntrospectionEnds ends, IReadOnlyList<string> tokens) : IDisposable
{
    private const int ForgedEach = 1000;

    private readonly LeanConnection _connection = new(issuer.IntrospectionEndpoint ?? throw new InvalidOperationException("The issuer has no introspection endpoint."));
    private readonly string _head =
        $"POST {issuer.IntrospectionEndpoint!.AbsolutePath} HTTP/1.1\r\nHost: {issuer.IntrospectionEndpoint.Authority}\r\nAuthorization: Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{ends.Id}:{ends.Secret}"))}\r\nContent-Type: application/x-www-form-urlencoded\r\n";

    private int _asked;

    /// <summary>Asks about the next of the tokens. Each is good; now and then its signature is another's, and then it must not be.</summary>
    public void Ask()
    {
        var token = tokens[_asked % tokens.Count];
        if (++_asked % ForgedEach != 0) Ask(token, isGood: true);
        else Ask(Forged(token), isGood: false);
    }

    /// <summary>Asks about one token.</summary>
    public void Ask(string token, bool isGood)
    {
        var body = $"token={token}";
        var answer = _connection.Send($"{_head}Content-Length: {body.Length}\r\n\r\n{body}");
        var (start, end) = (answer.Body.IndexOf('{', StringComparison.Ordinal), answer.Body.LastIndexOf('}'));
        Demand(answer.Status == 200 && start >= 0, $"The introspection endpoint answered {answer.Status}: {answer.Body}");
        var facts = JsonElement.Parse(answer.Body.AsSpan(start..(end + 1)));
        // RFC 7662 section 2.2
        Demand(facts.GetProperty("active").GetBoolean() == isGood, isGood ? "A good token was said not to be." : "A token that is not good was said to be.");
        if (!isGood) return;
        Demand(facts.GetProperty("iss").ValueEquals(issuer.Issuer), "The token has another issuer.");
        Demand(facts.GetProperty("aud").ValueEquals(ends.Api), "The token is for another API.");
        Demand(facts.GetProperty("client_id").ValueEquals(ends.Client.Id), "The token is another client's.");
        Demand(facts.GetProperty("sub").GetString()?.Length > 0 && facts.GetProperty("exp").GetInt64() > TimeProvider.System.GetUtcNow().ToUnixTimeSeconds(), "The answer says neither for whom nor until when.");
    }

    public void Dispose() => _connection.Dispose();

    // Another letter in the middle of the signature: the last one has bits that count for nothing.
    private static string Forged(string token) => $"{token[..^20]}{(token[^20] == 'A' ? 'B' : 'A')}{token[^19..]}";

    private static void Demand(bool holds, string otherwise)
    {
        if (!holds) throw new InvalidOperationException(otherwise);
    }
}

/// <summary>Who asks, and about whose tokens.</summary>
/// <param name="Id">The API as a client.</param>
/// <param name="Secret">Its secret.</param>
/// <param name="Api">Its address, which tokens are for.</param>
/// <param name="Client">The public client that gets such tokens.</param>
internal sealed record IntrospectionEnds(string Id, string Secret, string Api, LoadClient Client)
{
    public override string ToString() => Id;
}
