using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Accounts;

/// <summary>What came of a try to sign in.</summary>
/// <param name="Account">The subject and its epoch, or <see langword="null"/> when the try failed. Why it failed, nobody outside learns.</param>
/// <param name="Reason">For the log alone.</param>
internal sealed record PasswordResult((string Subject, long Epoch)? Account, string Reason)
{
    public const string TooManyTries = "too many tries";

    /// <summary>Whose account was tried, for the audit trail alone; <see langword="null"/> for an unknown name.</summary>
    public string? Tried { get; init; }

    /// <summary>Whether this very try was the first one too many.</summary>
    public bool Locks { get; init; }
}

/// <summary>
/// Passwords, by ASP.NET Core Identity's hasher (PBKDF2 with HMAC-SHA512). An unknown name, a disabled account and one with too many
/// tries cost the same time and get the same answer as a wrong password.
/// </summary>
internal sealed class PasswordSignIn
{
    /// <summary>The cost of a hash, as OWASP recommends for PBKDF2 with SHA-512.</summary>
    public const int Iterations = 210_000;

    public const int MinLength = 8;
    public const int MaxLength = 256;

    /// <summary>How many wrong passwords an account bears within <see cref="TryWindow"/>.</summary>
    public const int MaxTries = 10;

    /// <summary>After this time the count starts anew. Browsers that the account knows are not kept out in the meantime.</summary>
    public static readonly TimeSpan TryWindow = TimeSpan.FromMinutes(5);

    private readonly AccountStore _accounts;
    private readonly HashQueue _hashes;
    private readonly PasswordHasher<Account> _hasher = new(Options.Create(new PasswordHasherOptions { IterationCount = Iterations }));
    private readonly string _nobodysHash;

    private static readonly Account Nobody = new() { Subject = "", Name = "" };

    public PasswordSignIn(AccountStore accounts, HashQueue hashes)
    {
        (_accounts, _hashes) = (accounts, hashes);
        // The hash of a password that nobody knows, in the format of the real ones, without the cost of making it at each start.
        _nobodysHash = Convert.ToBase64String([1, 0, 0, 0, 2, .. BigEndian(Iterations), 0, 0, 0, 16, .. Secret.NewBytes(16 + 32)]);
    }

    /// <summary>What is wrong with a new password, as a sentence; <see langword="null"/> when nothing is.</summary>
    // NIST SP 800-63B section 3.1.1.2: length counts, composition rules do not, and what everybody tries first is refused
    public static string? ProblemWith(string password, string name) => password switch
    {
        { Length: < MinLength } => $"A password has at least {MinLength} characters.",
        { Length: > MaxLength } => $"A password has at most {MaxLength} characters.",
        _ when CommonPasswords.Contains(password) => "That password is one of those that everybody tries first; choose another, such as four words that do not belong together.",
        _ when AccountStore.NameKey(password) == AccountStore.NameKey(name) => "The password must not be the user name.",
        _ => null,
    };

    public string Hash(string password) => _hasher.HashPassword(Nobody, password);

    /// <summary>Looks at a name and a password.</summary>
    /// <param name="name">What was typed as the name.</param>
    /// <param name="password">What was typed as the password.</param>
    /// <param name="hasTryOfItsOwn">Whether the browser may try for this subject although the account's tries are used up.</param>
    /// <param name="cancellation">Ends with the request.</param>
    /// <param name="address">The network that asks; networks take turns.</param>
    /// <returns>What came of it, or <see langword="null"/> when too many wait already; then nothing was counted.</returns>
    public async Task<PasswordResult?> TryAsync(string name, string password, Func<string, bool> hasTryOfItsOwn, CancellationToken cancellation, string address = "")
    {
        using var place = _hashes.TryEnter(address);
        return place is null ? null : await TryAsync(place, name, password, hasTryOfItsOwn, cancellation);
    }

    private async Task<PasswordResult> TryAsync(HashQueue.Place place, string name, string password, Func<string, bool> hasTryOfItsOwn, CancellationToken cancellation)
    {
        var attempt = await _accounts.CountPasswordTryAsync(name.Length <= MaxLength ? name : "", TryWindow);
        var isNobody = attempt is null or { Subject: Schema.NobodysSubject };
        var (matches, isCheap) = await VerifyAsync(place, isNobody ? _nobodysHash : attempt!.PasswordHash, password, cancellation);
        if (attempt is null || isNobody) return new PasswordResult(null, "unknown or disabled account");
        if (attempt.Tries > MaxTries && !hasTryOfItsOwn(attempt.Subject)) return new PasswordResult(null, PasswordResult.TooManyTries) { Tried = attempt.Subject, Locks = attempt.Tries == MaxTries + 1 };
        if (!matches) return new PasswordResult(null, "wrong password") { Tried = attempt.Subject };
        if (isCheap) await RenewAsync(place, attempt, password, cancellation);
        await _accounts.ForgetPasswordTriesAsync(attempt.Subject);
        return new PasswordResult((attempt.Subject, attempt.Epoch), "password");
    }

    private async Task<(bool Matches, bool IsCheap)> VerifyAsync(HashQueue.Place place, string hash, string password, CancellationToken cancellation)
    {
        // A longer one cannot be right; a stand-in of equal cost keeps the time the same.
        var bounded = password.Length <= MaxLength ? password : "\0";
        var result = PasswordVerificationResult.Failed;
        var matches = await place.RunAsync(
            () =>
            {
                result = _hasher.VerifyHashedPassword(Nobody, hash, bounded);
                // One of fewer rounds would tell by its time that there is such an account.
                if (result == PasswordVerificationResult.Failed && IsCheap(hash)) _hasher.VerifyHashedPassword(Nobody, _nobodysHash, bounded);
                return result != PasswordVerificationResult.Failed;
            },
            cancellation);
        return (matches, result == PasswordVerificationResult.SuccessRehashNeeded);
    }

    // Version, function, rounds: nine bytes at the front of the platform's format.
    private static bool IsCheap(string hash) =>
        hash.Length < 12 || Convert.FromBase64String(hash[..12]) is not [1, _, _, _, _, .. var rounds] || System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(rounds) < Iterations;

    // A hash of an older kind or of fewer rounds, such as an imported one, is made anew while the password is at hand.
    private async Task RenewAsync(HashQueue.Place place, PasswordAttempt attempt, string password, CancellationToken cancellation)
    {
        var renewed = "";
        await place.RunAsync(() => (renewed = Hash(password)).Length > 0, cancellation);
        await _accounts.RenewPasswordHashAsync(attempt.Subject, attempt.PasswordHash, renewed);
    }

    private static byte[] BigEndian(int value) => [(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value];
}
