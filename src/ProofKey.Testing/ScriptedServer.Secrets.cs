using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;

namespace ProofKey.Testing;

/// <summary>What it hears of secrets: those that it makes, and those that come in, whoever answers then.</summary>
public sealed partial class ScriptedServer
{
    // What is shorter would be found everywhere, and LeakSearch refuses it.
    private const int ShortestSecret = 6;

    private static readonly string[] SecretParameters =
        ["code", "code_verifier", "refresh_token", "device_code", "user_code", "token", "state", "nonce", "id_token_hint", "client_secret", "client_assertion", "assertion", "subject_token", "actor_token"];

    /// <summary>
    /// Every code, token, verifier, state and nonce that was made or came in, also where a fault answered: what no log may hold. A device's user code is among
    /// them, which the program shows to the person and nobody else.
    /// </summary>
    public ConcurrentQueue<string> Secrets { get; } = new();

    private async Task RememberIncomingAsync(HttpContext context)
    {
        foreach (var name in SecretParameters)
            foreach (var value in context.Request.Query[name]) Remember(value ?? "", $"the address of {context.Request.Path}");
        if (!context.Request.HasFormContentType) return;
        // Who answers in the server's place may want to read it again.
        context.Request.EnableBuffering();
        try
        {
            var form = await context.Request.ReadFormAsync();
            foreach (var name in SecretParameters)
                foreach (var value in form[name]) Remember(value ?? "", $"a form for {context.Request.Path}");
        }
        catch (Exception unreadable) when (unreadable is InvalidDataException or IOException)
        {
            // Then nobody else can read it either.
        }
        context.Request.Body.Position = 0;
    }

    private string Remember(string secret, [CallerMemberName] string where = "")
    {
        if (secret.Length >= ShortestSecret)
        {
            Secrets.Enqueue(secret);
            Overheard?.Secret($"secret of {where}", secret);
        }
        return secret;
    }
}
