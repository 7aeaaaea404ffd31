using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http;
using ProofKey.Server.Http;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>An authorization request as a page finds it in its query: the same for the authorization endpoint, sign-in and consent.</summary>
internal sealed class AuthorizePage(ClientStore clients, ResourceStore resources, Cookies cookies, Keys.KeyRing keys, ServerOptions options)
{
    /// <summary>Reads and checks the query.</summary>
    /// <returns>The outcome of the rules, and the step ticket as it was sent.</returns>
    public async ValueTask<AuthorizeQuery> ReadAsync(HttpContext context)
    {
        var query = context.Request.QueryString.Value ?? "";
        if (!Parameters.TryParse(query.AsSpan(query.StartsWith('?') ? 1 : 0), out var parameters, out var problem))
            return new(new AuthorizeOutcome.Shown(OAuthError.InvalidRequest(problem)), null);
        var ticket = parameters.IsDuplicated(StepTicket.ParameterName) ? null : parameters[StepTicket.ParameterName];
        parameters = parameters.Without(StepTicket.ParameterName);
        // An id is short; a long one is not looked up.
        var client = parameters["client_id"] is { Length: <= 100 } id ? await clients.FindAsync(id, context.RequestAborted) : null;
        return new(AuthorizeRequest.Parse(parameters, client, await resources.ListForAsync(parameters, context.RequestAborted)), ticket);
    }

    /// <summary>The ticket, if it belongs to this request and this browser.</summary>
    public StepTicket? OpenTicket(HttpContext context, AuthorizeQuery query, AuthorizeRequest request, DateTimeOffset now) =>
        StepTicket.Open(query.Ticket, keys, request, cookies.Browser(context), now);

    /// <summary>Our own address with the same request in its query, and a ticket.</summary>
    public string Address(string path, AuthorizeRequest request, StepTicket? ticket, string browserCookie, DateTimeOffset now)
    {
        var parameters = ticket is null ? request.Parameters : request.Parameters.With(StepTicket.ParameterName, ticket.Seal(keys, request, browserCookie, now));
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
    public bool TryGetValid([NotNullWhen(true)] out AuthorizeRequest? request)
    {
        request = (Outcome as AuthorizeOutcome.Valid)?.Request;
        return request is not null;
    }
}
