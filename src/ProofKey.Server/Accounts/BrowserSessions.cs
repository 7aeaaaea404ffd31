using Microsoft.AspNetCore.Http;
using ProofKey.Server.Http;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Accounts;

/// <summary>
/// The sessions of one browser: everyone who is signed in in it, the active one first. Each has a row and a key of its own; the cookie
/// holds the keys.
/// </summary>
internal sealed class BrowserSessions(SessionStore sessions, Cookies cookies, ServerOptions options, TimeProvider time)
{
    /// <summary>The first session of the browser that lives.</summary>
    public async ValueTask<BrowserSession?> FindActiveAsync(HttpContext context, CancellationToken cancellation)
    {
        foreach (var key in cookies.Sessions(context))
            if (await sessions.FindAsync(SessionStore.KeyOf(key), time.GetUtcNow(), cancellation) is { } session) return session;
        return null;
    }

    /// <summary>All sessions of the browser that live, each with its key, and each person once.</summary>
    public async ValueTask<List<(string Key, BrowserSession Session)>> ListAsync(HttpContext context, CancellationToken cancellation)
    {
        var found = new List<(string Key, BrowserSession Session)>();
        foreach (var key in cookies.Sessions(context))
        {
            if (await sessions.FindAsync(SessionStore.KeyOf(key), time.GetUtcNow(), cancellation) is { } session && found.TrueForAll(other => other.Session.Subject != session.Subject))
                found.Add((key, session));
        }
        return found;
    }

    /// <summary>
    /// Begins a session for someone who just signed in, and makes it the active one. A session that is new is an event. Whoever else is signed in in this browser stays so.
    /// </summary>
    /// <returns>The new browser cookie.</returns>
    // OWASP ASVS 7.2.4: a new session key at sign-in, and the person's old one is dead. The row comes before its cookie: a failed write changes nothing.
    public async ValueTask<string> BeginAsync(HttpContext context, string subject, long epoch, string amr, string acr, AuditEvent audited)
    {
        var now = time.GetUtcNow();
        var key = Secret.NewText();
        var session = new BrowserSession(Secret.NewId(now), SessionStore.KeyOf(key), subject, "", epoch, now, amr, now + options.SessionLifetime, now) { Acr = acr };
        var others = (await ListAsync(context, context.RequestAborted)).Where(other => other.Session.Subject != subject).ToList();
        if (!await RenewAsync(context, session)) await sessions.AddAsync(session, audited);
        // There is room for a few; whoever was active longest ago makes room for the next.
        foreach (var (_, surplus) in others.Skip(Cookies.MaxSessions - 1)) await sessions.EndAsync(surplus.Key, now);
        cookies.SetSessions(context, [key, .. others.Take(Cookies.MaxSessions - 1).Select(other => other.Key)]);
        return cookies.ReplaceBrowser(context);
    }

    /// <summary>Makes one of the people who are signed in the active one.</summary>
    /// <returns>Whether that person is signed in here.</returns>
    public async ValueTask<bool> ActivateAsync(HttpContext context, string subject)
    {
        var all = await ListAsync(context, context.RequestAborted);
        var chosen = all.FindIndex(each => each.Session.Subject == subject);
        if (chosen < 0) return false;
        cookies.SetSessions(context, [all[chosen].Key, .. all.Where((_, index) => index != chosen).Select(each => each.Key)]);
        return true;
    }

    /// <summary>Ends the sessions of some of the people who are signed in. The rows come before the cookie: a copied one is dead first.</summary>
    public async ValueTask EndAsync(HttpContext context, IReadOnlyList<string> subjects)
    {
        var now = time.GetUtcNow();
        var left = new List<string>();
        foreach (var key in cookies.Sessions(context))
        {
            if (await sessions.FindAsync(SessionStore.KeyOf(key), now, CancellationToken.None) is not { } session) continue;
            if (subjects.Contains(session.Subject)) await sessions.EndAsync(session.Key, now);
            else left.Add(key);
        }
        cookies.SetSessions(context, left);
        cookies.ReplaceBrowser(context);
    }

    // One of them may be this person's own, gone idle or not: what was granted in it lives on.
    private async ValueTask<bool> RenewAsync(HttpContext context, BrowserSession session)
    {
        foreach (var key in cookies.Sessions(context))
            if (await sessions.RenewAsync(SessionStore.KeyOf(key), session)) return true;
        return false;
    }
}
