using System.Text;

namespace ProofKey.Cli.Sessions;

/// <summary>What git asks a credential helper (git-credential(1), "Input/output format").</summary>
/// <param name="Origin">The server, such as <c>https://git.example.com</c>; empty where git names none over http.</param>
/// <param name="HasUserName">Whether git knows the user's name already, from the address.</param>
internal sealed record GitRequest(string Origin, bool HasUserName)
{
    // Git's own lines are short.
    private const int MaxLines = 100;

    private static readonly GitRequest Nothing = new("", HasUserName: false);

    /// <summary>Reads lines up to the first empty one. What is not known is passed over, as git asks for; with a line that git would not write, nothing is asked for.</summary>
    public static GitRequest Read(TextReader input)
    {
        var said = new Dictionary<string, string>();
        for (var lines = 0; lines < MaxLines && ReadLine(input) is { Length: > 0 } line; lines++)
        {
            // A value with a line end of another system's was put there to be read as two lines, the second of which names another host.
            if (line.AsSpan().IndexOfAny('\r', '\0') >= 0) return Nothing;
            if (line.IndexOf('=', StringComparison.Ordinal) is > 0 and var equals) said[line[..equals]] = line[(equals + 1)..];
        }
        var (scheme, host) = (said.GetValueOrDefault("protocol"), said.GetValueOrDefault("host"));
        var origin = scheme is "https" or "http" && TryOrigin($"{scheme}://{host}", out var found) ? found : "";
        return new GitRequest(origin, said.ContainsKey("username"));
    }

    // git-credential(1): a newline ends a line, and nothing else does.
    private static string? ReadLine(TextReader input)
    {
        var line = new StringBuilder();
        for (int character; (character = input.Read()) >= 0;)
        {
            if (character == '\n') return line.ToString();
            line.Append((char)character);
        }
        return line.Length > 0 ? line.ToString() : null;
    }

    /// <summary>The origin of an address to which a token may go: https, or this machine.</summary>
    public static bool TryOrigin(string text, out string origin)
    {
        var good = Uri.TryCreate(text, UriKind.Absolute, out var address) && address is { UserInfo: "", PathAndQuery: "/", Fragment: "" }
            && (address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback));
        origin = good ? address!.GetLeftPart(UriPartial.Authority) : "";
        return good;
    }
}
