using System.Net;
using ProofKey.Jose;

namespace ProofKey.Client;

/// <summary>
/// What an API says of an access token that it does not take, in <c>WWW-Authenticate</c> (RFC 6750 section 3, RFC 9449 section 7.1). It is
/// text of a server that need not be a friend: read strictly, and shown only through <see cref="ServerText"/>.
/// </summary>
internal sealed class Challenge
{
    private const int MaxLength = 8192;

    private readonly Dictionary<string, string> _parameters;

    private Challenge(bool isDpop, Dictionary<string, string> parameters) => (IsDpop, _parameters) = (isDpop, parameters);

    /// <summary>Whether it is one for bound tokens.</summary>
    public bool IsDpop { get; }

    /// <summary>Why the token was not taken, such as <c>invalid_token</c>.</summary>
    public string? Error => this["error"];

    public string? this[string name] => _parameters.GetValueOrDefault(name);

    /// <summary>The challenges of an answer that are about access tokens and well-formed.</summary>
    public static IReadOnlyList<Challenge> Of(HttpResponseMessage answer)
    {
        if (answer.StatusCode is not (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.BadRequest)) return [];
        var found = new List<Challenge>();
        foreach (var challenge in answer.Headers.WwwAuthenticate)
        {
            var isDpop = challenge.Scheme.Equals(Dpop.Scheme, StringComparison.OrdinalIgnoreCase);
            if ((isDpop || challenge.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase)) && Read(challenge.Parameter ?? "") is { } parameters) found.Add(new Challenge(isDpop, parameters));
        }
        return found;
    }

    public override string ToString() => nameof(Challenge);

    // RFC 9110 section 11.2: name=token or name="quoted", with commas between; what comes twice means nothing
    private static Dictionary<string, string>? Read(string text)
    {
        if (text.Length > MaxLength) return null;
        var parameters = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var rest = text.AsSpan().Trim();
        while (!rest.IsEmpty)
        {
            var equals = rest.IndexOf('=');
            if (equals <= 0) return null;
            var name = rest[..equals].Trim().ToString();
            rest = rest[(equals + 1)..].TrimStart();
            if (!TryTakeValue(ref rest, out var value) || !parameters.TryAdd(name, value)) return null;
            rest = rest.TrimStart();
            if (!rest.IsEmpty && rest[0] != ',') return null;
            rest = rest.TrimStart(" ,\t");
        }
        return parameters;
    }

    private static bool TryTakeValue(ref ReadOnlySpan<char> rest, out string value)
    {
        if (rest.IsEmpty || rest[0] != '"')
        {
            var end = rest.IndexOf(',');
            value = (end < 0 ? rest : rest[..end]).TrimEnd().ToString();
            rest = end < 0 ? [] : rest[end..];
            return value.Length > 0 && !value.Contains('"', StringComparison.Ordinal);
        }
        var text = new System.Text.StringBuilder();
        for (var i = 1; i < rest.Length; i++)
        {
            if (rest[i] == '"')
            {
                value = text.ToString();
                rest = rest[(i + 1)..];
                return true;
            }
            if (rest[i] == '\\' && i + 1 < rest.Length) i++;
            text.Append(rest[i]);
        }
        value = "";
        return false;
    }
}
