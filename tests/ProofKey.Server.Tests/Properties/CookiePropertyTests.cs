using FsCheck.Fluent;
using Microsoft.AspNetCore.Http;
using ProofKey.Server.Http;
using ProofKey.Tests.Properties;

namespace ProofKey.Server.Tests.Properties;

/// <summary>The reader of cookies against one that was written apart from it.</summary>
public sealed class CookiePropertyTests
{
    private static readonly string Value = new('v', 43);

    private static readonly string[] Pieces =
    [
        "__Host-proofkey-session", "__%48ost-proofkey-session", "__host-proofkey-session", "proofkey-session", "__Host-proofkey-sessions", "__Host-proofkey-browser",
        "=", "==", ";", "; ", ";\t", " ", ",", "\"", Value, Value + "v", Value + "." + Value, ".", "short", "a=b", "\0", "é", "%3d",
    ];

    [Fact]
    [Assertion("UI-08")]
    public void A_cookie_counts_when_it_came_once_under_its_exact_name()
    {
        var cookies = new Cookies(new ServerOptions { IssuerAddress = "https://login.example" });
        var ours = Property.TextOf(3, $"__Host-proofkey-session={Value}; ", $"__Host-proofkey-session={Value}.{Value}", $"__Host-proofkey-session={Value}", $"__Host-proofkey-browser={Value}; ", "a=b; ");
        Property.Holds(Gen.OneOf(Property.TextOf(12, Pieces), ours, Property.AnyText(80)).ListOf(2), headers =>
        {
            var context = new DefaultHttpContext();
            context.Request.Headers.Cookie = headers.ToArray();
            var session = Expected(headers, "__Host-proofkey-session=")?.Split('.') ?? [];
            cookies.Sessions(context).ShouldBe(session.Length <= Cookies.MaxSessions && session.All(key => key.Length == 43) ? session : []);
            cookies.Browser(context).ShouldBe(Expected(headers, "__Host-proofkey-browser=") is { Length: 43 } browser ? browser : null);
        }, 3000);
    }

    private static string? Expected(IEnumerable<string> headers, string start)
    {
        var found = string.Join(';', headers).Split(';').Select(part => part.Trim(' ')).Where(part => part.StartsWith(start, StringComparison.Ordinal)).ToList();
        return found.Count == 1 ? found[0][start.Length..] : null;
    }
}
