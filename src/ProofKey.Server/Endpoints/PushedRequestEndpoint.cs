using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ProofKey.Jose;
using ProofKey.Server.Http;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>
/// Takes an authorization request from the client itself and gives a reference for it (RFC 9126): what stands in the browser's address
/// then says nothing, and nobody in between can change it.
/// </summary>
internal sealed class PushedRequestEndpoint(
    ClientAuthentication authentication, ResourceStore resources, PushedRequestStore pushedRequests, ProofOfPossession possession, RateLimits limits, ServerOptions options, TimeProvider time, ILogger<PushedRequestEndpoint> logger)
{
    public const string Path = "/par";

    // What proves who the client is, and what is ours: neither is a part of the request.
    private static readonly string[] NotOfTheRequest = ["client_secret", "client_assertion", "client_assertion_type", StepTicket.ParameterName];

    public async Task PostAsync(HttpContext context)
    {
        var read = await FormReader.ReadOnceAsync(context, repeatable: "resource");
        if (!read.TryGet(out var form, out var problem))
            await RefuseAsync(context, null, OAuthError.InvalidRequest(problem), read.Status);
        else if (!(await authentication.IdentifyAsync(context, form)).TryGet(out var client, out var refusal))
            await RefuseAsync(context, null, refusal, refusal.Status);
        // RFC 9126 section 2.1: a reference to a reference is refused
        else if (form["request_uri"] is not null)
            await RefuseAsync(context, client, OAuthError.InvalidRequest("Push the parameters themselves instead of a request_uri."));
        else
            await PushAsync(context, client, NotOfTheRequest.Aggregate(form, (parameters, name) => parameters.Without(name)));
    }

    // RFC 9449 section 10.1: the key of a proof is the one that must redeem the code; a dpop_jkt beside it says the same
    private Refusal? BindToKey(HttpContext context, ref Parameters parameters, out DpopProof? proof, DateTimeOffset now)
    {
        proof = null;
        if (!ProofOfPossession.IsIn(context)) return null;
        if (!possession.Check(context, Path, now).TryGet(out proof, out var error)) return error;
        if (parameters["dpop_jkt"] is { } asked && asked != proof.Thumbprint) return OAuthError.InvalidDpopProof("The dpop_jkt must be the thumbprint of the key of the DPoP proof.");
        parameters = parameters.Without("dpop_jkt").With("dpop_jkt", proof.Thumbprint);
        return null;
    }

    private async Task PushAsync(HttpContext context, RegisteredClient client, Parameters parameters)
    {
        // Who authenticated by the header has said there who it is.
        if (parameters["client_id"] is null) parameters = parameters.Without("client_id").With("client_id", client.Id);
        var now = time.GetUtcNow();
        if (BindToKey(context, ref parameters, out var proof, now) is { } unproved)
        {
            await RefuseAsync(context, client, unproved);
            return;
        }
        // RFC 9126 section 2.1: the same rules as at the authorization endpoint, at once
        var error = AuthorizeRequest.Parse(parameters, client, await resources.ListForAsync(parameters, client, context.RequestAborted)) switch
        {
            AuthorizeOutcome.Shown shown => shown.Error,
            AuthorizeOutcome.Redirected redirected => redirected.Error,
            _ => null,
        };
        if (error is null && !PushedRequest.HasRoomFor(parameters)) error = PushedRequest.TooLong;
        error ??= proof is null ? null : possession.UseByAnyone(proof, now);
        if (error is not null)
        {
            await RefuseAsync(context, client, error);
            return;
        }
        var pushed = new PushedRequest { Reference = PushedRequest.NewReference(), ClientId = client.Id, Parameters = parameters, ExpiresAt = now + options.PushedRequestLifetime };
        limits.CountKept(context, pushed.Length);
        await pushedRequests.AddAsync(pushed, now);
        await AnswerAsync(context, pushed);
    }

    // RFC 9126 section 2.2: 201, the reference, and how long it lives
    private Task AnswerAsync(HttpContext context, PushedRequest pushed)
    {
        Answers.NoStore(context);
        context.Response.StatusCode = StatusCodes.Status201Created;
        var answer = new PushedResponse { RequestUri = pushed.Reference, ExpiresIn = (long)options.PushedRequestLifetime.TotalSeconds };
        return Answers.JsonAsync(context, JsonSerializer.SerializeToUtf8Bytes(answer, Wire.Default.PushedResponse));
    }

    // RFC 9126 section 2.3: errors as at the token endpoint
    private Task RefuseAsync(HttpContext context, RegisteredClient? client, Refusal refusal, int status = StatusCodes.Status400BadRequest) =>
        Answers.RefuseAsync(context, logger, Path, client?.Id, refusal, status);
}
