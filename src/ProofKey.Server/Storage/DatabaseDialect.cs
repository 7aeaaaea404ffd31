using System.Data.Common;
using System.Globalization;

namespace ProofKey.Server.Storage;

/// <summary>What went wrong in a database, as far as an answer depends on it.</summary>
public enum DatabaseFailure
{
    /// <summary>Another process holds the lock longer than we wait, or the connection broke: try again.</summary>
    Busy,

    /// <summary>The disk is full, or fails.</summary>
    Full,

    /// <summary>The file or folder cannot be written.</summary>
    ReadOnly,

    /// <summary>The file is not a database, or a damaged one.</summary>
    Damaged,

    /// <summary>One statement was refused, by a constraint or for itself; it alone was undone.</summary>
    Statement,

    /// <summary>Anything else.</summary>
    Other,
}

/// <summary>What <see cref="DbDataSource"/> cannot say of a database, in one value for each kind; none needs a driver.</summary>
public sealed class DatabaseDialect
{
    private DatabaseDialect(string name, string connectionSetup, string beginWrite, string keyedTable, Func<DbException, DatabaseFailure> classify) =>
        (Name, ConnectionSetup, BeginWrite, KeyedTable, Classify) = (name, connectionSetup, beginWrite, keyedTable, classify);

    /// <summary>The embedded database, one file.</summary>
    public static DatabaseDialect Sqlite { get; } = new(
        "SQLite",
        // FULL: an answer leaves only after its commit has reached the disk. Half a megabyte of pages for each connection: what they
        // share, the system keeps for all of them. The patience comes first: what follows may meet a lock.
        connectionSetup: "pragma busy_timeout = 5000; pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = -512;",
        beginWrite: "begin immediate",
        keyedTable: "without rowid",
        ClassifySqlite);

    /// <summary>The name that messages use.</summary>
    public string Name { get; }

    /// <summary>Run once on each new connection.</summary>
    internal string ConnectionSetup { get; }

    /// <summary>Opens a transaction that is going to write.</summary>
    internal string BeginWrite { get; }

    /// <summary>Behind <c>create table (…)</c>, for a table that is stored in the order of its key.</summary>
    internal string KeyedTable { get; }

    /// <summary>Tells what a driver's exception means.</summary>
    internal Func<DbException, DatabaseFailure> Classify { get; }

    // Without the driver's types its result code is in the message alone: "SQLite Error 13: 'database or disk is full'."
    private static DatabaseFailure ClassifySqlite(DbException exception)
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
}
