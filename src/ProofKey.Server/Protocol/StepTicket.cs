using ProofKey.Server.Keys;

namespace ProofKey.Server.Protocol;

/// <summary>
/// What a trip through sign-in or consent brings back to the authorization endpoint: when this request first came, which account was
/// chosen for it, and what was agreed to since. It counts for this request, this browser and this account only; anything else counts as absent (RFC 6749
/// section 10.6).
/// </summary>
internal sealed record StepTicket(DateTimeOffset FirstCame, string? ConsentedSubject, Scope? ConsentedScope)
{
    public const string ParameterName = "step";

    /// <summary>Whether the person said which of their accounts the request is for.</summary>
    public AccountChoice Choice { get; init; }

    /// <summary>The account that was chosen.</summary>
    public string? ChosenSubject { get; init; }

    /// <summary>A ticket for a request that comes now.</summary>
    public static StepTicket New(DateTimeOffset now) => new(now, null, null);

    /// <summary>The same ticket for one account.</summary>
    public StepTicket For(string subject) => this with { Choice = AccountChoice.Made, ChosenSubject = subject };

    /// <summary>The same ticket on the way to a choice.</summary>
    public StepTicket Choosing(AccountChoice choice) => this with { Choice = choice, ChosenSubject = null };

    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    /// <summary>How long a request may take from page to page. Each page seals its ticket anew, and no yes may be carried on for ever that way.</summary>
    private static readonly TimeSpan LongestTrip = TimeSpan.FromHours(1);

    public string Seal(KeyRing keys, AuthorizeRequest request, string browserCookie, DateTimeOffset now)
    {
        var value = new SealedPayload();
        value.Write(request.Digest());
        value.Write(Secret.Digest(browserCookie));
        value.Write(now);
        value.Write(FirstCame);
        value.Write(ConsentedSubject);
        value.Write(ConsentedScope?.ToString());
        value.Write((long)Choice);
        value.Write(ChosenSubject);
        return Base64UrlText.Encode(keys.Seal(SealPurpose.StepTicket, value.Written));
    }

    public static StepTicket? Open(string? text, KeyRing keys, AuthorizeRequest request, string? browserCookie, DateTimeOffset now)
    {
        if (OpenOfAnyAge(text, keys, request, browserCookie) is not { } value) return null;
        var sealedAt = value.ReadTime();
        if (now >= sealedAt + Lifetime || sealedAt > now + TimeSpan.FromMinutes(1)) return null;
        var firstCame = value.ReadTime();
        if (now >= firstCame + LongestTrip) return null;
        return new StepTicket(firstCame, value.ReadText(), value.ReadText() is { } scope ? Scope.Parse(scope) : null)
        {
            Choice = (AccountChoice)value.ReadNumber(),
            ChosenSubject = value.ReadText(),
        };
    }

    /// <summary>Whether a text is a ticket, however old, that this request was once given in this browser.</summary>
    public static bool WasGiven(string? text, KeyRing keys, AuthorizeRequest request, string? browserCookie) => OpenOfAnyAge(text, keys, request, browserCookie) is not null;

    private static SealedPayload? OpenOfAnyAge(string? text, KeyRing keys, AuthorizeRequest request, string? browserCookie)
    {
        if (text is null || browserCookie is null || !Base64UrlText.TryDecode(text, out var bytes) || keys.Open(SealPurpose.StepTicket, bytes) is not { } opened) return null;
        var value = new SealedPayload(opened);
        return Secret.AreEqual(value.ReadBytes(), request.Digest()) && Secret.AreEqual(value.ReadBytes(), Secret.Digest(browserCookie)) ? value : null;
    }
}
