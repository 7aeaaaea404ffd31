using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;
using ProofKey.Server.Http;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;

namespace ProofKey.Server.Accounts;

/// <summary>
/// Browsers in which an account signed in before keep a small budget of tries of their own, so that a stranger who uses up an account's
/// tries cannot keep its owner out. The cookie is sealed and lets nobody in: the password is asked for all the same.
/// </summary>
internal sealed class KnownBrowsers(Cookies cookies, KeyRing keys, TimeProvider time) : IDisposable
{
    /// <summary>The most accounts that a browser is known to: as many as can be signed in in it.</summary>
    private const int MaxSubjects = Cookies.MaxSessions;

    private const int MarkLength = 16;

    private readonly PartitionedRateLimiter<string> _tries = PartitionedRateLimiter.Create<string, string>(browser => RateLimitPartition.Get(
        browser, _ => new CountedWindow(PasswordSignIn.MaxTries, PasswordSignIn.TryWindow, time)));

    /// <summary>Remembers that an account signed in here, beside those who did before: the newest first.</summary>
    public void Remember(HttpContext context, string subject)
    {
        var known = SubjectsOf(cookies.KnownBrowser(context));
        if (known is [var newest, ..] && newest == subject) return;
        var value = new SealedPayload();
        foreach (var remembered in known.Where(other => other != subject).Prepend(subject).Take(MaxSubjects)) value.Write(remembered);
        value.Write(Secret.NewBytes(MarkLength));
        cookies.SetKnownBrowser(context, Base64UrlText.Encode(keys.Seal(SealPurpose.KnownBrowser, value.Written)));
    }

    /// <summary>Whether this browser is known to an account and has a try left; it is used up by asking.</summary>
    public bool Admits(HttpContext context, string subject)
    {
        if (cookies.KnownBrowser(context) is not { } cookie || !SubjectsOf(cookie).Contains(subject)) return false;
        using var lease = _tries.AttemptAcquire($"{cookie} {subject}");
        return lease.IsAcquired;
    }

    public void Dispose() => _tries.Dispose();

    private List<string> SubjectsOf(string? cookie)
    {
        var subjects = new List<string>();
        if (cookie is null || !Base64UrlText.TryDecode(cookie, out var bytes) || keys.Open(SealPurpose.KnownBrowser, bytes) is not { } opened) return subjects;
        // The mark is last, with its length before it; it makes each cookie its own.
        var value = new SealedPayload(opened[..^(MarkLength + 1)]);
        while (!value.IsAtEnd) subjects.Add(value.ReadText()!);
        return subjects;
    }
}
