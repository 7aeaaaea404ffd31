using Microsoft.AspNetCore.Http;

namespace ProofKey.Server.Http;

/// <summary>
/// The two cookies: the session, and the browser cookie that stands for a browser before anyone signed in. Names are compared as they
/// are sent, and a name that comes twice counts as absent: a sibling host may have planted one.
/// </summary>
internal sealed class Cookies(ServerOptions options)
{
    private readonly bool _isSecure = options.Issuer.IsHttps;

    // __Host-: only this very host can have set it, and only over https. Plain http is for loopback alone.
    private string SessionName => _isSecure ? "__Host-proofkey-session" : "proofkey-session";

    private string BrowserName => _isSecure ? "__Host-proofkey-browser" : "proofkey-browser";

    public string? Session(HttpContext context) => Read(context, SessionName);

    public string? Browser(HttpContext context) => Read(context, BrowserName);

    /// <summary>The browser cookie, made and set where there is none.</summary>
    public string EnsureBrowser(HttpContext context)
    {
        if (Browser(context) is { } present) return present;
        var made = Secret.NewText();
        Set(context, BrowserName, made);
        return made;
    }

    /// <summary>Replaces both cookies: what was known of this browser before someone signed in is worth nothing after.</summary>
    /// <returns>The new values.</returns>
    public (string Session, string Browser) Replace(HttpContext context)
    {
        var fresh = (Session: Secret.NewText(), Browser: Secret.NewText());
        Set(context, SessionName, fresh.Session);
        Set(context, BrowserName, fresh.Browser);
        return fresh;
    }

    private void Set(HttpContext context, string name, string value) => context.Response.Headers.Append(
        "Set-Cookie", $"{name}={value}; Path=/; HttpOnly; SameSite=Lax{(_isSecure ? "; Secure" : "")}");

    private static string? Read(HttpContext context, string name)
    {
        string? found = null;
        foreach (var header in context.Request.Headers.Cookie)
        {
            foreach (var range in header.AsSpan().Split(';'))
            {
                var cookie = header.AsSpan()[range].Trim(' ');
                if (!cookie.StartsWith(name, StringComparison.Ordinal) || cookie.Length <= name.Length || cookie[name.Length] != '=') continue;
                if (found is not null) return null;
                found = cookie[(name.Length + 1)..].ToString();
            }
        }
        return found is { Length: 43 } ? found : null;
    }
}
