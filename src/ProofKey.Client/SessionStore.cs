using System.Text.Json;

namespace ProofKey.Client;

/// <summary>What a session file tells about one of its sessions; no tokens.</summary>
/// <param name="Profile">Its name in the file.</param>
/// <param name="Issuer">The authorization server.</param>
/// <param name="ClientId">The client.</param>
/// <param name="Scope">The scope that was asked for.</param>
/// <param name="Resource">The API that was asked for, if one was.</param>
/// <param name="Subject">Who signed in, if <c>openid</c> was asked for.</param>
/// <param name="ExpiresAt">When the access token ends.</param>
/// <param name="CanRefresh">Whether there is a refresh token.</param>
public sealed record SessionSummary(
    string Profile, Issuer Issuer, string ClientId, Scope Scope, string? Resource, string? Subject, DateTimeOffset ExpiresAt, bool CanRefresh);

/// <summary>
/// Keeps sessions in a file that only its owner can read: mode 0600, in a folder that is made with 0700. It is replaced as a whole, so a
/// reader sees the old file or the new one; who changes it holds the lock file beside it, which the system frees when a process dies.
/// A file that cannot be understood is reported and left as it is.
/// </summary>
public sealed class SessionStore : IDisposable
{
    private const UnixFileMode OwnerFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnerFolder = OwnerFile | UnixFileMode.UserExecute;
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    private static readonly StoredSessions Nothing = new() { Version = StoredSessions.CurrentVersion, Sessions = [] };

    private readonly string? _path;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private StoredSessions _memory = Nothing;

    /// <summary>Names a session file; nothing is read or made yet.</summary>
    /// <param name="path">The file, absolute or relative to the current folder.</param>
    public SessionStore(string path)
        : this(path, inMemory: false)
    {
    }

    private SessionStore(string? path, bool inMemory) => _path = inMemory ? null : System.IO.Path.GetFullPath(path!);

    /// <summary>The file; empty for a store in memory.</summary>
    public string Path => _path ?? "";

    /// <summary>Where a program's sessions belong on this system, below the person's own application data.</summary>
    /// <param name="application">The program's name, fit for a folder name.</param>
    /// <returns>An absolute path, such as <c>~/.local/share/{application}/sessions.json</c>.</returns>
    public static string DefaultPath(string application)
    {
        ArgumentException.ThrowIfNullOrEmpty(application);
        var data = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return System.IO.Path.Combine(data, application, "sessions.json");
    }

    /// <summary>Lists what the file holds; a file that is not there holds nothing.</summary>
    /// <returns>The sessions in the order of their profiles.</returns>
    /// <exception cref="TokenStoreException">The file is damaged, cannot be read, or can be read by others.</exception>
    public IReadOnlyList<SessionSummary> List() =>
    [
        .. Read().Sessions.OrderBy(session => session.Profile, StringComparer.Ordinal).Select(session => new SessionSummary(
            session.Profile, Issuer.Parse(session.Issuer), session.ClientId, Scope.Parse(session.AskedScope), session.Resource, session.Subject, session.ExpiresAt, session.RefreshToken is not null)),
    ];

    /// <summary>Frees what the store holds in this process; the file stays.</summary>
    public void Dispose() => _gate.Dispose();

    internal static SessionStore For(ClientOptions options) => new(options.SessionFile, options.SessionFile is null);

    /// <summary>The stored session that the options ask for. Takes no lock: a replaced file is whole at any time.</summary>
    internal StoredSession? Find(ClientOptions options) => Read().Sessions.FirstOrDefault(session => session.IsFor(options));

    /// <summary>
    /// Takes the lock, waiting while another process has it, unless waiting becomes needless: what the other one stores may be all that
    /// we wanted.
    /// </summary>
    /// <returns>The lock, or <see langword="null"/> once <paramref name="settled"/> was true.</returns>
    internal async Task<IDisposable?> LockUnlessAsync(Func<bool> settled, CancellationToken cancel)
    {
        await _gate.WaitAsync(cancel);
        try
        {
            var held = _path is null ? new SessionLock(null, _gate) : await SessionLock.TakeAsync(_path, _gate, settled, cancel);
            if (held is null) _gate.Release();
            return held;
        }
        catch
        {
            _gate.Release();
            throw;
        }
    }

    internal async Task<IDisposable> LockAsync(CancellationToken cancel) => (await LockUnlessAsync(() => false, cancel))!;

    /// <summary>Disposes once who holds or awaits the lock in this process is done; a change that outlasts the limit goes on without us.</summary>
    internal async Task SettleAsync(CancellationToken limit)
    {
        try
        {
            await _gate.WaitAsync(limit);
            Dispose();
        }
        catch (OperationCanceledException)
        {
            // It will still release the gate.
        }
    }

    /// <summary>Puts a session in the place of the profile's former one. The caller holds the lock.</summary>
    internal void Save(StoredSession session) => Replace(session.Profile, session);

    /// <summary>Removes a profile's session. The caller holds the lock.</summary>
    internal void Remove(string profile) => Replace(profile, null);

    /// <summary>Finds out whether sessions can be kept at all, before a person is asked to sign in for nothing.</summary>
    internal async Task ProbeAsync(CancellationToken cancel)
    {
        if (_path is null) return;
        using var held = await LockAsync(cancel);
        Write(Read());
    }

    /// <summary>Makes the folder if need be, for its owner alone.</summary>
    internal static void MakeFolder(string path)
    {
        var folder = System.IO.Path.GetDirectoryName(path)!;
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, OwnerFolder);
    }

    internal static FileStreamOptions OwnerOnly(FileMode mode, FileShare share)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = share };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerFile;
        return options;
    }

    internal static TokenStoreException Denied(string path, Exception inner) => new(
        TokenStoreState.Denied, path, $"a session file at {path} that can be read and written", $"the system says {inner.GetType().Name}", "Check the folder's owner, its mode and the free space, or choose another file.", inner);

    private void Replace(string profile, StoredSession? session)
    {
        var others = Read().Sessions.Where(other => other.Profile != profile);
        Write(Nothing with { Sessions = session is null ? [.. others] : [.. others, session] });
    }

    private StoredSessions Read()
    {
        if (_path is null) return Volatile.Read(ref _memory);
        try
        {
            ThrowIfExposed(_path);
            var options = new FileStreamOptions { Share = FileShare.ReadWrite | FileShare.Delete };
            using var file = new FileStream(_path, options);
            return Understood(JsonSerializer.Deserialize(file, StoreJson.Default.StoredSessions));
        }
        catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
        {
            return Nothing;
        }
        catch (JsonException)
        {
            // The parser's own message may quote a token.
            throw Damaged("it is not the JSON that was written there");
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException)
        {
            throw Denied(_path, denied);
        }
    }

    private StoredSessions Understood(StoredSessions? read) => read switch
    {
        null => throw Damaged("it is empty of sense"),
        { Version: not StoredSessions.CurrentVersion } => throw Damaged("it was written by another version of this library"),
        { Sessions: var sessions } when !sessions.All(session => session is { IsUsable: true }) => throw Damaged("a session in it makes no sense"),
        _ => read,
    };

    private TokenStoreException Damaged(string actual) => new(
        TokenStoreState.Damaged, _path!, $"a session file at {_path}", actual, "Restore it from a copy, or remove it and sign in again; it was left as it is.");

    // Tokens that others can read are theirs too; to go on in silence would hide it.
    private static void ThrowIfExposed(string path)
    {
        if (OperatingSystem.IsWindows() || !File.Exists(path)) return;
        if ((File.GetUnixFileMode(path) & Others) != 0)
            throw new TokenStoreException(TokenStoreState.Exposed, path, $"a session file at {path} for its owner alone (mode 0600)", "others can read or write it", "Remove it and sign in again; its tokens may be known to others.");
        var folder = File.GetUnixFileMode(System.IO.Path.GetDirectoryName(path)!);
        if (folder.HasFlag(UnixFileMode.OtherWrite) && !folder.HasFlag(UnixFileMode.StickyBit))
            throw new TokenStoreException(TokenStoreState.Exposed, path, $"a folder for {path} that others cannot change", "everybody can write to it", "Take the right to write from others (chmod o-w), or choose another folder.");
    }

    // A new file takes the old one's place in one step, after its bytes have reached the disk.
    private void Write(StoredSessions sessions)
    {
        if (_path is null)
        {
            Volatile.Write(ref _memory, sessions);
            return;
        }
        try
        {
            var next = _path + ".new";
            File.Delete(next);
            using (var file = new FileStream(next, OwnerOnly(FileMode.CreateNew, FileShare.None)))
            {
                JsonSerializer.Serialize(file, sessions, StoreJson.Default.StoredSessions);
                file.Flush(flushToDisk: true);
            }
            File.Move(next, _path, overwrite: true);
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException)
        {
            throw Denied(_path, denied);
        }
    }
}
