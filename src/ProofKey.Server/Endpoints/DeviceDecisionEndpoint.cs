using Microsoft.AspNetCore.Http;
using ProofKey.Server.Http;
using ProofKey.Server.Keys;
using ProofKey.Server.Pages;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>
/// Where a person lets a device in or turns it away (RFC 8628 section 3.3). Only a ticket opens it, and only a right code is exchanged for
/// one. The row is the state: the same address shows the question, and later what became of it.
/// </summary>
internal sealed class DeviceDecisionEndpoint(
    DeviceStore devices, ClientStore clients, AccountSource accounts, ScopeWords words, KeyRing keys, Cookies cookies, FormGuard guard, PageRenderer renderer, PageAnswers pages,
    ServerOptions options, TimeProvider time, ILogger<DeviceDecisionEndpoint> logger)
{
    public const string Path = DeviceEndpoint.Path + "/decision";

    private const string Purpose = "device";

    public static string Address(Issuer issuer, string ticket) => $"{issuer.Path}{Path}?{DeviceTicket.ParameterName}={ticket}";

    public async Task GetAsync(HttpContext context)
    {
        if (await ReadAsync(context) is { } asked) await ShowAsync(context, asked, null);
        else Answers.SeeOther(context, DeviceEndpoint.Address(options.Issuer, null));
    }

    public async Task PostAsync(HttpContext context)
    {
        if (await ReadAsync(context) is not { } asked)
            Answers.SeeOther(context, DeviceEndpoint.Address(options.Issuer, null));
        else if (!(await FormReader.ReadAsync(context)).TryGet(out var form, out var problem))
            await ShowAsync(context, asked, problem);
        else if (guard.ProblemWith(context, form, Purpose, cookies.Browser(context), asked.Account.Subject, asked.About) is { } untrusted)
            await ShowAsync(context, asked, untrusted);
        else if (form.Duplicate() is null && form["decision"] is "allow" or "deny")
            await DecideAsync(context, asked, form);
        else
            await ShowAsync(context, asked, ConsentChoice.Problem);
    }

    private async ValueTask<Asked?> ReadAsync(HttpContext context)
    {
        if (await accounts.FindSignedInAsync(context, context.RequestAborted) is not { } account) return null;
        var text = QueryParameters.Of(context)[DeviceTicket.ParameterName];
        if (DeviceTicket.Open(text, keys, cookies.Browser(context), account.Subject) is not { } ticket) return null;
        var device = await devices.FindAsync(ticket.Id, context.RequestAborted);
        var client = device is null ? null : await clients.FindAsync(device.ClientId, context.RequestAborted);
        return new Asked(account, ticket, text!, device, client, device is null ? [] : await words.LinesAsync(device.Scope, context.RequestAborted));
    }

    private async Task DecideAsync(HttpContext context, Asked asked, Parameters form)
    {
        if (asked.Device is { } device)
        {
            var isAllowed = form["decision"] == "allow";
            if ((isAllowed ? ConsentChoice.Of(device.Scope, form) : Scope.None) is not { } agreed)
            {
                await ShowAsync(context, asked, ConsentChoice.Problem);
                return;
            }
            if (isAllowed && agreed.IsEmpty && !device.Scope.IsEmpty)
            {
                await ShowAsync(context, asked, "Please tick at least one line, or choose Deny.");
                return;
            }
            await RecordAsync(context, asked.Account, device, isAllowed, agreed);
        }
        Answers.SeeOther(context, Address(options.Issuer, asked.TicketText));
    }

    private async Task RecordAsync(HttpContext context, SignedInAccount account, DeviceRow device, bool isAllowed, Scope agreed)
    {
        var (now, address) = (time.GetUtcNow(), ClientAddress.Whole(context));
        var audited = (isAllowed ? new AuditEvent("device-allowed") : new AuditEvent("device-denied")) with
        {
            Subject = account.Subject,
            ClientId = device.ClientId,
            Address = address,
            Detail = $"asked from {device.Address} for: {(isAllowed ? agreed : device.Scope)}",
        };
        var end = agreed.Contains(Scope.OfflineAccess) ? now + options.RefreshLifetime : account.SessionExpiresAt;
        var approval = new DeviceApproval(account.Subject, account.Epoch, account.SessionId, end, account.AuthTime, account.Amr, account.Acr);
        if (isAllowed && await devices.AllowAsync(device.Id, approval, agreed, now, audited)) Log.DeviceAllowed(logger, account.Subject, device.ClientId, address);
        if (!isAllowed && await devices.DenyAsync(device.Id, account.Subject, now, audited)) Log.DeviceDenied(logger, account.Subject, device.ClientId, address);
    }

    private async Task ShowAsync(HttpContext context, Asked asked, string? problem)
    {
        var (device, client) = (asked.Device, asked.Client);
        var isWaiting = device is { DecidedAt: null } && device.ExpiresAt > time.GetUtcNow();
        if (client is not null && isWaiting)
            await AskAsync(context, asked, device!, client, problem);
        else if (client is not null && device!.DecidedBy == asked.Account.Subject)
            await FinishAsync(context, device.Approval is null ? new DeviceDoneView.Denied(client.Name) : new DeviceDoneView.Allowed(client.Name));
        else
            await FinishAsync(context, new DeviceDoneView.Gone(DeviceEndpoint.Address(options.Issuer, null)));
    }

    private async Task AskAsync(HttpContext context, Asked asked, DeviceRow device, RegisteredClient client, string? problem)
    {
        var (account, ticket) = (asked.Account, asked.Ticket);
        var view = new DeviceView(
            client.Name, ticket.Code.ToString(), account.Name, asked.Lines, TimeWords.Ago(time.GetUtcNow() - device.CreatedAt),
            device.Address, device.Address == ClientAddress.Of(context), Address(options.Issuer, asked.TicketText),
            guard.TokenFor(Purpose, cookies.EnsureBrowser(context), account.Subject, asked.About), accounts.SignInAddress(DeviceEndpoint.Address(options.Issuer, ticket.Code)), problem);
        await pages.FormAsync(context, await renderer.DeviceAsync(view), null, problem is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest);
    }

    private async Task FinishAsync(HttpContext context, DeviceDoneView view) => await pages.FormAsync(context, await renderer.DeviceDoneAsync(view), null, StatusCodes.Status200OK);

    /// <summary>Who is asked about which device.</summary>
    private sealed record Asked(SignedInAccount Account, DeviceTicket Ticket, string TicketText, DeviceRow? Device, RegisteredClient? Client, IReadOnlyList<ScopeLine> Lines)
    {
        /// <summary>What the form is bound to.</summary>
        public byte[] About => ConsentChoice.About(Ticket.Id, Client?.Name ?? "", Lines);

        public override string ToString() => nameof(Asked);
    }
}
