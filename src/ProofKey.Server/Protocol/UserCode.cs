namespace ProofKey.Server.Protocol;

/// <summary>
/// The short code that a person carries from a device to a browser: eight letters. It is worth nothing without the device's own code, and
/// how often somebody may guess is counted.
/// </summary>
internal sealed record UserCode
{
    /// <summary>How many letters there are to choose from, for each place.</summary>
    public const int Length = 8;

    // RFC 8628 section 6.1: no vowels, so that no word comes out; none of these letters looks like another one
    public const string Alphabet = "BCDFGHJKLMNPQRSTVWXZ";

    /// <summary>More than a person types, spaces and dashes included.</summary>
    public const int MaxTypedLength = 40;

    private readonly string _letters;

    private UserCode(string letters) => _letters = letters;

    public static UserCode New()
    {
        Span<char> letters = stackalloc char[Length];
        // Bytes from the last, incomplete round of the alphabet are thrown away: every letter is as likely as any other.
        const int Even = 240;
        for (var count = 0; count < Length;)
            foreach (var random in Secret.NewBytes(2 * Length))
                if (random < Even && count < Length) letters[count++] = Alphabet[random % Alphabet.Length];
        return new UserCode(new string(letters));
    }

    /// <summary>Reads what a person typed: in small letters, with spaces, dashes or dots, or in one go.</summary>
    /// <returns>The code, or <see langword="null"/> when those are not eight letters of the alphabet.</returns>
    // RFC 8628 section 6.1: compare without regard to case, and without what is neither letter nor digit
    public static UserCode? Read(string? typed)
    {
        if (typed is null || typed.Length > MaxTypedLength) return null;
        Span<char> letters = stackalloc char[Length];
        var count = 0;
        foreach (var character in typed)
        {
            if (!char.IsLetterOrDigit(character)) continue;
            var letter = char.ToUpperInvariant(character);
            if (count == Length || !Alphabet.Contains(letter)) return null;
            letters[count++] = letter;
        }
        return count == Length ? new UserCode(new string(letters)) : null;
    }

    /// <summary>The code as it is shown: in two groups, which are easier to copy.</summary>
    public override string ToString() => $"{_letters.AsSpan(0, 4)}-{_letters.AsSpan(4)}";
}
