using System.Text.Json;

namespace ProofKey.Client;

/// <summary>
/// The session of one profile: in memory, or in an encrypted file that is replaced as a whole, so that a reader sees the old one or the new
/// one. Who changes it holds the lock file beside it. A file that cannot be opened is reported and left as it is.
/// </summary>
internal sealed class SessionVault : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan PauseForPeople = TimeSpan.FromMilliseconds(150);
    private static readonly TimeSpan LeastPatience = TimeSpan.FromSeconds(90);
    // Who brings no options waits for a holder that has the usual ones; a test holds the two together.
    private static readonly TimeSpan UsualPatience = TimeSpan.FromSeconds(180);

    // One object, so that no reader sees the header of one key with the bytes of another.
    private sealed class OpenKey(VaultHeader header, byte[] key)
    {
        public VaultHeader Header { get; } = header;

        public byte[] Key { get; } = key;
    }

    private readonly string? _path;
    private readonly VaultKey? _key;
    private readonly SharedMemory.Cell _memory;
    private readonly InterruptionNote? _note;
    private readonly SemaphoreSlim _gate;
    private bool _closed;
    // A key is found once: a keychain that is locked or ends later does not stop a program that runs.
    private OpenKey? _opened;

    public SessionVault(TokenStore store, string profile)
        : this(store.Key is null ? null : store.PathOf(profile), store.Key, store.Memory?.Of(profile))
    {
    }

    private SessionVault(string? path, VaultKey? key, SharedMemory.Cell? memory = null)
    {
        (_path, _key, _memory) = (path is null ? null : Resolved(path), key, memory ?? new SharedMemory.Cell(null));
        _gate = _memory.Gate;
        _note = _path is null ? null : new InterruptionNote(_path);
    }

    /// <summary>The file; empty in memory.</summary>
    public string Path => _path ?? "";

    /// <summary>How long one other holder of the lock may take before it counts as one that hangs.</summary>
    public TimeSpan Patience { get; set; } = UsualPatience;

    /// <summary>How long one holder of the lock may work: metadata at two addresses, keys, tokens, and two more for what has to be asked again.</summary>
    public static TimeSpan PatienceOf(ClientOptions options) => 6 * options.RequestTimeout > LeastPatience ? 6 * options.RequestTimeout : LeastPatience;

    /// <summary>How long one program may ask a person: a browser for as long as ours, or a device code for as long as any lasts.</summary>
    public static TimeSpan TurnOf(ClientOptions options) => (options.Timeout > DeviceAuthorization.MaxLifetime ? options.Timeout : DeviceAuthorization.MaxLifetime) + PatienceOf(options);

    public static SessionVault At(string path, TokenStore store) => new(path, store.Key);

    /// <summary>Turns away whoever comes to the gate from now on. It is not disposed itself: those who wait at it would never hear of it.</summary>
    public void Dispose() => Volatile.Write(ref _closed, true);

    /// <summary>The stored session that the options ask for. Takes no lock: a replaced file is whole at any time.</summary>
    public async Task<StoredSession?> FindAsync(ClientOptions options, CancellationToken cancel) =>
        await ReadAsync(cancel).ConfigureAwait(false) is { } session && session.IsFor(options) ? session : null;

    /// <summary>The stored session, whatever it is for.</summary>
    /// <exception cref="TokenStoreException">There is one, and it cannot be had.</exception>
    public async Task<StoredSession?> ReadAsync(CancellationToken cancel)
    {
        _memory.ThrowIfBroken();
        if (_path is null) return _memory.Session;
        if (OwnerFile.Read(_path) is not { } file) return null;
        var (header, end, problem) = VaultFile.ReadHeader(file);
        var key = await KeyAsync(header ?? throw Damaged(problem), cancel).ConfigureAwait(false);
        var session = Understood(VaultFile.Open(key, file, end) ?? throw Damaged("it is not as it was written"));
        return session is { WasInterrupted: true } && Successor(session, header, key) is { } successor ? successor : session;
    }

    /// <summary>What the file says about itself in the clear.</summary>
    public VaultHeader? Header()
    {
        if (_path is null || OwnerFile.Read(_path) is not { } file) return null;
        var (header, _, problem) = VaultFile.ReadHeader(file);
        return header ?? throw Damaged(problem);
    }

    /// <summary>
    /// Takes the lock, waiting while another process has it, unless waiting becomes needless: what the other one stores may be all that
    /// we wanted.
    /// </summary>
    /// <returns>The lock, or <see langword="null"/> once <paramref name="settled"/> was true.</returns>
    public async Task<IDisposable?> LockUnlessAsync(Func<Task<bool>> settled, CancellationToken cancel)
    {
        await _gate.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _closed), typeof(PublicClient));
            var held = _path is null ? new VaultLock(null, () => _gate.Release()) : await VaultLock.TakeAsync(_path + ".lock", () => _gate.Release(), settled, Pause, Patience, cancel).ConfigureAwait(false);
            if (held is null) _gate.Release();
            return held;
        }
        catch
        {
            _gate.Release();
            throw;
        }
    }

    public async Task<IDisposable> LockAsync(CancellationToken cancel) => (await LockUnlessAsync(() => Task.FromResult(false), cancel).ConfigureAwait(false))!;

    /// <summary>
    /// Waits for the turn to ask a person: one program at a time, on the whole machine. The caller has the turn until it disposes it.
    /// </summary>
    /// <param name="options">Whose sign-in it is: who waits is told, and waits no longer than a sign-in may take.</param>
    /// <param name="settled">Whether waiting has become needless.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>The turn, and whether somebody else had it before; no turn once <paramref name="settled"/> was true.</returns>
    public async Task<(IDisposable? Turn, bool Waited)> TakeSignInTurnAsync(ClientOptions options, Func<Task<bool>> settled, CancellationToken cancel)
    {
        var waited = false;
        Task<bool> WaitAsync()
        {
            if (!waited) options.Emit(new ClientEvent.WaitingForTurn());
            waited = true;
            return settled();
        }
        if (_path is null) return (await _memory.TakeTurnAsync(WaitAsync, PauseForPeople, cancel).ConfigureAwait(false), waited);
        if (NetworkFolder.KindOf(System.IO.Path.GetDirectoryName(_path)!) is { } kind) options.Emit(new ClientEvent.FolderOnNetwork(kind));
        var turn = await VaultLock.TakeAsync(_path + ".sign-in.lock", () => { }, WaitAsync, PauseForPeople, TurnOf(options), cancel).ConfigureAwait(false);
        return (turn, waited);
    }

    /// <summary>Disposes once who holds or awaits the lock in this process is done; a change that outlasts the limit goes on without us.</summary>
    public async Task SettleAsync(CancellationToken limit)
    {
        try
        {
            await _gate.WaitAsync(limit);
            Dispose();
            _gate.Release();
        }
        catch (OperationCanceledException)
        {
            // It will still release the gate.
            Dispose();
        }
    }

    /// <summary>Puts a session in the place of the former one. The caller holds the lock.</summary>
    public async Task SaveAsync(StoredSession session, CancellationToken cancel)
    {
        // A file whose key is elsewhere, or that is damaged, is not ours to overwrite.
        await ReadAsync(cancel).ConfigureAwait(false);
        await ReplaceAsync(session, cancel).ConfigureAwait(false);
    }

    /// <summary>The same for a file that another key may have opened so far.</summary>
    public async Task ReplaceAsync(StoredSession? session, CancellationToken cancel)
    {
        if (_path is null)
        {
            _memory.ThrowIfBroken();
            _memory.Session = session;
            return;
        }
        Write(_path, await SealingKeyAsync(cancel).ConfigureAwait(false), session);
    }

    /// <summary>The session that the server ended because a renewal was interrupted, as long as nobody has signed in or out since.</summary>
    public string? Interrupted => _note is null ? _memory.Interrupted : _note.Read();

    /// <summary>Removes the session and its file. The caller holds the lock.</summary>
    public Task RemoveAsync(CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        Remove();
        ForgetInterruption();
        return Task.CompletedTask;
    }

    /// <summary>Removes a session that the server ended because a renewal was interrupted, and leaves word of it to all who have it. The caller holds the lock.</summary>
    public void RemoveInterrupted(StoredSession session)
    {
        // First the word: who finds the session gone looks for it.
        if (_note is null) _memory.Interrupted = session.Id;
        else _note.Write(session.Id);
        Remove();
    }

    /// <summary>What was left word of is over: somebody signs in. The caller holds the lock.</summary>
    public void ForgetInterruption()
    {
        if (_note is null) _memory.Interrupted = null;
        else _note.Delete();
    }

    private void Remove()
    {
        if (_path is null) _memory.Session = null;
        else OwnerFile.Delete(_path);
    }

    /// <summary>Finds out whether sessions can be kept at all, before a person is asked to sign in for nothing.</summary>
    public async Task ProbeAsync(CancellationToken cancel)
    {
        _memory.ThrowIfBroken();
        if (_path is null) return;
        using var held = await LockAsync(cancel).ConfigureAwait(false);
        if (await ReadAsync(cancel).ConfigureAwait(false) is { } session)
        {
            await ReplaceAsync(session, cancel).ConfigureAwait(false);
            return;
        }
        // Under another name: a file without a session would bind whoever comes next to this key.
        Write(_path + ".probe", await SealingKeyAsync(cancel).ConfigureAwait(false), null);
        OwnerFile.Delete(_path + ".probe");
        OwnerFile.Delete(_path);
    }

    // A file keeps the key that it has. Where there is none, the key of a former one may be gone from where keys are kept.
    private async Task<OpenKey> SealingKeyAsync(CancellationToken cancel)
    {
        if (Volatile.Read(ref _opened) is { } opened && File.Exists(_path)) return opened;
        var made = await _key!.NewAsync(_path!, cancel).ConfigureAwait(false);
        Volatile.Write(ref _opened, opened = new OpenKey(made.Header, made.Key));
        return opened;
    }

    private static void Write(string path, OpenKey key, StoredSession? session)
    {
        var content = JsonSerializer.SerializeToUtf8Bytes(new VaultContent { Version = VaultContent.CurrentVersion, Session = session }, StoreJson.Default.VaultContent);
        OwnerFile.Replace(path, VaultFile.Seal(key.Header, key.Key, content));
    }

    // Tokens that were written and did not get their place, since their program ended between the two: all that is left of a session whose token is spent.
    private StoredSession? Successor(StoredSession session, VaultHeader header, byte[] key)
    {
        if (OwnerFile.ReadNext(_path!) is not { } file || VaultFile.ReadHeader(file) is not ({ } same, var end, _) || same != header || VaultFile.Open(key, file, end) is not { } content) return null;
        return Understood(content) is { } next && next.Id == session.Id && next.RefreshToken != session.RefreshToken ? next : null;
    }

    private async Task<byte[]> KeyAsync(VaultHeader header, CancellationToken cancel)
    {
        if (Volatile.Read(ref _opened) is { } opened && opened.Header == header) return opened.Key;
        if (header.Backend != _key!.Backend) throw OtherBackend(header.Backend);
        var key = await _key.OpenAsync(header, _path!, cancel).ConfigureAwait(false);
        Volatile.Write(ref _opened, new OpenKey(header, key));
        return key;
    }

    private StoredSession? Understood(byte[] content)
    {
        try
        {
            return JsonSerializer.Deserialize(content, StoreJson.Default.VaultContent) switch
            {
                null => throw Damaged("it is empty of sense"),
                { Version: > VaultContent.CurrentVersion } => throw Damaged(VaultFile.IsNewer),
                { Version: < VaultContent.CurrentVersion } => throw Damaged("it has a version that there never was"),
                { Session: { IsUsable: false } } => throw Damaged("the session in it makes no sense"),
                { Session: var session } => session,
            };
        }
        catch (JsonException)
        {
            // The parser's own message may quote a token.
            throw Damaged("it does not hold what was written there");
        }
    }

    private TokenStoreException Damaged(string actual) =>
        actual == VaultFile.IsNewer ? TokenStoreException.Damaged(_path!, actual, "Update this program; the file was left as it is.") : TokenStoreException.Damaged(_path!, actual);

    private TokenStoreException OtherBackend(string backend) => new(
        TokenStoreState.OtherBackend, _path!, $"a vault at {_path} whose key is {_key}", $"its key is {Named(backend)}",
        "Use it as it was made, or move the session by TokenStore.MoveAsync; if its key is gone for good, remove the file and sign in again. It was left as it is.");

    private static string Named(string backend) => backend switch
    {
        "keychain" => "in the keychain",
        "passphrase" => "made from a passphrase",
        "key_file" => "in a key file",
        _ => "held by something that this version does not know",
    };

    // Two paths to one file have one lock.
    private static string Resolved(string path)
    {
        try
        {
            return File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException)
        {
            return path;
        }
    }
}
