using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ProofKey.Server.Http;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>Gives a device its two codes (RFC 8628 section 3.1): one to keep, one to show to a person.</summary>
internal sealed class DeviceAuthorizationEndpoint(
    ClientAuthentication authentication, ResourceStore resources, DeviceStore devices, KeyRing keys, ServerOptions options, TimeProvider time, ILogger<DeviceAuthorizationEndpoint> logger)
{
    public const string Path = "/device_authorization";

    // RFC 8628 section 3.2: the default, said all the same
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    public async Task PostAsync(HttpContext context)
    {
        var read = await FormReader.ReadOnceAsync(context, repeatable: "resource");
        if (!read.TryGet(out var form, out var problem))
            await RefuseAsync(context, null, OAuthError.InvalidRequest(problem), read.Status);
        else if (!(await authentication.IdentifyAsync(context, form)).TryGet(out var client, out var refusal))
            await RefuseAsync(context, null, refusal, refusal.Status);
        else if (!DeviceRequest.TryParse(form, client, await resources.ListForAsync(form, client, context.RequestAborted), out var request, out var error))
            await RefuseAsync(context, client.Id, error);
        else
            await AnswerAsync(context, request);
    }

    private async Task AnswerAsync(HttpContext context, DeviceRequest request)
    {
        var now = time.GetUtcNow();
        var code = DeviceCode.New(now);
        var device = new DeviceRow
        {
            Id = code.Id,
            SecretDigest = code.SecretDigest,
            ClientId = request.Client.Id,
            Scope = request.Scope,
            Resource = request.Resource,
            Address = ClientAddress.Of(context),
            CreatedAt = now,
            ExpiresAt = now + options.DeviceCodeLifetime,
            Interval = Interval,
        };
        var userCode = await AddAsync(device);
        Answers.NoStore(context);
        var body = new DeviceAuthorizationResponse
        {
            DeviceCode = code.Seal(keys),
            UserCode = userCode.ToString(),
            VerificationUri = options.Issuer.Endpoint(DeviceEndpoint.Path),
            VerificationUriComplete = DeviceEndpoint.CompleteAddress(options.Issuer, userCode),
            ExpiresIn = (long)options.DeviceCodeLifetime.TotalSeconds,
            Interval = (long)Interval.TotalSeconds,
        };
        await Answers.JsonAsync(context, JsonSerializer.SerializeToUtf8Bytes(body, Wire.Default.DeviceAuthorizationResponse));
    }

    // Two live codes that are the same are a matter of chance, one in 2^34 for each device that waits.
    private async ValueTask<UserCode> AddAsync(DeviceRow device)
    {
        while (true)
        {
            var code = UserCode.New();
            if (await devices.AddAsync(device, keys.DigestOf(code))) return code;
        }
    }

    private Task RefuseAsync(HttpContext context, string? clientId, Refusal refusal, int status = StatusCodes.Status400BadRequest) =>
        Answers.RefuseAsync(context, logger, Path, clientId, refusal, status);
}
