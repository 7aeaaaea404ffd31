using ProofKey.Client;

namespace ProofKey.Cli.Sessions;

/// <summary>The session that a profile's file holds, whatever the profile remembers by now: it may be for another server, client, scope or API, or bound where the profile is not.</summary>
internal sealed class KeptSession : IAsyncDisposable
{
    private readonly PublicClient _client;

    private KeptSession(PublicClient client, Session session) => (_client, Session) = (client, session);

    /// <summary>The session.</summary>
    public Session Session { get; }

    /// <summary>Finds it.</summary>
    /// <param name="options">Those of the profile; what the session says of itself goes before them.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <returns>The session; <see langword="null"/> where there is none.</returns>
    /// <exception cref="TokenStoreException">There is a file, and it cannot be opened.</exception>
    /// <exception cref="CommandException">There is a session, and it changed while it was looked at.</exception>
    public static async Task<KeptSession?> FindAsync(ClientOptions options, CancellationToken cancellation)
    {
        var all = await options.Store.ListAsync(cancellation);
        foreach (var left in all)
        {
            var client = new PublicClient(options with
            {
                Profile = left.Profile,
                Issuer = left.Issuer,
                ClientId = left.ClientId,
                Scope = left.Scope,
                Resource = left.Resource,
                FurtherResources = left.FurtherResources,
                Dpop = left.IsBound ? DpopUse.WhenAdvertised : DpopUse.Never,
                // Nobody signs in here, and a token is taken back whatever the server promises of sign-ins.
                AcceptUnadvertisedPkce = true,
                ResponseMode = ResponseMode.Automatic,
            });
            if (await client.FindSessionAsync(cancellation) is { } session) return new KeptSession(client, session);
            await client.DisposeAsync();
        }
        return all.Count == 0 ? null : throw new CommandException(ExitCodes.TokenStore, $"The session in {options.Store.Folder} is not the one that was there a moment ago.", "Try again; nothing was changed.");
    }

    public ValueTask DisposeAsync() => _client.DisposeAsync();
}
