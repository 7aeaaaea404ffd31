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
    /// <summary>The active session of the browser, if it lives. It is used by being found.</summary>
    // When it has ended nobody takes its place: a browser must not go on as somebody else before a person has said so.
    public async ValueTask<BrowserSession?> FindActiveAsync(HttpContext context, CancellationToken cancellation, string? clientId = null)
    {
        if (ActiveKey(context) is not { } key) return null;
        var now = time.GetUtcNow();
        var found = clientId is null ? sessions.FindAsync(SessionStore.KeyOf(key), now, cancellation) : sessions.FindWithClientAsync(SessionStore.KeyOf(key), clientId, now, cancellation);
        if (await found is not { } session || sessions.IsIdle(session, now)) return null;
        await sessions.SeenAsync(session.Id, session.LastSeenAt, now);
        return session;
    }

    /// <summary>Whether the active one is among those who are signed in.</summary>
    public bool HasActive(HttpContext context, IReadOnlyList<(string Key, BrowserSession Session)> signedIn) => signedIn.Any(each => each.Key == ActiveKey(context));

    /// <summary>All sessions of the browser that live, each with its key, and each person once. Being looked at keeps none of them awake.</summary>
    public async ValueTask<List<(string Key, BrowserSession Session)>> ListAsync(HttpContext context, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        return OncePerPerson((await ListLastingAsync(context, cancellation)).Where(each => !sessions.IsIdle(each.Session, now)));
    }

    /// <summary>All sessions of the browser that have not ended, each person once: those that live, and those that are idle, whose grants go on.</summary>
    public async ValueTask<List<BrowserSession>> ListToEndAsync(HttpContext context, CancellationToken cancellation) =>
        [.. OncePerPerson(await ListLastingAsync(context, cancellation)).Select(each => each.Session)];

    /// <summary>Notes that a session was used: the one that a request was decided for.</summary>
    public ValueTask SeenAsync(byte[] id, DateTimeOffset lastSeenAt) => sessions.SeenAsync(id, lastSeenAt, time.GetUtcNow());

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
        var lasting = await ListLastingAsync(context, context.RequestAborted);
        var others = lasting.Where(other => other.Session.Subject != subject).ToList();
        var renewed = await RenewAsync(context, session);
        if (renewed is null) await sessions.AddAsync(session, audited);
        // There is room for a few; whoever was active longest ago makes room for the next. No key leaves the cookie while its session goes on.
        var surplus = others.Skip(Cookies.MaxSessions - 1).Concat(lasting.Where(each => each.Session.Subject == subject && each.Key != renewed));
        foreach (var (_, left) in surplus) await sessions.EndAsync(left.Key, now);
        cookies.SetSessions(context, [key, .. others.Take(Cookies.MaxSessions - 1).Select(other => other.Key)]);
        return cookies.ReplaceBrowser(context);
    }

    /// <summary>Makes one of the people who are signed in the active one.</summary>
    /// <returns>Whether that person is signed in here.</returns>
    public async ValueTask<bool> ActivateAsync(HttpContext context, string subject)
    {
        var now = time.GetUtcNow();
        var lasting = await ListLastingAsync(context, context.RequestAborted);
        var index = lasting.FindIndex(each => each.Session.Subject == subject && !sessions.IsIdle(each.Session, now));
        if (index < 0) return false;
        var (key, session) = lasting[index];
        await sessions.SeenAsync(session.Id, session.LastSeenAt, now);
        cookies.SetSessions(context, [key, .. lasting.Select(each => each.Key).Where(other => other != key)]);
        return true;
    }

    /// <summary>Ends the sessions of some people, idle ones too. The rows come before the cookie: a copied one is dead first.</summary>
    public async ValueTask EndAsync(HttpContext context, IReadOnlyList<string> subjects)
    {
        var now = time.GetUtcNow();
        var left = new List<string>();
        foreach (var (key, session) in await ListLastingAsync(context, CancellationToken.None))
        {
            if (subjects.Contains(session.Subject)) await sessions.EndAsync(session.Key, now);
            else left.Add(key);
        }
        // The key of an active session keeps its place when it is dead, as long as there is somebody who must not slip into it.
        if (left.Count > 0 && ActiveKey(context) is { } active && left[0] != active) left.Insert(0, active);
        cookies.SetSessions(context, left);
        cookies.ReplaceBrowser(context);
    }

    private string? ActiveKey(HttpContext context) => cookies.Sessions(context) is [var key, ..] ? key : null;

    // Whoever is idle keeps their place in the cookie: it is the only way to the session, to go on with it and to end it.
    private async ValueTask<List<(string Key, BrowserSession Session)>> ListLastingAsync(HttpContext context, CancellationToken cancellation)
    {
        var found = new List<(string Key, BrowserSession Session)>();
        foreach (var key in cookies.Sessions(context).Distinct())
            if (await sessions.FindAsync(SessionStore.KeyOf(key), time.GetUtcNow(), cancellation) is { } session) found.Add((key, session));
        return found;
    }

    private static List<(string Key, BrowserSession Session)> OncePerPerson(IEnumerable<(string Key, BrowserSession Session)> found) =>
        [.. found.DistinctBy(each => each.Session.Subject)];

    // One of them may be this person's own, gone idle or not: what was granted in it lives on.
    private async ValueTask<string?> RenewAsync(HttpContext context, BrowserSession session)
    {
        foreach (var key in cookies.Sessions(context))
            if (await sessions.RenewAsync(SessionStore.KeyOf(key), session)) return key;
        return null;
    }
}
