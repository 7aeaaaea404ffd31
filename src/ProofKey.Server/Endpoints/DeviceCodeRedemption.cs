using Microsoft.AspNetCore.Http;
using ProofKey.Jose;
using ProofKey.Server.Http;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>The token endpoint for devices (RFC 8628 section 3.4): counts a poll, and when a person has agreed, redeems the code once.</summary>
internal sealed class DeviceCodeRedemption(
    DeviceStore devices, GrantStore grants, AccountSource accounts, KeyRing keys, TokenIssuer issuer, ProofOfPossession possession, TimeProvider time, ILogger<DeviceCodeRedemption> logger)
{
    public async Task RedeemAsync(HttpContext context, Parameters form, RegisteredClient client, DpopProof? proof)
    {
        var now = time.GetUtcNow();
        if (form["device_code"] is not { } text)
        {
            await RefuseAsync(context, client, OAuthError.InvalidRequest("The request must have a device_code."));
            return;
        }
        if (DeviceCode.Open(text, keys) is not { } code)
        {
            await RefuseAsync(context, client, new Refusal(DeviceCodeGrant.NotGood, "The device code is not one of ours, or its key is gone."));
            return;
        }
        var row = await devices.PollAsync(code.Id, code.SecretDigest, client.Id, now) ?? await devices.FindAsync(code.Id, context.RequestAborted);
        switch (DeviceCodeGrant.Decide(new(row, code, client.Id, now)))
        {
            case DeviceCodeGrant.Refuse refuse:
                await RefuseAsync(context, client, refuse.Refusal);
                break;
            case DeviceCodeGrant.Redeem redeem when ResourceIndicator.NotGranted(form.All("resource"), issuer.AudienceOf(redeem.Row.Resource, client)) is { } problem:
                await RefuseAsync(context, client, problem);
                break;
            case DeviceCodeGrant.Redeem redeem when proof is not null && possession.Use(proof, redeem.Approval.Subject, now) is { } used:
                await RefuseAsync(context, client, used);
                break;
            case DeviceCodeGrant.Redeem redeem:
                await AnswerAsync(context, client, redeem, TokenEndpoint.ThumbprintOf(proof), now);
                break;
        }
    }

    private async Task AnswerAsync(HttpContext context, RegisteredClient client, DeviceCodeGrant.Redeem redeem, byte[]? key, DateTimeOffset now)
    {
        var rowSecret = Secret.NewBytes(RefreshToken.SecretLength);
        // RFC 9449 section 5: a public client's refresh token is bound to the key; a confidential one proves itself and may change its key
        var grant = GrantOf(redeem.Row, redeem.Approval, client, rowSecret, now) with { DpopThumbprint = client.IsPublic ? key : null };
        if ((accounts.KeepsAccountsHere || await accounts.StandsAsync(grant.Subject, grant.Epoch, context.RequestAborted)) && await grants.RedeemOfDeviceAsync(grant))
            // There is no nonce: no browser of the client took part.
            await Answers.TokensAsync(context, issuer.Issue(grant, client, grant.Scope, new RefreshToken(grant.Id, rowSecret, 1), null, now, key));
        else
            await RefuseReplayAsync(context, client, grant, now);
    }

    private static Grant GrantOf(DeviceRow row, DeviceApproval approval, RegisteredClient client, byte[] rowSecret, DateTimeOffset now) => new()
    {
        Id = row.Id,
        ClientId = row.ClientId,
        Subject = approval.Subject,
        Epoch = approval.Epoch,
        SessionId = approval.SessionId,
        OutlivesSession = row.Scope.Contains(Scope.OfflineAccess),
        Scope = row.Scope,
        Resource = row.Resource,
        AuthTime = approval.AuthTime,
        Amr = approval.Amr,
        Acr = approval.Acr,
        NotifiesLogout = client.HearsOfEnd(approval.SessionId, row.Scope),
        SecretDigest = RefreshToken.DigestOf(rowSecret),
        Sequence = 1,
        CreatedAt = now,
        ExpiresAt = approval.GrantExpiresAt,
    };

    // RFC 6749 section 10.5: a code that two hold ends what it gave, here as for every other code
    private async Task RefuseReplayAsync(HttpContext context, RegisteredClient client, Grant grant, DateTimeOffset now)
    {
        if (await grants.FindAsync(grant.Id, CancellationToken.None) is null)
        {
            await RefuseAsync(context, client, new Refusal(DeviceCodeGrant.NotGood, "The account, the client, the session or the permission is gone."));
            return;
        }
        var name = Convert.ToHexStringLower(grant.Id);
        await grants.RevokeAsync(grant.Id, now, new AuditEvent("device-code-reused") { Subject = grant.Subject, ClientId = client.Id, Address = ClientAddress.Whole(context), Detail = name });
        Log.DeviceCodeReplayed(logger, name, client.Id);
        await RefuseAsync(context, client, new Refusal(DeviceCodeGrant.NotGood, "The device code was used before."));
    }

    private Task RefuseAsync(HttpContext context, RegisteredClient client, Refusal refusal) => Answers.RefuseAsync(context, logger, TokenEndpoint.Path, client.Id, refusal);
}
