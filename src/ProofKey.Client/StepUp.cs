using System.Globalization;
using System.Text.Json;

namespace ProofKey.Client;

/// <summary>
/// What an API asks of a sign-in before it does what was asked of it (RFC 9470 section 3). <see cref="PublicClient.GetSessionAsync(StepUp, CancellationToken)"/>
/// answers it by a new sign-in.
/// </summary>
public sealed class StepUp
{
    private const int MaxValues = 16;
    private const int MaxValueLength = 200;

    private static readonly TimeSpan MaxAgeOfAny = TimeSpan.FromDays(3650);

    /// <summary>Says what is asked, where no API did.</summary>
    /// <param name="acrValues">Kinds of sign-in, the best first, of which one will do; none where any will: at most 16, each of at most 200 visible ASCII characters without quotes and backslashes.</param>
    /// <param name="maxAge">How long ago the person may have signed in, from zero to ten years; <see langword="null"/> where that does not matter.</param>
    /// <exception cref="ArgumentException">Neither is asked, or one of them is something else.</exception>
    public StepUp(IReadOnlyList<string> acrValues, TimeSpan? maxAge)
    {
        ArgumentNullException.ThrowIfNull(acrValues);
        if (acrValues.Count == 0 && maxAge is null) throw new ArgumentException("A step-up asks for a kind of sign-in, or for its age.", nameof(acrValues));
        if (acrValues.Count > MaxValues || !acrValues.All(IsValue)) throw new ArgumentException("acr_values are at most 16 values of at most 200 visible ASCII characters without quotes and backslashes.", nameof(acrValues));
        if (maxAge is { } age && (age < TimeSpan.Zero || age > MaxAgeOfAny)) throw new ArgumentOutOfRangeException(nameof(maxAge), "max_age is from zero to ten years.");
        AcrValues = [.. acrValues];
        MaxAge = maxAge;
    }

    /// <summary>Kinds of sign-in (<c>acr_values</c>), the best first, of which one will do; empty where any will.</summary>
    public IReadOnlyList<string> AcrValues { get; }

    /// <summary>How long ago the person may have signed in (<c>max_age</c>); <see langword="null"/> where that does not matter.</summary>
    public TimeSpan? MaxAge { get; }

    /// <summary>The session whose token the API refused: it is no answer, whatever it says of itself.</summary>
    internal string? Refused { get; private init; }

    /// <summary>The claims about the person whose token the API refused, where there are any: somebody else's sign-in is no better one of theirs.</summary>
    internal JsonElement? Person { get; private init; }

    /// <summary>What is asked, as it is sent.</summary>
    /// <returns>Such as <c>acr_values=urn:example:otp max_age=300</c>.</returns>
    public override string ToString() => string.Join(' ', Parameters.Select(pair => $"{pair.Key}={pair.Value}"));

    /// <summary>The parameters of the authorization request (RFC 9470 section 4).</summary>
    internal IReadOnlyDictionary<string, string> Parameters
    {
        get
        {
            var parameters = new Dictionary<string, string>(StringComparer.Ordinal);
            if (AcrValues.Count > 0) parameters["acr_values"] = string.Join(' ', AcrValues);
            if (MaxAge is { } age) parameters["max_age"] = ((long)age.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            return parameters;
        }
    }

    /// <summary>Reads a challenge. One that asks for nothing in particular asks for a new sign-in; one that makes no sense asks for nothing.</summary>
    internal static StepUp? Of(Challenge challenge, StoredSession session)
    {
        if (challenge.Error != "insufficient_user_authentication") return null;
        TimeSpan? maxAge = null;
        if (challenge["max_age"] is { } text)
        {
            if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || seconds > MaxAgeOfAny.TotalSeconds) return null;
            maxAge = TimeSpan.FromSeconds(seconds);
        }
        var values = (challenge["acr_values"] ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (values.Length > MaxValues || !values.All(IsValue)) return null;
        return new StepUp(values, values.Length == 0 && maxAge is null ? TimeSpan.Zero : maxAge) { Refused = session.Id, Person = session.Claims };
    }

    /// <summary>Whether a session answers it.</summary>
    /// <param name="session">The session.</param>
    /// <param name="known">The session that was stored when it was asked.</param>
    /// <param name="askedAt">When it was asked: to wait for somebody else's sign-in makes that sign-in no older.</param>
    internal bool IsMetBy(StoredSession session, string? known, DateTimeOffset askedAt)
    {
        if (session.Id == Refused) return false;
        var isNew = Refused is not null || session.Id != known;
        // Without openid, whether it was as asked is between server and API.
        if (session.Claims is not { } claims) return isNew;
        return IsOf(claims) && HasAcr(claims) && (MaxAge is not { } age || IsNoOlder(claims, askedAt - age - (isNew ? IdToken.Skew : TimeSpan.Zero)));
    }

    private static bool IsNoOlder(JsonElement claims, DateTimeOffset than) =>
        claims.TryGetProperty("auth_time", out var time) && time.ValueKind == JsonValueKind.Number && time.TryGetInt64(out var signedIn) && signedIn >= than.ToUnixTimeSeconds();

    /// <summary>Whether claims are about the person who is asked; one <c>sub</c> at two issuers is two people (OpenID Connect Core section 5.7).</summary>
    internal bool IsOf(JsonElement claims) => Person is not { } person || (Same(person, claims, "sub") && Same(person, claims, "iss"));

    private static bool Same(JsonElement one, JsonElement other, string name) => one.Text(name) is { } text && other.Text(name) == text;

    /// <summary>Whether claims name one of the kinds of sign-in.</summary>
    internal bool HasAcr(JsonElement claims) => AcrValues.Count == 0 || (claims.Text("acr") is { } acr && AcrValues.Contains(acr));

    private static bool IsValue(string? value) =>
        value is { Length: > 0 and <= MaxValueLength } && !value.AsSpan().ContainsAnyExceptInRange('!', '~') && !value.AsSpan().ContainsAny('"', '\\');
}
