using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace ProofKey;

/// <summary>
/// The secret that ties a code to whoever asked for it (RFC 7636). It prints as <c>[code_verifier]</c>; the one way to its value is
/// <see cref="Reveal"/>, for the body of the token request.
/// </summary>
public sealed class CodeVerifier
{
    /// <summary>The fewest characters of a verifier (RFC 7636 section 4.1).</summary>
    public const int MinLength = 43;

    /// <summary>The most characters of a verifier (RFC 7636 section 4.1).</summary>
    public const int MaxLength = 128;

    // RFC 7636 section 4.1: unreserved = ALPHA / DIGIT / "-" / "." / "_" / "~"
    private static readonly SearchValues<char> Unreserved =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~");

    private readonly string _value;

    private CodeVerifier(string value)
    {
        _value = value;
        Challenge = CodeChallenge.Of(value);
    }

    /// <summary>The S256 challenge of this verifier.</summary>
    public CodeChallenge Challenge { get; }

    /// <summary>Makes a fresh verifier of 32 random bytes, 43 characters (RFC 7636 section 4.1 and section 7.1).</summary>
    /// <returns>The verifier. Use it for one authorization request only.</returns>
    public static CodeVerifier New() => new(Secret.NewText(32));

    /// <summary>Reads a verifier that was sent: 43 to 128 unreserved characters (RFC 7636 section 4.1).</summary>
    /// <param name="text">What was sent.</param>
    /// <param name="verifier">The verifier, or <see langword="null"/> when the text is not one.</param>
    /// <returns>Whether the text is a verifier.</returns>
    public static bool TryParse(string? text, [NotNullWhen(true)] out CodeVerifier? verifier)
    {
        var wellFormed = text is { Length: >= MinLength and <= MaxLength } && !text.AsSpan().ContainsAnyExcept(Unreserved);
        verifier = wellFormed ? new CodeVerifier(text!) : null;
        return wellFormed;
    }

    /// <summary>Whether a challenge was made from this verifier, compared in constant time (RFC 7636 section 4.6).</summary>
    /// <param name="challenge">The challenge of the authorization request.</param>
    /// <returns>Whether it fits.</returns>
    public bool Matches(CodeChallenge challenge)
    {
        ArgumentNullException.ThrowIfNull(challenge);
        return Secret.AreEqual(Challenge.Bytes, challenge.Bytes);
    }

    /// <summary>The verifier itself, to be sent to the token endpoint and nowhere else.</summary>
    /// <returns>43 to 128 characters.</returns>
    public string Reveal() => _value;

    /// <inheritdoc />
    public override string ToString() => "[code_verifier]";
}

/// <summary>
/// The public half of the proof: the S256 digest of a verifier (RFC 7636 section 4.2). There is no other method here; <c>plain</c>
/// protects nobody who can be overheard.
/// </summary>
public sealed class CodeChallenge
{
    /// <summary>The one transformation, as it is written in requests and metadata.</summary>
    public const string Method = "S256";

    /// <summary>The length of a challenge in characters: 32 bytes as base64url.</summary>
    public const int Length = 43;

    private readonly byte[] _digest;

    private CodeChallenge(byte[] digest) => _digest = digest;

    /// <summary>The 32 bytes of the digest.</summary>
    public ReadOnlySpan<byte> Bytes => _digest;

    /// <summary>Reads a challenge that was sent: 43 characters of strict base64url (RFC 7636 section 4.2).</summary>
    /// <param name="text">What was sent.</param>
    /// <param name="challenge">The challenge, or <see langword="null"/> when the text is not one.</param>
    /// <returns>Whether the text is an S256 challenge.</returns>
    public static bool TryParse(string? text, [NotNullWhen(true)] out CodeChallenge? challenge)
    {
        var digest = new byte[Secret.DigestLength];
        challenge = text is { Length: Length } && Base64UrlText.TryDecodeExactly(text, digest) ? new CodeChallenge(digest) : null;
        return challenge is not null;
    }

    /// <summary>Takes over a digest that was stored.</summary>
    /// <param name="digest">32 bytes.</param>
    /// <returns>The challenge.</returns>
    /// <exception cref="ArgumentException">The digest has another length.</exception>
    public static CodeChallenge FromBytes(ReadOnlySpan<byte> digest) =>
        digest.Length == Secret.DigestLength ? new(digest.ToArray()) : throw new ArgumentException("A challenge has 32 bytes.", nameof(digest));

    /// <summary>The challenge as it is sent: 43 characters.</summary>
    /// <returns>The base64url text.</returns>
    public override string ToString() => Base64UrlText.Encode(_digest);

    // RFC 7636 section 4.2: code_challenge = BASE64URL-ENCODE(SHA256(ASCII(code_verifier)))
    internal static CodeChallenge Of(string verifier) => new(Secret.Digest(verifier));
}
