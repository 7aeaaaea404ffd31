using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http;
using ProofKey.Jose;
using ProofKey.Server.Http;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>An authorization request as a page finds it in its query: the same for the authorization endpoint, sign-in and consent.</summary>
internal sealed class AuthorizePage(
    ClientStore clients, ResourceStore resources, PushedRequestStore pushedRequests, AccountSource accounts, Cookies cookies, Keys.KeyRing keys, ServerOptions options, TimeProvider time)
{
    /// <summary>What is said of a reference that is unknown, expired, used, or another client's: the same for all.</summary>
    // RFC 9126 section 4: no address is known for such a request, so the person is told
    public static readonly AuthorizeOutcome.Shown Spent =
        new(new OAuthError("invalid_request_uri", "The request_uri is not good: it is unknown, expired, used, or was pushed by another client. Push the request again."));

    /// <summary>Reads and checks the query.</summary>
    /// <returns>The outcome of the rules, and the step ticket as it was sent.</returns>
    public async ValueTask<AuthorizeQuery> ReadAsync(HttpContext context)
    {
        var query = context.Request.QueryString.Value ?? "";
        if (!Parameters.TryParse(query.AsSpan(query.StartsWith('?') ? 1 : 0), out var parameters, out var problem))
            return new(new AuthorizeOutcome.Shown(OAuthError.InvalidRequest(problem)), null);
        return await ReadAsync(context, parameters);
    }

    /// <summary>Checks parameters that came in a query or a body.</summary>
    public async ValueTask<AuthorizeQuery> ReadAsync(HttpContext context, Parameters parameters)
    {
        var ticket = parameters.IsDuplicated(StepTicket.ParameterName) ? null : parameters[StepTicket.ParameterName];
        parameters = parameters.Without(StepTicket.ParameterName);
        // An id is short; a long one is not looked up.
        var client = parameters["client_id"] is { Length: <= 100 } id ? await clients.FindAsync(id, context.RequestAborted) : null;
        if (client is not null && Reference(parameters) is { } reference)
            return new(await ReadPushedAsync(context, client, reference, ticket), ticket);
        var lacksPush = options.RequirePushedRequests || client?.RequiresPushedRequests == true;
        return new(AuthorizeRequest.Parse(parameters, client, await resources.ListForAsync(parameters, client, context.RequestAborted), lacksPush: lacksPush), ticket);
    }

    /// <summary>
    /// What nearly all requests are: all is good with a client that is remembered, and the active account of the browser decides. One query finds the
    /// account and that the client is still what it is remembered as.
    /// </summary>
    /// <returns>The request with its account; <see langword="null"/> for any other, which is to be read from the start.</returns>
    public async ValueTask<AuthorizeQuery?> ReadUsualAsync(HttpContext context)
    {
        var query = context.Request.QueryString.Value ?? "";
        if (!Parameters.TryParse(query.AsSpan(query.StartsWith('?') ? 1 : 0), out var parameters, out _) || parameters[StepTicket.ParameterName] is not null) return null;
        if (parameters["client_id"] is not { } id || clients.Recall(id) is not { } client) return null;
        if (ResourceIndicator.IsAboutApi(parameters, client) || Reference(parameters) is not null) return null;
        var outcome = AuthorizeRequest.Parse(parameters, client, [], lacksPush: options.RequirePushedRequests || client.RequiresPushedRequests);
        if (outcome is not AuthorizeOutcome.Valid { Request: var request } || AccountChoices.MayDiffer(request, null)) return null;
        return await accounts.FindSignedInToAsync(context, client, context.RequestAborted) is { } account ? new(outcome, null) { Account = account } : null;
    }

    // RFC 9126 section 4, RFC 9101 section 6.3: what else stands beside a reference is not looked at, and never mixed in
    private static string? Reference(Parameters parameters) =>
        !parameters.IsDuplicated("client_id") && !parameters.IsDuplicated("request_uri") && PushedRequest.IsReference(parameters["request_uri"]) ? parameters["request_uri"] : null;

    // The rules are applied again: the client may have changed since.
    private async ValueTask<AuthorizeOutcome> ReadPushedAsync(HttpContext context, RegisteredClient client, string reference, string? ticket)
    {
        if (reference.Length > 100 || await pushedRequests.FindAsync(reference, client.Id, context.RequestAborted) is not { } pushed) return Spent;
        var outcome = AuthorizeRequest.Parse(pushed.Parameters, client, await resources.ListForAsync(pushed.Parameters, client, context.RequestAborted), pushed);
        var now = time.GetUtcNow();
        // RFC 9126 section 2.2: a reference must come within its life; the pages to which it then led may take longer
        var cameInTime = now < pushed.ExpiresAt
            || (now < pushed.ExpiresAt + PushedRequest.Kept && outcome is AuthorizeOutcome.Valid valid && StepTicket.WasGiven(ticket, keys, valid.Request, cookies.Browser(context)));
        return cameInTime ? outcome : Spent;
    }

    /// <summary>The ticket, if it belongs to this request and this browser.</summary>
    public StepTicket? OpenTicket(HttpContext context, AuthorizeQuery query, AuthorizeRequest request, DateTimeOffset now) =>
        StepTicket.Open(query.Ticket, keys, request, cookies.Browser(context), now);

    /// <summary>The account that a request is for, of those that are signed in in this browser.</summary>
    public async ValueTask<SignedInAccount?> FindAccountAsync(HttpContext context, AuthorizeRequest request, string? hintedSubject, StepTicket? ticket)
    {
        var named = AccountChoices.MayDiffer(request, ticket) ? AccountChoices.Of(request, await accounts.FindAllSignedInAsync(context, context.RequestAborted), hintedSubject, ticket) : null;
        if (named is null) return ticket?.Choice == AccountChoice.Made ? null : await accounts.FindSignedInAsync(context, context.RequestAborted);
        await accounts.SeenAsync(named);
        return named;
    }

    /// <summary>The subject that is demanded in the claims, else the one of the <c>id_token_hint</c>; empty, which fits nobody, when the hint cannot be read.</summary>
    // OpenID Connect Core section 3.1.2.1: an expired ID token is a good hint, one of another issuer fits nobody
    public string? HintedSubject(AuthorizeRequest request, DateTimeOffset now)
    {
        // OpenID Connect Core section 3.1.2.2: no code about anyone else than a subject that is demanded
        if (request.Claims.Subject is { } demanded) return demanded;
        if (request.IdTokenHint is not { } hint) return null;
        return Jwt.Verify(hint, keys.PublicKeys, IdTokenHint.Expectations(options.Issuer, request.Client.Id), now).TryGet(out var token, out _) ? token.Subject : "";
    }

    /// <summary>Our own address with the same request in its query, and a ticket.</summary>
    public string Address(string path, AuthorizeRequest request, StepTicket? ticket, string browserCookie, DateTimeOffset now)
    {
        var parameters = ticket is null ? request.Query : request.Query.With(StepTicket.ParameterName, ticket.Seal(keys, request, browserCookie, now));
        return $"{options.Issuer.Path}{path}?{parameters.ToQuery()}";
    }

    /// <summary>The authorization endpoint with the very query that came, which says there what is wrong with it.</summary>
    public string BackAddress(HttpContext context)
    {
        var query = context.Request.QueryString.Value ?? "";
        // No header can hold a control character, and no request either.
        return options.Issuer.Path + AuthorizeEndpoint.Path + (query.Any(char.IsControl) ? "" : query);
    }
}

/// <summary>What a query holds.</summary>
internal sealed record AuthorizeQuery(AuthorizeOutcome Outcome, string? Ticket)
{
    /// <summary>The account that the request is for, where it is known already.</summary>
    public SignedInAccount? Account { get; init; }

    public bool TryGetValid([NotNullWhen(true)] out AuthorizeRequest? request)
    {
        request = (Outcome as AuthorizeOutcome.Valid)?.Request;
        return request is not null;
    }
}
