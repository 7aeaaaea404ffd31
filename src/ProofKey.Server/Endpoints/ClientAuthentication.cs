using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http;
using ProofKey.Jose;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>Who is asking (RFC 6749 section 2.3): a public client names itself, a confidential one proves itself, in the way that it is registered for.</summary>
internal sealed class ClientAuthentication(ClientStore clients, ClientKeys clientKeys, AssertionStore assertions, ServerOptions options, TimeProvider time)
{
    /// <summary>How clients prove themselves, as metadata names it.</summary>
    public static readonly IReadOnlyList<string> ConfidentialMethods = ["client_secret_basic", "client_secret_post", "private_key_jwt"];

    /// <summary>The challenge to a client that did not authenticate (RFC 6749 section 5.2).</summary>
    public const string Challenge = "Basic realm=\"token\"";

    private static readonly OAuthError Failed = OAuthError.InvalidClient("The client is unknown, or it did not authenticate as registered.");

    private readonly string[] _audiences = [options.Issuer.Value, options.Issuer.Endpoint(TokenEndpoint.Path)];

    public async ValueTask<ClientResult> IdentifyAsync(HttpContext context, Parameters form)
    {
        var result = await CheckAsync(context, form);
        // RFC 6749 section 5.2: who used the header learns by which scheme
        if (result.Client is null && context.Request.Headers.Authorization.Count > 0) context.Response.Headers.WWWAuthenticate = Challenge;
        return result;
    }

    private async ValueTask<ClientResult> CheckAsync(HttpContext context, Parameters form)
    {
        var (claim, problem) = ClientClaim.Read(context.Request.Headers.Authorization, form);
        if (claim is null) return new(null, problem);
        var client = claim.Id.Length <= 100 ? await clients.FindAsync(claim.Id, context.RequestAborted) : null;
        if (client is null) return new(null, new Refusal(Failed, "The client is unknown."));
        var refusal = (client.IsPublic, claim.Proof) switch
        {
            (true, ClientProof.None) => null,
            // A secret never makes a public client confidential (RFC 6749 section 2.1).
            (true, _) => new Refusal(OAuthError.InvalidClient("This client is public and has no secret: send its client_id alone."), "A public client sent a secret or an assertion."),
            (false, ClientProof.None) => new Refusal(Failed, "No secret and no assertion was sent."),
            (false, ClientProof.Secret) => SecretProblem(client, claim.Text!),
            _ => await AssertionProblemAsync(client, claim.Text!, context),
        };
        return refusal is null ? new(client, null) : new(null, refusal);
    }

    private static Refusal? SecretProblem(RegisteredClient client, string secret)
    {
        if (client.SecretDigest is null) return new Refusal(Failed, "A secret was sent by a client that is registered with keys.");
        return Secret.AreEqual(Secret.Digest(secret), client.SecretDigest) ? null : new Refusal(Failed, "The secret is wrong.");
    }

    private async ValueTask<Refusal?> AssertionProblemAsync(RegisteredClient client, string text, HttpContext context)
    {
        if (client.SecretDigest is not null) return new Refusal(Failed, "An assertion was sent by a client that is registered with a secret.");
        if (await clientKeys.FindAsync(client, null, context.RequestAborted) is not { } keys)
            return new Refusal(OAuthError.InvalidClient("The key set at the client's jwks_uri could not be read: it must answer 200 with a JWK set, over https, on a public address."), "The client's keys could not be fetched.");
        var (assertion, problem) = ClientAssertion.Check(text, client.Id, keys, AudiencesAt(context), time.GetUtcNow());
        // OpenID Connect Core section 10.1.1: an unknown key is a reason to read the set again
        if (problem?.Code == JwtProblem.UnknownKey && await clientKeys.FindAsync(client, keys, context.RequestAborted) is { } newer && newer != keys)
            (assertion, problem) = ClientAssertion.Check(text, client.Id, newer, AudiencesAt(context), time.GetUtcNow());
        if (assertion is null) return new Refusal(ClientAssertion.NotGood, problem!.Message);
        // RFC 7523 section 3, item 7: used once. Asked last, so that only the client itself can use one up.
        return await assertions.UseAsync(assertion.Id, assertion.EndsAt) ? null : new Refusal(ClientAssertion.NotGood, "The assertion was used before.");
    }

    // RFC 7523 section 3, item 3, RFC 9126 section 2: the issuer is the name to use; older clients send the endpoint's address
    private string[] AudiencesAt(HttpContext context) => [.. _audiences, options.Issuer.Origin + context.Request.Path.Value];
}

/// <summary>The client that is asking, or why it is not believed.</summary>
internal readonly record struct ClientResult(RegisteredClient? Client, Refusal? Refusal)
{
    public bool TryGet([NotNullWhen(true)] out RegisteredClient? client, [NotNullWhen(false)] out Refusal? refusal)
    {
        (client, refusal) = (Client, Refusal);
        return client is not null;
    }
}
