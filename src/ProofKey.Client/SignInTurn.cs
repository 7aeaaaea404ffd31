namespace ProofKey.Client;

/// <summary>
/// The right to ask the person, which one process at a time has for a profile of a store: fifty commands that find the session ended must
/// not open fifty windows. It ends with its process.
/// </summary>
/// <param name="held">What holds it, unless nobody else could ask, or the caller's caller has it.</param>
internal sealed class SignInTurn(IDisposable? held) : IDisposable
{
    /// <summary>The session that appeared before our turn came.</summary>
    public StoredSession? SignedInMeanwhile { get; private init; }

    /// <summary>Takes the turn, waiting for whoever has it.</summary>
    /// <param name="client">Whose session it is about.</param>
    /// <param name="known">The session that the caller knew of before.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="TokenStoreException">The file beside the vault cannot be made.</exception>
    public static async Task<SignInTurn> TakeAsync(PublicClient client, string? known, CancellationToken cancel)
    {
        if (client.Asking.HasTurn) return new SignInTurn(null);
        var (held, _) = await client.Vault.TakeSignInTurnAsync(client.Options, () => Task.FromResult(false), cancel);
        var own = client.Asking.Keeps(held) ? null : held;
        try
        {
            // Also where we did not have to wait: it may have ended just before.
            return new SignInTurn(own) { SignedInMeanwhile = await client.Vault.FindAsync(client.Options, cancel) is { } found && found.Id != known ? found : null };
        }
        catch
        {
            own?.Dispose();
            throw;
        }
    }

    public void Dispose() => held?.Dispose();
}
