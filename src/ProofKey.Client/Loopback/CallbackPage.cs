namespace ProofKey.Client.Loopback;

/// <summary>
/// What the browser shows at the end: fixed sentences, so that nothing that a server sent, and no code or token, can be in them.
/// </summary>
internal sealed class CallbackPage
{
    private const string Style =
        ":root{color-scheme:light dark}body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:18vh auto 0;padding:0 1.5rem}h1{font-size:1.6rem;margin:0 0 .5rem}";

    private CallbackPage(string title, string text) => Html =
        $"<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        + $"<title>{title}</title>\n<style>{Style}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n<p>{text}</p>\n</main>\n</body>\n</html>\n";

    /// <summary>Nothing may load, run, frame or be sent; only our one style applies.</summary>
    public static string SecurityPolicy { get; } =
        $"default-src 'none'; style-src 'sha256-{Convert.ToBase64String(Secret.Digest(Style))}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    public static CallbackPage SignedIn { get; } = new("You are signed in", "You can close this window and go back to the program that opened it.");

    public static CallbackPage Denied { get; } = new("You did not sign in", "You said no, and nothing was changed. You can close this window.");

    public static CallbackPage Refused { get; } = new("The sign-in was refused", "The server did not let you in. The program that opened this window says why; you can close it.");

    public static CallbackPage Failed { get; } = new("The sign-in did not work", "Something went wrong. The program that opened this window says what; you can close it and try again.");

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
