namespace ProofKey.Client.Loopback;

/// <summary>
/// What the browser shows at the end: fixed sentences, so that nothing that a server sent, and no code or token, can be in them.
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
        h1{font-size:1.6rem;line-height:1.2;margin:1rem 0 .5rem}p{margin:0;color:var(--quiet)}
        """;

    private const string Tick = "<svg class=\"good\" viewBox=\"0 0 32 32\" aria-hidden=\"true\"><circle cx=\"16\" cy=\"16\" r=\"13\"/><path d=\"M10 16.5l4.2 4.5L22 12\"/></svg>";

    private const string Cross = "<svg class=\"bad\" viewBox=\"0 0 32 32\" aria-hidden=\"true\"><circle cx=\"16\" cy=\"16\" r=\"13\"/><path d=\"M11.5 11.5l9 9m0-9l-9 9\"/></svg>";

    private CallbackPage(string mark, string title, string text) => Html =
        $"<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        + $"<title>{title}</title>\n<style>{Style}</style>\n</head>\n<body>\n<main>\n{mark}\n<h1>{title}</h1>\n<p>{text}</p>\n</main>\n</body>\n</html>\n";

    /// <summary>Nothing may load, run, frame or be sent; only our one style applies.</summary>
    public static string SecurityPolicy { get; } =
        $"default-src 'none'; style-src 'sha256-{Convert.ToBase64String(Secret.Digest(Style))}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    public static CallbackPage SignedIn { get; } = new(Tick, "You are signed in", "You can close this window and go back to the program that opened it.");

    public static CallbackPage Denied { get; } = new(Cross, "You did not sign in", "You said no, and nothing was changed. You can close this window.");

    public static CallbackPage Refused { get; } = new(Cross, "The sign-in was refused", "The server did not let you in. The program that opened this window says why; you can close it.");

    public static CallbackPage Failed { get; } = new(Cross, "The sign-in did not work", "Something went wrong. The program that opened this window says what; you can close it and try again.");

    public string Html { get; }

    public static CallbackPage For(SignInResult result) => result switch
    {
        SignInResult.SignedIn => SignedIn,
        SignInResult.Cancelled => Denied,
        SignInResult.Refused => Refused,
        _ => Failed,
    };

    public override string ToString() => nameof(CallbackPage);
}
