using System.Text.Json;
using ProofKey.Cli.Output;
using ProofKey.Server.Storage;

namespace ProofKey.Cli.Hosting;

/// <summary>A file of lines that <c>proofkey audit-log --json</c> wrote.</summary>
internal static class ExportedAuditTrail
{
    /// <summary>Reads all of it. An entry that counts stands there several times, the last one with the highest count.</summary>
    /// <exception cref="CommandException">It cannot be read, or a line is no entry: what is not understood may be a revocation.</exception>
    public static async Task<IReadOnlyList<AuditEntry>> ReadAsync(string path, CancellationToken cancellation)
    {
        var entries = new Dictionary<string, AuditEntry>();
        var number = 0;
        try
        {
            await foreach (var line in File.ReadLinesAsync(path, cancellation))
            {
                number++;
                if (string.IsNullOrWhiteSpace(line)) continue;
                var shown = JsonSerializer.Deserialize(line, CliJson.Default.ShownAuditEntry);
                if (shown is not { Id: not null, Kind: not null }) throw Wrong(path, number, null);
                entries[shown.Id] = new AuditEntry(shown.Id, shown.At, shown.Kind, shown.Sub, shown.User, shown.ClientId, shown.Address, shown.Count, shown.Detail);
            }
        }
        catch (JsonException exception)
        {
            throw Wrong(path, number, exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCodes.Failed, $"The audit trail {path} cannot be read: {exception.Message.TrimEnd('.')}.", "Check its path, owner and mode.", exception);
        }
        return [.. entries.Values];
    }

    private static CommandException Wrong(string path, int line, Exception? inner) => new(
        ExitCodes.WrongUsage, $"Line {line} of {path} is not an entry of an audit trail; nothing was changed.", "Give the lines of proofkey audit-log --json; where the last one was cut off, take it out.", inner);
}
