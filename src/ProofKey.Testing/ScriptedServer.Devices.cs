using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ProofKey.Testing;

/// <summary>How it treats devices without a browser (RFC 8628).</summary>
public sealed partial class ScriptedServer
{
    /// <summary>Gets the answer with the device's codes and may spoil it.</summary>
    public Action<JsonObject>? SpoilDevice { get; set; }

    /// <summary>What the next polls of a device are answered.</summary>
    public ConcurrentQueue<RequestDelegate> Polls { get; } = new();

    private Task DeviceAsync(HttpContext context)
    {
        var answer = new JsonObject
        {
            ["device_code"] = Remember(Secret.NewText()),
            ["user_code"] = "WDJB-MJHT",
            ["verification_uri"] = Issuer.Endpoint("/device"),
            ["verification_uri_complete"] = Issuer.Endpoint("/device?user_code=WDJB-MJHT"),
            ["expires_in"] = 300,
            ["interval"] = 5,
        };
        SpoilDevice?.Invoke(answer);
        return JsonAsync(context, 200, answer.ToJsonString());
    }

    // What the polls are answered, one after the other; tokens when nothing is left.
    private Task DevicePollAsync(HttpContext context) => Polls.TryDequeue(out var poll)
        ? poll(context)
        : TokensAsync(context, new Grant { Scope = "openid profile", Current = Remember(Secret.NewText()) }, null);
}
