using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ProofKey.Testing;

/// <summary>How it treats devices without a browser (RFC 8628).</summary>
public sealed partial class ScriptedServer
{
    private const string DeviceGrant = "urn:ietf:params:oauth:grant-type:device_code";

    // The scope that was asked for with each code that is not used yet.
    private readonly ConcurrentDictionary<string, string> _deviceCodes = new();

    /// <summary>Gets the answer with the device's codes and may spoil it.</summary>
    public Action<JsonObject>? SpoilDevice { get; set; }

    /// <summary>What the next polls of a device are answered; tokens when nothing is left.</summary>
    public ConcurrentQueue<RequestDelegate> Polls { get; } = new();

    private async Task DeviceAsync(HttpContext context)
    {
        var code = Remember(Secret.NewText());
        _deviceCodes[code] = context.Request.HasFormContentType ? (await context.Request.ReadFormAsync())["scope"].ToString() : "";
        var answer = new JsonObject
        {
            ["device_code"] = code,
            ["user_code"] = Remember("WDJB-MJHT"),
            ["verification_uri"] = Issuer.Endpoint("/device"),
            ["verification_uri_complete"] = Issuer.Endpoint("/device?user_code=WDJB-MJHT"),
            ["expires_in"] = 300,
            ["interval"] = 5,
        };
        SpoilDevice?.Invoke(answer);
        await JsonAsync(context, 200, answer.ToJsonString());
    }

    private Task DevicePollAsync(HttpContext context, string? code)
    {
        if (Polls.TryDequeue(out var poll)) return poll(context);
        return code is not null && _deviceCodes.TryRemove(code, out var scope) ? TokensAsync(context, NewGrant(context, scope), null) : ErrorAsync(context, "invalid_grant");
    }
}
