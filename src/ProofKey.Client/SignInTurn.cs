namespace ProofKey.Client;

/// <summary>
/// The right to ask the person, which one process at a time has for a profile of a session file: fifty commands that find the session
/// ended must not open fifty windows. It is the system's own lock on an open file, so it ends with its process.
/// </summary>
internal sealed class SignInTurn : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly FileStream? _file;

    private SignInTurn(FileStream? file, StoredSession? signedInMeanwhile)
    {
        _file = file;
        SignedInMeanwhile = signedInMeanwhile;
    }

    /// <summary>The session that appeared before our turn came.</summary>
    public StoredSession? SignedInMeanwhile { get; }

    /// <summary>Takes the turn, waiting for whoever has it.</summary>
    /// <param name="client">Whose session it is about.</param>
    /// <param name="known">The session that the caller knew of before.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="TokenStoreException">The file beside the session file cannot be made.</exception>
    public static async Task<SignInTurn> TakeAsync(PublicClient client, string? known, CancellationToken cancel)
    {
        // A session in memory is this process's own, and so is the person who signs in for it.
        if (client.Options.SessionFile is not { } sessionFile) return new SignInTurn(null, null);
        var path = $"{Path.GetFullPath(sessionFile)}.{Base64UrlText.Encode(Secret.Digest(client.Options.Profile).AsSpan(0, 6))}.sign-in";
        var file = Open(path);
        if (file is null) client.Options.Emit(new ClientEvent.WaitingForTurn());
        while (file is null)
        {
            await Task.Delay(Pause, TimeProvider.System, cancel);
            file = Open(path);
        }
        // Also where we did not have to wait: it may have ended just before.
        return new SignInTurn(file, client.Store.Find(client.Options) is { } found && found.Id != known ? found : null);
    }

    public void Dispose() => _file?.Dispose();

    private static FileStream? Open(string path)
    {
        try
        {
            SessionStore.MakeFolder(path);
            return new FileStream(path, SessionStore.OwnerOnly(FileMode.OpenOrCreate, FileShare.None));
        }
        catch (IOException busy) when (SessionLock.IsHeld(busy))
        {
            return null;
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException)
        {
            throw SessionStore.Denied(path, denied);
        }
    }
}
