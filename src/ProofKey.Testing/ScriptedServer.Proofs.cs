using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using ProofKey.Jose;

namespace ProofKey.Testing;

/// <summary>A request that came with a proof, or with none.</summary>
/// <param name="Path">The path of the request.</param>
/// <param name="Authorization">Its Authorization field, or nothing.</param>
/// <param name="Proof">The proof as it came, if one did.</param>
/// <param name="Checked">The proof, if it is good.</param>
public sealed record ProvedRequest(string Path, string Authorization, string? Proof, DpopProof? Checked);

/// <summary>Pushed requests and proofs of possession, checked as our own server checks them.</summary>
public sealed partial class ScriptedServer
{
    private readonly ConcurrentDictionary<string, Parameters> _pushed = new();
    private readonly ConcurrentDictionary<string, string> _bound = new();
    private readonly UsedProofs _used = new();

    /// <summary>Whether the metadata say that tokens are bound to keys (RFC 9449).</summary>
    public bool Binds { get; set; }

    /// <summary>Whether the metadata have a place to push requests to (RFC 9126).</summary>
    public bool TakesPushed { get; set; }

    /// <summary>The nonce that is wanted at /token, /par and /userinfo; none by default.</summary>
    public string? Nonce { get; set; }

    /// <summary>The nonce that the API wants.</summary>
    public string? ApiNonce { get; set; }

    /// <summary>The nonce that comes with a good answer, for the next proof.</summary>
    public string? NextNonce { get; set; }

    /// <summary>Changes the answer to a pushed request before it leaves.</summary>
    public Action<JsonObject>? SpoilPushed { get; set; }

    /// <summary>What /par answers in its place to a request, if anything.</summary>
    public Func<Parameters, string?>? PushedError { get; set; }

    /// <summary>The pushed requests, in their order.</summary>
    public ConcurrentQueue<Parameters> Pushed { get; } = new();

    /// <summary>What came in with a proof, or to a place where one is wanted.</summary>
    public ConcurrentQueue<ProvedRequest> Proved { get; } = new();

    private static string? ThumbprintIn(HttpContext context) => (context.Items["proof"] as DpopProof)?.Thumbprint;

    private async Task PushAsync(HttpContext context)
    {
        if (!ProofIsGood(context, out var error))
        {
            await ErrorAsync(context, error.Code);
            return;
        }
        var form = Parameters.Of((await context.Request.ReadFormAsync()).SelectMany(pair => pair.Value.Select(value => KeyValuePair.Create(pair.Key, value!))));
        Pushed.Enqueue(form);
        if (PushedError?.Invoke(form) is { } refusal)
        {
            await JsonAsync(context, 400, refusal);
            return;
        }
        var reference = "urn:ietf:params:oauth:request_uri:" + Remember(Secret.NewText());
        _pushed[reference] = form;
        var answer = new JsonObject { ["request_uri"] = reference, ["expires_in"] = 60 };
        SpoilPushed?.Invoke(answer);
        await JsonAsync(context, 201, answer.ToJsonString());
    }

    // RFC 9449 section 4.3, and section 8 where a nonce is wanted
    private bool ProofIsGood(HttpContext context, [NotNullWhen(false)] out OAuthError? error)
    {
        error = null;
        if (context.Request.Headers[Dpop.HeaderName] is not { Count: > 0 })
        {
            Note(context, null);
            return true;
        }
        var good = Check(context, Nonce, null, out error);
        if (good && NextNonce is { } next) (Nonce, context.Response.Headers[Dpop.NonceHeaderName]) = (next, next);
        return good;
    }

    private bool Check(HttpContext context, string? nonce, string? accessToken, [NotNullWhen(false)] out OAuthError? error)
    {
        var now = Time.GetUtcNow();
        var expected = new DpopExpectations
        {
            Method = context.Request.Method,
            Address = Issuer.Endpoint(context.Request.Path),
            AccessToken = accessToken,
            Thumbprint = accessToken is null ? null : _bound.GetValueOrDefault(accessToken),
            NonceEnd = nonce is null ? null : given => given == nonce ? now.AddMinutes(5) : null,
        };
        var good = DpopProof.Check([.. context.Request.Headers[Dpop.HeaderName]], expected, now).TryGet(out var proof, out error);
        if (good && _used.Use(proof!, now) != ProofUse.First) (good, error) = (false, OAuthError.InvalidDpopProof("It was used before."));
        if (nonce is not null) context.Response.Headers[Dpop.NonceHeaderName] = nonce;
        context.Items["proof"] = proof;
        Note(context, proof);
        return good;
    }

    private void Note(HttpContext context, DpopProof? proof)
    {
        var header = context.Request.Headers[Dpop.HeaderName].SingleOrDefault();
        if (header is not null) Remember(header);
        Proved.Enqueue(new ProvedRequest(context.Request.Path, context.Request.Headers.Authorization.ToString(), header, proof));
    }

    private Task BoundApiAsync(HttpContext context) => BoundAsync(context, ApiNonce, async () =>
    {
        if (NextNonce is { } next) (ApiNonce, context.Response.Headers[Dpop.NonceHeaderName]) = (next, next);
        using var reader = new StreamReader(context.Request.Body);
        await context.Response.WriteAsync($"bound {await reader.ReadToEndAsync()}".Trim());
    });

    // RFC 9449 section 7.1
    private Task BoundAsync(HttpContext context, string? nonce, Func<Task> answer)
    {
        var authorization = context.Request.Headers.Authorization.ToString();
        var token = authorization.StartsWith("DPoP ", StringComparison.Ordinal) ? authorization["DPoP ".Length..] : "";
        var isBound = _bound.ContainsKey(token);
        if (!isBound) Note(context, null);
        var error = isBound && IsLive(token) ? null : OAuthError.InvalidToken(isBound ? "It has ended." : "Only bound tokens are taken.");
        if (error is null && Check(context, nonce, token, out error)) return answer();
        context.Response.Headers.WWWAuthenticate = $"DPoP error=\"{error!.Code}\", algs=\"ES256\"";
        return JsonAsync(context, 401, "{}");
    }
}
