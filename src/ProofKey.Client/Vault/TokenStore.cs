using System.Runtime.ExceptionServices;

namespace ProofKey.Client;

/// <summary>What a store tells about a session; no tokens.</summary>
/// <param name="Profile">Its name.</param>
/// <param name="Issuer">The authorization server.</param>
/// <param name="ClientId">The client.</param>
/// <param name="Scope">The scope that was asked for.</param>
/// <param name="Resource">The API that was asked for, if one was.</param>
/// <param name="Subject">Who signed in, if <c>openid</c> was asked for.</param>
/// <param name="ExpiresAt">When the access token ends.</param>
/// <param name="CanRefresh">Whether there is a refresh token.</param>
public sealed record SessionSummary(
    string Profile, Issuer Issuer, string ClientId, Scope Scope, string? Resource, string? Subject, DateTimeOffset ExpiresAt, bool CanRefresh)
{
    /// <summary>The other APIs that were asked for, as in <see cref="ClientOptions.FurtherResources"/>.</summary>
    public IReadOnlyList<string> FurtherResources { get; init; } = [];

    /// <summary>Whether its tokens are bound to a key of the session (RFC 9449).</summary>
    public bool IsBound { get; init; }
}

/// <summary>
/// Where sessions are kept: in memory, or in a folder with an encrypted file for each profile. Nothing is ever written that is not
/// encrypted. A store is a description: nothing is read or made until a client uses it.
/// </summary>
public sealed class TokenStore
{
    private const string Extension = ".vault";

    private readonly string? _folder;

    private TokenStore(string? folder, VaultKey? key) => (_folder, Key) = (folder is null ? null : System.IO.Path.GetFullPath(folder), key);

    /// <summary>Keeps nothing: a session ends with its client.</summary>
    public static TokenStore InMemory { get; } = new(null, null);

    /// <summary>The folder with the files; empty for a store in memory.</summary>
    public string Folder => _folder ?? "";

    internal VaultKey? Key { get; }

    internal SharedMemory? Memory { get; private init; }

    internal static TokenStore Of(SharedMemory memory) => new(null, null) { Memory = memory };

    /// <summary>
    /// What suits this system: files in the person's own application data, whose key is in the person's keychain (Secret Service, the
    /// Keychain of macOS, DPAPI of Windows). Where there is no keychain, the first use says so; it never goes on without encryption.
    /// </summary>
    /// <param name="application">The program's name, 1 to 64 letters, digits, dots, hyphens or underscores; the same in each version, for the key is found by it.</param>
    /// <returns>The store.</returns>
    /// <exception cref="ArgumentException">The name has other characters.</exception>
    public static TokenStore OfThisSystem(string application) => Keychain(application, DefaultFolder(application));

    /// <summary>Files in a folder, whose key is in the person's keychain.</summary>
    /// <param name="application">The program's name, as in <see cref="OfThisSystem"/>.</param>
    /// <param name="folder">The folder, absolute or relative to the current one.</param>
    /// <returns>The store.</returns>
    /// <exception cref="ArgumentException">The name has other characters.</exception>
    public static TokenStore Keychain(string application, string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return new TokenStore(folder, new KeychainKey(Checked(application), ProofKey.Client.Keychain.OfThisSystem));
    }

    /// <summary>Files in a folder, encrypted with a key that the program brings, for machines without a keychain.</summary>
    /// <param name="folder">The folder, absolute or relative to the current one.</param>
    /// <param name="key">The key.</param>
    /// <returns>The store.</returns>
    public static TokenStore EncryptedFile(string folder, VaultKey key)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(key);
        return new TokenStore(folder, key);
    }

    /// <summary>Where a program's sessions belong on this system, below the person's own application data.</summary>
    /// <param name="application">The program's name, as in <see cref="OfThisSystem"/>.</param>
    /// <returns>An absolute path, such as <c>~/.local/share/{application}</c>.</returns>
    /// <exception cref="ArgumentException">The name has other characters.</exception>
    public static string DefaultFolder(string application) =>
        System.IO.Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), Checked(application));

    /// <summary>The file of a profile.</summary>
    /// <param name="profile">The profile's name.</param>
    /// <returns>Its path; empty for a store in memory.</returns>
    public string PathOf(string profile)
    {
        ArgumentException.ThrowIfNullOrEmpty(profile);
        return _folder is null ? "" : System.IO.Path.Combine(_folder, ProfileName.ToFileName(profile) + Extension);
    }

    /// <summary>What holds the key of a profile's file, as the file itself says: <c>keychain</c>, <c>passphrase</c> or <c>key_file</c>. No key is needed to ask.</summary>
    /// <param name="profile">The profile's name.</param>
    /// <returns>The word, or <see langword="null"/> when there is no file.</returns>
    /// <exception cref="TokenStoreException">The file cannot be read, or is no vault.</exception>
    public string? BackendOf(string profile)
    {
        Memory?.ThrowIfBroken();
        using var vault = new SessionVault(this, profile);
        return vault.Header()?.Backend;
    }

    /// <summary>Lists what the folder holds; one that is not there holds nothing, and neither does <see cref="InMemory"/>.</summary>
    /// <param name="cancel">Ends the call.</param>
    /// <returns>The sessions in the order of their profiles.</returns>
    /// <exception cref="TokenStoreException">The folder or one of the files cannot be opened.</exception>
    public Task<IReadOnlyList<SessionSummary>> ListAsync(CancellationToken cancel = default) => ListAsync(ExceptionDispatchInfo.Throw, cancel);

    /// <summary>The same where a file that cannot be opened hides none of the others.</summary>
    /// <param name="problem">Told of each of them.</param>
    /// <param name="cancel">Ends the call.</param>
    /// <returns>The sessions that can be opened, in the order of their profiles.</returns>
    /// <exception cref="TokenStoreException">The folder cannot be opened.</exception>
    public async Task<IReadOnlyList<SessionSummary>> ListAsync(Action<TokenStoreException> problem, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(problem);
        var found = await SessionsAsync(problem, cancel).ConfigureAwait(false);
        return [.. found.Select(session => session.Summary).OrderBy(summary => summary.Profile, StringComparer.Ordinal)];
    }

    /// <summary>The sessions that can be opened, in no order.</summary>
    /// <exception cref="TokenStoreException">The folder cannot be opened.</exception>
    internal async Task<IReadOnlyList<StoredSession>> SessionsAsync(Action<TokenStoreException> problem, CancellationToken cancel)
    {
        var found = new List<StoredSession>(Memory?.Sessions() ?? []);
        foreach (var path in Files())
        {
            try
            {
                using var vault = SessionVault.At(path, this);
                if (await vault.ReadAsync(cancel).ConfigureAwait(false) is { } session) found.Add(session);
            }
            catch (TokenStoreException unopened)
            {
                problem(unopened);
            }
        }
        return found;
    }

    /// <summary>
    /// Tries whether sessions can be kept, as a sign-in does before it opens a browser: the key is found, or made where there is none yet, and the
    /// file is written. A session that is there stays as it is.
    /// </summary>
    /// <param name="profile">The profile's name.</param>
    /// <param name="cancel">Ends the call.</param>
    /// <returns>When it can be done.</returns>
    /// <exception cref="TokenStoreException">It cannot.</exception>
    public async Task ProbeAsync(string profile, CancellationToken cancel = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(profile);
        using var vault = new SessionVault(this, profile);
        await vault.ProbeAsync(cancel).ConfigureAwait(false);
    }

    /// <summary>
    /// Moves a profile's session to another store: the one way in which the key of a file changes. Where both stores have the same folder, the file is
    /// replaced in one step; else the new file is written before the old one is deleted. Of a move that broke off in between, the tokens that came last count.
    /// </summary>
    /// <param name="profile">The profile's name.</param>
    /// <param name="to">Where it goes.</param>
    /// <param name="cancel">Ends the call; what was not moved stays as it was.</param>
    /// <returns>Whether there was a session to move.</returns>
    /// <exception cref="TokenStoreException">One of the two stores cannot be used, or the other one has another session of that name (<see cref="TokenStoreState.Occupied"/>).</exception>
    /// <exception cref="ArgumentException">One of them is in memory.</exception>
    public async Task<bool> MoveAsync(string profile, TokenStore to, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(to);
        if (Key is null || to.Key is null) throw new ArgumentException("A store in memory keeps nothing that could be moved.", nameof(to));
        using var source = new SessionVault(this, profile);
        using var target = new SessionVault(to, profile);
        return await new VaultMove(source, target).RunAsync(cancel).ConfigureAwait(false);
    }

    /// <summary>Names the folder and what holds the key.</summary>
    /// <returns>A text without secrets.</returns>
    public override string ToString() => Key is null ? "memory" : $"{Key} for {Folder}";

    private string[] Files()
    {
        try
        {
            return Directory.Exists(_folder) ? Directory.GetFiles(_folder, "*" + Extension) : [];
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException)
        {
            throw TokenStoreException.Denied(Folder, denied);
        }
    }

    private static string Checked(string application)
    {
        ArgumentException.ThrowIfNullOrEmpty(application);
        return application.Length <= 64 && application[0] is not ('.' or '-') && application.All(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '-' or '_') ? application
            : throw new ArgumentException("A program's name has 1 to 64 letters, digits, dots, hyphens or underscores, and starts with a letter or digit.", nameof(application));
    }
}
