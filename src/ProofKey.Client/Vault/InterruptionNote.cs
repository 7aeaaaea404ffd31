using System.Text;

namespace ProofKey.Client;

/// <summary>
/// A file beside a vault that says which session ended because a renewal was interrupted. Only one program hears that from the server; the others, those that
/// waited for it and those that come later, read it here until somebody signs in or out. It holds the name of a sign-in, which is no secret.
/// </summary>
/// <param name="vault">The file of the session.</param>
internal sealed class InterruptionNote(string vault)
{
    private readonly string _path = vault + ".interrupted";

    /// <summary>Which session it is about; <see langword="null"/> where there is no note.</summary>
    public string? Read()
    {
        try
        {
            return OwnerFile.Read(_path, "a note") is { } note ? Encoding.ASCII.GetString(note) : null;
        }
        catch (TokenStoreException)
        {
            // It explains what happened, and no more than that.
            return null;
        }
    }

    public void Write(string id)
    {
        try
        {
            OwnerFile.Replace(_path, Encoding.ASCII.GetBytes(id));
        }
        catch (TokenStoreException)
        {
            // On a full disk the session has ended all the same.
        }
    }

    public void Delete()
    {
        if (!File.Exists(_path)) return;
        try
        {
            OwnerFile.Delete(_path);
        }
        catch (TokenStoreException)
        {
            // It names a session that nobody has any more.
        }
    }
}
