using System.Security.Cryptography;

namespace ProofKey.Client;

/// <summary>A key from a passphrase (RFC 8018 section 5.2). What was derived once is remembered, since it takes a while on purpose.</summary>
internal sealed class PassphraseKey(byte[] passphrase) : VaultKey
{
    public const int MinLength = 12;

    // Fewer would be weak; more than that in a header is not ours, and would keep the processor busy for minutes.
    private const int Rounds = 600_000;
    private const int MaxRounds = 10_000_000;
    private const int SaltLength = 16;

    private readonly Lock _lock = new();
    private readonly Dictionary<(string Salt, int Rounds), byte[]> _derived = [];
    // One salt for all files that are made with it: to guess at one of them is to guess at all, whatever their salts.
    private readonly byte[] _salt = Secret.NewBytes(SaltLength);

    internal override string Backend => "passphrase";

    public override string ToString() => "a passphrase";

    internal override Task<byte[]> OpenAsync(VaultHeader header, string vault, CancellationToken cancel)
    {
        if (header is not { Salt: { } salt, Rounds: >= Rounds and <= MaxRounds and var rounds } || !Base64UrlText.TryDecode(salt, out var decoded))
            throw TokenStoreException.Damaged(vault, "its header does not say how the key is made");
        var key = Derived(salt, decoded, rounds);
        return IdOf(key) == header.KeyId ? Task.FromResult(key) : throw TokenStoreException.WrongKey(vault, "its passphrase", "another one was given", "Give the passphrase that the file was made with, or remove the file and sign in again.");
    }

    internal override Task<(VaultHeader Header, byte[] Key)> NewAsync(string vault, CancellationToken cancel)
    {
        var salt = Base64UrlText.Encode(_salt);
        var key = Derived(salt, _salt, Rounds);
        return Task.FromResult((new VaultHeader(Backend, IdOf(key), salt, Rounds), key));
    }

    private byte[] Derived(string text, byte[] salt, int rounds)
    {
        lock (_lock)
        {
            if (_derived.TryGetValue((text, rounds), out var known)) return known;
            return _derived[(text, rounds)] = Rfc2898DeriveBytes.Pbkdf2(passphrase, salt, rounds, HashAlgorithmName.SHA256, Length);
        }
    }
}
