namespace ProofKey.Client;

/// <summary>Ends a session at the server as far as it can be reached (RFC 7009), and here in any case.</summary>
internal sealed class SignOut(PublicClient client)
{
    public async Task<SignOutResult> RunAsync(Session session, CancellationToken cancel)
    {
        var options = client.Options;
        using var held = await client.Vault.LockAsync(cancel);
        var found = await client.Vault.FindAsync(options, cancel);
        var stored = found?.Id == session.Stored.Id ? found : session.Stored;
        var result = await RevokeAsync(stored, cancel);
        if (found?.Id == stored.Id) await client.Vault.RemoveAsync(CancellationToken.None);
        options.Emit(new ClientEvent.SignedOut(result.Revoked));
        return result;
    }

    private async Task<SignOutResult> RevokeAsync(StoredSession stored, CancellationToken cancel)
    {
        try
        {
            var server = await client.Discovery.GetAsync(cancel);
            if (server.Revocation is null) return new SignOutResult(false, "The server offers no revocation; its tokens end by themselves.");
            // RFC 7009 section 2.1: the refresh token first, since it ends the whole grant
            (string Kind, string Token) revoked = stored.RefreshToken is { } refresh ? ("refresh_token", refresh) : ("access_token", stored.AccessToken);
            var form = Parameters.Of(new("token", revoked.Token), new("token_type_hint", revoked.Kind), new("client_id", stored.ClientId));
            var answer = await client.Backchannel.PostAsync("the revocation", server.Revocation, form, cancel);
            return answer.IsSuccess ? new SignOutResult(true, null) : new SignOutResult(false, $"The server answered the revocation with {(int)answer.Status}.");
        }
        catch (ClientException away)
        {
            // Not its whole message: there is nothing left to try again with.
            return new SignOutResult(false, $"The tokens were not revoked, since {away.Actual}; they end by themselves.");
        }
    }
}
