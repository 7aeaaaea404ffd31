using System.Data.Common;
using System.Globalization;

namespace ProofKey.Server.Storage;

/// <summary>What SQLite's errors mean.</summary>
internal static class SqliteFailures
{
    // Without the driver's types its result code is in the message alone: "SQLite Error 13: 'database or disk is full'."
    public static DatabaseFailure Classify(DbException exception)
    {
        const string Prefix = "SQLite Error ";
        var start = exception.Message.IndexOf(Prefix, StringComparison.Ordinal);
        if (start < 0) return DatabaseFailure.Other;
        var digits = exception.Message.AsSpan(start + Prefix.Length);
        digits = digits[..Math.Max(0, digits.IndexOf(':'))];
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var code)
            ? (code & 0xff) switch
            {
                5 or 6 => DatabaseFailure.Busy,
                8 or 14 or 3 or 23 => DatabaseFailure.ReadOnly,
                // 10, an I/O error, is also what a quota gives; like a full disk it ends the whole transaction.
                10 or 13 => DatabaseFailure.Full,
                11 or 26 => DatabaseFailure.Damaged,
                1 or 18 or 19 or 20 or 25 => DatabaseFailure.Statement,
                _ => DatabaseFailure.Other,
            }
            : DatabaseFailure.Other;
    }

    public static string Explain(DatabaseFailure failure, DbException exception) => failure switch
    {
        DatabaseFailure.Busy => "The database is locked by another process; try again.",
        DatabaseFailure.Full => "The disk that holds the database is full or fails; free some space, check it, and try again.",
        DatabaseFailure.ReadOnly => "The database cannot be opened for writing; check the folder's owner, mode and path.",
        DatabaseFailure.Damaged => "The file is not a ProofKey database, or it is damaged; restore it from a backup.",
        _ => $"The database refused a statement: {exception.Message}",
    };
}
