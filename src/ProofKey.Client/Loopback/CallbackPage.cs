using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;

namespace ProofKey.Client.Loopback;

/// <summary>
/// What the browser shows at the end, when it is known how it went: who signed in to what, or why nobody did and what to do. What others
/// wrote is cut, plain and escaped; no code and no token is ever among it.
/// </summary>
internal sealed class CallbackPage
{
    private const string Style =
        """
        :root{color-scheme:light dark;--desk:#eceae2;--sheet:#fffefa;--ink:#1b2421;--quiet:#54605a;--line:#dcd9cd;--good:#0d5c4d;--bad:#8f2318}
        @media (prefers-color-scheme:dark){:root{--desk:#0c1210;--sheet:#151d1a;--ink:#e9eeea;--quiet:#a4b0aa;--line:#2c3733;--good:#8cd8c2;--bad:#ffb7a8}}
        body{margin:0;min-height:100vh;display:grid;place-content:safe center;grid-template-columns:minmax(0,27rem);background:var(--desk);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
        main{margin:1rem;padding:2rem;background:var(--sheet);border:1px solid var(--line);border-radius:1rem}
        svg{display:block;width:3rem;height:3rem;fill:none;stroke-width:3;stroke-linecap:round;stroke-linejoin:round}
        .good{stroke:var(--good)}.bad{stroke:var(--bad)}
        h1{font-size:1.6rem;line-height:1.2;margin:1rem 0 .5rem}p{margin:.5rem 0 0;color:var(--quiet);overflow-wrap:anywhere}b{color:var(--ink)}
        """;

    private const string Close = "You can close this window and go back to the program that opened it.";

    private const int MaxLength = 300;

    private const string Tick = "<svg class=\"good\" viewBox=\"0 0 32 32\" aria-hidden=\"true\"><circle cx=\"16\" cy=\"16\" r=\"13\"/><path d=\"M10 16.5l4.2 4.5L22 12\"/></svg>";

    private const string Cross = "<svg class=\"bad\" viewBox=\"0 0 32 32\" aria-hidden=\"true\"><circle cx=\"16\" cy=\"16\" r=\"13\"/><path d=\"M11.5 11.5l9 9m0-9l-9 9\"/></svg>";

    private CallbackPage(string mark, string title, params string[] paragraphs) => Html =
        $"<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        + $"<title>{title}</title>\n<style>{Style}</style>\n</head>\n<body>\n<main>\n{mark}\n<h1>{title}</h1>\n"
        + string.Concat(paragraphs.Select(paragraph => $"<p>{paragraph}</p>\n"))
        + "</main>\n</body>\n</html>\n";

    /// <summary>Nothing may load, run, frame or be sent; only our one style applies.</summary>
    public static string SecurityPolicy { get; } =
        $"default-src 'none'; style-src 'sha256-{Convert.ToBase64String(Secret.Digest(Style))}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>For what should not happen.</summary>
    public static CallbackPage Unknown { get; } = new(Cross, "The sign-in did not work", "Something went wrong. The program that opened this window says what; you can close it and try again.");

    public string Html { get; }

    /// <param name="result">How it ended.</param>
    /// <param name="options">What was asked for.</param>
    /// <param name="name">What the person is called, where the ID token does not say.</param>
    public static CallbackPage For(SignInResult result, ClientOptions options, string? name = null) => result switch
    {
        SignInResult.SignedIn { Session: var session } => new(
            Tick, "You are signed in", $"You are {Bold(NameOf(session.Claims) ?? name ?? session.Subject ?? "somebody")} at {Bold(HostOf(options))}, in the program {Bold(options.ClientId)}.", Close),
        SignInResult.Cancelled => new(Cross, "You did not sign in", $"You said no at {Bold(HostOf(options))}, and nothing was changed.", Close),
        SignInResult.Refused { Error: var error, Remedy: var remedy } => new(
            Cross, "The sign-in was refused", $"{Bold(HostOf(options))} said {Bold(error.Code)}: {Plain(error.Description)}", Plain(remedy), Close),
        SignInResult.Unavailable { Problem: var problem } => Failed(problem),
        SignInResult.Rejected { Violation: var violation } => Failed(violation.Code, violation.Expected, violation.Actual, violation.Remedy),
        _ => Unknown,
    };

    public static CallbackPage Failed(ClientException problem) => Failed(problem.Code, problem.Expected, problem.Actual, problem.Remedy);

    public override string ToString() => nameof(CallbackPage);

    private static CallbackPage Failed(string code, string expected, string actual, string remedy) =>
        new(Cross, "The sign-in did not work", $"Expected {Plain(expected)}, but {Plain(actual)}.", Plain(remedy), $"The name of this problem is {Bold(code)}. {Close}");

    private static string Bold(string text) => $"<b>{Plain(text)}</b>";

    private static string HostOf(ClientOptions options) => new Uri(options.Issuer.Value).Authority;

    /// <summary>What claims call a person, if they do.</summary>
    public static string? NameOf(JsonElement claims)
    {
        if (claims.ValueKind != JsonValueKind.Object) return null;
        foreach (var name in (string[])["name", "preferred_username", "email"])
            if (claims.Text(name) is { Length: > 0 } text) return text;
        return null;
    }

    // What steers a page or turns its text around is no part of a name.
    private static string Plain(string text)
    {
        var plain = new StringBuilder();
        foreach (var rune in text.EnumerateRunes().Take(MaxLength))
            plain.Append(Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator ? "?" : rune.ToString());
        return WebUtility.HtmlEncode(plain.ToString());
    }
}
