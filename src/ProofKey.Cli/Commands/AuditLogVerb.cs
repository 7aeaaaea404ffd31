using System.CommandLine;
using System.Globalization;
using ProofKey.Cli.Output;
using ProofKey.Server;
using ProofKey.Server.Storage;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey audit-log</c>: who got or lost access, when, and from where.</summary>
internal sealed class AuditLogVerb : Verb
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);

    /// <summary>How far a follower looks back each time: an entry bears the time of its request, and may have waited for locks, a standby, and other runs since.</summary>
    private static readonly TimeSpan Overlap = TimeSpan.FromMinutes(2);

    private readonly Option<string> _since = new("--since") { HelpName = "TIME", Description = "The oldest entry: how long ago (90m, 24h, 30d), or a time such as 2026-05-04T10:20:30Z. Without it: 24h." };
    private readonly Option<string> _until = new("--until") { HelpName = "TIME", Description = "The newest entry, in the same form. Without it: now." };
    private readonly Option<string> _kind = new("--kind") { HelpName = "KIND", Description = "One kind alone, such as sign-in-failed; docs/audit.md has all." };
    private readonly Option<string> _user = new("--user") { HelpName = "NAME", Description = "One person alone." };
    private readonly Option<string> _subject = new("--subject") { HelpName = "SUB", Description = "One person alone, by the sub of their tokens; also one who was removed." };
    private readonly Option<string> _client = new("--client") { HelpName = "CLIENT_ID", Description = "One client alone." };
    private readonly Option<bool> _follow = new("--follow") { Description = "Go on with new entries until Ctrl-C." };

    public AuditLogVerb()
        : base(
            "audit-log",
            "Show who got or lost access, when, and from where.",
            "proofkey audit-log --since 7d --user alice",
            "proofkey audit-log --kind sign-in-failed --json",
            "proofkey audit-log --since 400d --follow --json >> audit.jsonl")
    {
        foreach (var option in (Option[])[_since, _until, _kind, _user, _subject, _client, _follow, .. CommonOptions.Place, CommonOptions.Json]) Add(option);
    }

    public override IReadOnlyList<Option> TypedAlone => [_since, _until, _kind, _user, _subject, _client];

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        var (settings, now) = (invocation.Settings, TimeProvider.System.GetUtcNow());
        var follows = settings.Flag(_follow);
        if (follows && settings.Text(_until) is not null) throw CommandException.Usage("--follow has no end, and --until is one.", "Leave one of them out.");
        var filter = new AuditFilter
        {
            Since = settings.Text(_since) is { } since ? Moment(since, now) : now - TimeSpan.FromHours(24),
            Until = settings.Text(_until) is { } until ? Moment(until, now) : DateTimeOffset.MaxValue,
            Kind = settings.Text(_kind),
            ClientId = settings.Text(_client),
        };
        if (settings.Text(_user) is not null && settings.Text(_subject) is not null) throw CommandException.Usage("--user and --subject both name a person.", "Give one of them.");
        await using var administration = await invocation.AdministerAsync();
        filter = filter with { Subject = await SubjectAsync(invocation, administration.Registry) };
        var printer = new Printer(invocation.Terminal, settings.Flag(CommonOptions.Json), follows);
        try
        {
            if (follows)
            {
                await FollowAsync(administration.Registry, filter, printer, invocation);
                return ExitCodes.Done;
            }
            await PrintAsync(administration.Registry, filter, printer, invocation);
            printer.Finish();
        }
        catch (OperationCanceledException) when (follows && invocation.Cancellation.IsCancellationRequested)
        {
            // Ctrl-C is how one stops following, in the middle of a read too; it is not a failure.
        }
        return ExitCodes.Done;
    }

    // Restores rely on what is exported here, so an outage of the database is waited for, however long it takes.
    private static async Task FollowAsync(Registry registry, AuditFilter filter, Printer printer, Invocation invocation)
    {
        var isThrough = false;
        for (var isAway = false; !invocation.Terminal.ReaderIsGone;)
        {
            if (isThrough || isAway) await Task.Delay(PollInterval, TimeProvider.System, invocation.Cancellation);
            try
            {
                await PrintAsync(registry, filter with { Since = printer.Since(filter.Since) }, printer, invocation);
                if (!isThrough) printer.Finish();
                isThrough = true;
                if (isAway) invocation.Terminal.Say("The database is there again; nothing was missed.");
                isAway = false;
            }
            catch (DatabaseException away) when (away.Failure is DatabaseFailure.Busy or DatabaseFailure.Unreachable)
            {
                if (!isAway) invocation.Terminal.Say($"{PlainText.Of(away.Message)} Waiting for it; Ctrl-C gives up.");
                isAway = true;
            }
        }
    }

    private static async Task PrintAsync(Registry registry, AuditFilter filter, Printer printer, Invocation invocation)
    {
        for (AuditEntry? last = null; !invocation.Terminal.ReaderIsGone && await registry.ReadAuditTrailAsync(filter, last, invocation.Cancellation) is { Count: > 0 } page; last = page[^1])
        {
            foreach (var entry in page) printer.Print(entry);
            printer.Forget();
        }
    }

    private async Task<string?> SubjectAsync(Invocation invocation, Registry registry)
    {
        if (invocation.Settings.Text(_user) is not { } name) return invocation.Settings.Text(_subject);
        return (await registry.FindAccountAsync(name, invocation.Cancellation))?.Subject
            ?? throw new CommandException(ExitCodes.Failed, $"There is no user {name} in this data folder.", "See the names with proofkey user list; one who was removed is found by --subject.");
    }

    private static DateTimeOffset Moment(string text, DateTimeOffset now)
    {
        if (text.Length > 1 && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= 100_000)
        {
            if (text[^1] == 's') return now.AddSeconds(-number);
            if (text[^1] == 'm') return now.AddMinutes(-number);
            if (text[^1] == 'h') return now.AddHours(-number);
            if (text[^1] == 'd') return now.AddDays(-number);
        }
        string[] formats = ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"];
        return DateTimeOffset.TryParseExact(text, formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment) ? moment
            : throw CommandException.Usage($"{text} is not a time.", "Write how long ago, such as 90m, 24h or 30d, or a time such as 2026-05-04T10:20:30Z.");
    }

    /// <summary>Prints entries, each once; one that counts is printed again when its count has grown.</summary>
    private sealed class Printer(Terminal terminal, bool json, bool follows)
    {
        private readonly Listing? _listing = json || follows ? null : new Listing("time", "kind", "user", "client", "address", "count", "detail");
        private readonly Dictionary<string, (long Count, DateTimeOffset At)> _printed = [];
        private DateTimeOffset _newest = DateTimeOffset.MinValue;

        public void Print(AuditEntry entry)
        {
            if (_printed.TryGetValue(entry.Id, out var before) && before.Count == entry.Count) return;
            // Who reads once meets each entry once.
            if (follows) _printed[entry.Id] = (entry.Count, entry.At);
            if (entry.At > _newest) _newest = entry.At;
            string[] cells = [TimeText.Of(entry.At), entry.Kind, entry.UserName ?? entry.Subject ?? "-", entry.ClientId ?? "-", entry.Address ?? "-", entry.Count.ToString(CultureInfo.InvariantCulture), entry.Detail ?? ""];
            if (json) terminal.Write(CliJson.Text(new ShownAuditEntry(entry.Id, entry.At, entry.Kind, entry.Subject, entry.UserName, entry.ClientId, entry.Address, entry.Count, entry.Detail), CliJson.Default.ShownAuditEntry));
            else if (_listing is not null) _listing.Add(cells);
            else terminal.Write(string.Join("  ", cells.Select(PlainText.Of)).TrimEnd());
        }

        public void Finish() => _listing?.WriteTo(terminal);

        /// <summary>From when on a follower reads again.</summary>
        public DateTimeOffset Since(DateTimeOffset first) => _newest - DateTimeOffset.MinValue > Overlap && _newest - Overlap > first ? _newest - Overlap : first;

        /// <summary>Forgets what is not read again.</summary>
        public void Forget()
        {
            var since = Since(DateTimeOffset.MinValue);
            foreach (var (id, (_, at)) in _printed)
                if (at < since) _printed.Remove(id);
        }
    }
}
