using Microsoft.AspNetCore.Http;

namespace ProofKey.Server.Http;

/// <summary>
/// The cookies: the session, the browser cookie that stands for a browser before anyone signed in, and the one that says who signed in
/// here before, which outlives both. Names are compared as they
/// are sent, and a name that comes twice counts as absent: a sibling host may have planted one.
/// </summary>
internal sealed class Cookies(ServerOptions options)
{
    private readonly bool _isSecure = options.Issuer.IsHttps;

    // __Host-: only this very host can have set it, and only over https. Plain http is for loopback alone.
    private string SessionName => _isSecure ? "__Host-proofkey-session" : "proofkey-session";

    private string BrowserName => _isSecure ? "__Host-proofkey-browser" : "proofkey-browser";

    private string KnownBrowserName => _isSecure ? "__Host-proofkey-known" : "proofkey-known";

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

    /// <summary>What says, sealed, who signed in in this browser before.</summary>
    public string? KnownBrowser(HttpContext context) => Read(context, KnownBrowserName, 300);

    public void SetKnownBrowser(HttpContext context, string value) => Set(context, KnownBrowserName, value, "; Max-Age=31536000");

    /// <summary>A new session cookie and a new browser cookie.</summary>
    public static (string Session, string Browser) NewPair() => (Secret.NewText(), Secret.NewText());

    /// <summary>Replaces both cookies: what was known of this browser before someone signed in is worth nothing after.</summary>
    public void Replace(HttpContext context, (string Session, string Browser) fresh)
    {
        Set(context, SessionName, fresh.Session);
        Set(context, BrowserName, fresh.Browser);
    }

    private void Set(HttpContext context, string name, string value, string lifetime = "") => context.Response.Headers.Append(
        "Set-Cookie", $"{name}={value}; Path=/; HttpOnly; SameSite=Lax{(_isSecure ? "; Secure" : "")}{lifetime}");

    private static string? Read(HttpContext context, string name, int maxLength = 43)
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
        return found?.Length is >= 43 && found.Length <= maxLength ? found : null;
    }
}
