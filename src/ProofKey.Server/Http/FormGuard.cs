using Microsoft.AspNetCore.Http;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;

namespace ProofKey.Server.Http;

/// <summary>
/// Guards the forms of our pages (RFC 6749 section 10.12): a token binds each to its purpose, browser, account and request for twelve
/// hours, and the browser must say that the form came from us.
/// </summary>
internal sealed class FormGuard(KeyRing keys, ServerOptions options, TimeProvider time)
{
    public const string FieldName = "form_token";

    private const long LifetimeHours = 12;

    private long Hour => time.GetUtcNow().ToUnixTimeSeconds() / 3600;

    /// <summary>The token that a form carries.</summary>
    /// <param name="purpose">Which form it is.</param>
    /// <param name="browserCookie">The browser that it is shown in.</param>
    /// <param name="subject">The account that it is shown to, or none.</param>
    /// <param name="about">A digest of what it is about: the form counts for nothing else.</param>
    public string TokenFor(string purpose, string browserCookie, string? subject, byte[] about) =>
        Base64UrlText.Encode(keys.Seal(SealPurpose.FormToken, Value(purpose, browserCookie, subject, about, Hour)));

    /// <summary>What is wrong with a posted form, as a sentence for the person; <see langword="null"/> when nothing is.</summary>
    public string? ProblemWith(HttpContext context, Parameters form, string purpose, string? browserCookie, string? subject, byte[] about)
    {
        if (!CameFromUs(context)) return "This form was sent from another site. If you want to go on, do it here.";
        var isGood = browserCookie is not null && Opens(form[FieldName], purpose, browserCookie, subject, about);
        return isGood ? null : "This page was open for too long, belongs to another sign-in, or asks something else by now. Please read it again before you send it.";
    }

    private bool Opens(string? token, string purpose, string browserCookie, string? subject, byte[] about)
    {
        if (token is null || !Base64UrlText.TryDecode(token, out var bytes) || keys.Open(SealPurpose.FormToken, bytes) is not { } opened) return false;
        var hour = new SealedPayload(opened).ReadNumber();
        return hour <= Hour && hour > Hour - LifetimeHours && Secret.AreEqual(opened, Value(purpose, browserCookie, subject, about, hour));
    }

    private static byte[] Value(string purpose, string browserCookie, string? subject, byte[] about, long hour)
    {
        var value = new SealedPayload();
        value.Write(hour);
        value.Write(purpose);
        value.Write(Secret.Digest(browserCookie));
        value.Write(subject);
        value.Write(about);
        return value.Written.ToArray();
    }

    // Where a browser says neither, it is none, and the token alone decides.
    private bool CameFromUs(HttpContext context)
    {
        var origin = context.Request.Headers.Origin;
        if (origin.Count > 0 && origin != "null") return origin.Count == 1 && origin[0] == options.Issuer.Origin;
        var site = context.Request.Headers["Sec-Fetch-Site"];
        // With Referrer-Policy: no-referrer a browser may send "Origin: null" for its own form; then it says here where the form came from.
        return site.Count == 0 ? origin.Count == 0 : site.Count == 1 && site[0] == "same-origin";
    }
}
