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
    private readonly PartitionedRateLimiter<string> _tries = PartitionedRateLimiter.Create<string, string>(browser => RateLimitPartition.Get(
        browser, _ => new CountedWindow(PasswordSignIn.MaxTries, PasswordSignIn.TryWindow, time)));

    /// <summary>Remembers that an account signed in here.</summary>
    public void Remember(HttpContext context, string subject)
    {
        if (SubjectOf(cookies.KnownBrowser(context)) == subject) return;
        var value = new SealedPayload();
        value.Write(subject);
        value.Write(Secret.NewBytes(16));
        cookies.SetKnownBrowser(context, Base64UrlText.Encode(keys.Seal(SealPurpose.KnownBrowser, value.Written)));
    }

    /// <summary>Whether this browser is known to an account and has a try left; it is used up by asking.</summary>
    public bool Admits(HttpContext context, string subject)
    {
        if (cookies.KnownBrowser(context) is not { } cookie || SubjectOf(cookie) != subject) return false;
        using var lease = _tries.AttemptAcquire(cookie);
        return lease.IsAcquired;
    }

    public void Dispose() => _tries.Dispose();

    private string? SubjectOf(string? cookie) =>
        cookie is not null && Base64UrlText.TryDecode(cookie, out var bytes) && keys.Open(SealPurpose.KnownBrowser, bytes) is { } opened ? new SealedPayload(opened).ReadText() : null;
}
