namespace ProofKey.Client;

/// <summary>Takes a session from one vault to another, which may be the same file with another key.</summary>
internal sealed class VaultMove(SessionVault source, SessionVault target)
{
    public async Task<bool> RunAsync(CancellationToken cancel)
    {
        var order = string.Compare(OwnerFile.Real(source.Path), OwnerFile.Real(target.Path), OperatingSystem.IsWindows() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal);
        if (order == 0) return await ChangeKeyAsync(cancel).ConfigureAwait(false);
        // In one order, whichever way a session moves: two moves that meet must not wait for each other.
        var (first, second) = order < 0 ? (source, target) : (target, source);
        using var one = await first.LockAsync(cancel).ConfigureAwait(false);
        using var other = await second.LockAsync(cancel).ConfigureAwait(false);
        if (await source.ReadAsync(cancel).ConfigureAwait(false) is not { } session)
        {
            await source.RemoveAsync(cancel).ConfigureAwait(false);
            return false;
        }
        var theirs = await target.ReadAsync(cancel).ConfigureAwait(false);
        if (theirs is not null && theirs.Id != session.Id) throw Occupied();
        // A move that broke off left both, and the one that was used since has the tokens that still count.
        if (theirs is null || LastTokens(theirs) <= LastTokens(session)) await target.SaveAsync(session, cancel).ConfigureAwait(false);
        await source.RemoveAsync(CancellationToken.None).ConfigureAwait(false);
        return true;
    }

    private async Task<bool> ChangeKeyAsync(CancellationToken cancel)
    {
        using var held = await source.LockAsync(cancel).ConfigureAwait(false);
        var session = await source.ReadAsync(cancel).ConfigureAwait(false);
        // A file without a session would bind the next one to the key that is left.
        await (session is null ? source.RemoveAsync(cancel) : target.ReplaceAsync(session, cancel)).ConfigureAwait(false);
        return session is not null;
    }

    private TokenStoreException Occupied() => new(
        TokenStoreState.Occupied, target.Path, $"no other session at {target.Path}", "there is one", "Sign out there first, or move to another folder; both were left as they are.");

    private static DateTimeOffset LastTokens(StoredSession session) =>
        session.FurtherTokens is { Count: > 0 } further && further.Values.Max(token => token.ObtainedAt) is var last && last > session.ObtainedAt ? last : session.ObtainedAt;
}
