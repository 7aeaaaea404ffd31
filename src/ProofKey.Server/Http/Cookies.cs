using Microsoft.AspNetCore.Http;

namespace ProofKey.Server.Http;

/// <summary>
/// The cookies: the sessions of this browser, the browser cookie that stands for a browser before anyone signed in, and the one that says
/// who signed in here before, which outlives both. Names are compared as they
/// are sent, and a name that comes twice counts as absent: a sibling host may have planted one.
/// </summary>
internal sealed class Cookies(ServerOptions options)
{
    /// <summary>The most people who are signed in in one browser.</summary>
    public const int MaxSessions = 5;

    private const int KeyLength = 43;

    private readonly bool _isSecure = options.Issuer.IsHttps;

    // __Host-: only this very host can have set it, and only over https. Plain http is for loopback alone.
    private string SessionName => _isSecure ? "__Host-proofkey-session" : "proofkey-session";

    private string BrowserName => _isSecure ? "__Host-proofkey-browser" : "proofkey-browser";

    private string KnownBrowserName => _isSecure ? "__Host-proofkey-known" : "proofkey-known";

    /// <summary>The keys of the sessions of this browser, the active one first; none when any of them is malformed.</summary>
    public IReadOnlyList<string> Sessions(HttpContext context)
    {
        if (Read(context, SessionName, (KeyLength * MaxSessions) + MaxSessions - 1) is not { } value) return [];
        var keys = value.Split('.');
        return Array.TrueForAll(keys, key => key.Length == KeyLength) ? keys : [];
    }

    /// <summary>Sets the keys of the sessions, the active one first; without any the cookie goes.</summary>
    public void SetSessions(HttpContext context, IReadOnlyList<string> keys) => Set(context, SessionName, string.Join('.', keys), keys.Count == 0 ? "; Max-Age=0" : "");

    public string? Browser(HttpContext context) => Read(context, BrowserName);

    /// <summary>The browser cookie, made and set where there is none.</summary>
    public string EnsureBrowser(HttpContext context) => Browser(context) ?? ReplaceBrowser(context);

    /// <summary>What says, sealed, who signed in in this browser before.</summary>
    public string? KnownBrowser(HttpContext context) => Read(context, KnownBrowserName, 700);

    public void SetKnownBrowser(HttpContext context, string value) => Set(context, KnownBrowserName, value, "; Max-Age=31536000");

    /// <summary>A new browser cookie: what was known of this browser before someone signed in is worth nothing after.</summary>
    public string ReplaceBrowser(HttpContext context)
    {
        var made = Secret.NewText();
        Set(context, BrowserName, made);
        return made;
    }

    private void Set(HttpContext context, string name, string value, string lifetime = "") => context.Response.Headers.Append(
        "Set-Cookie", $"{name}={value}; Path=/; HttpOnly; SameSite=Lax{(_isSecure ? "; Secure" : "")}{lifetime}");

    private static string? Read(HttpContext context, string name, int maxLength = KeyLength)
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
        return found?.Length is >= KeyLength && found.Length <= maxLength ? found : null;
    }
}
