using System.Data.Common;

namespace ProofKey.Server.Storage;

/// <summary>What went wrong in a database, as far as an answer depends on it.</summary>
public enum DatabaseFailure
{
    /// <summary>Another process holds the lock longer than we wait, or too many writes wait: try again.</summary>
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

    /// <summary>The server of the database does not answer, or does not let us in: try again, or mend the connection string.</summary>
    Unreachable,

    /// <summary>The connection broke while something was written. Whether it was kept is not known, so it is never repeated by itself.</summary>
    Unknown,
}

/// <summary>What <see cref="DbDataSource"/> cannot say of a database, in one value for each kind; none needs a driver.</summary>
public sealed class DatabaseDialect
{
    private const string EndlessStatements = "set local statement_timeout = 0";

    private static readonly SqlPart Nothing = new("");

    private DatabaseDialect(string name, Func<DbException, DatabaseFailure> classify, Func<DatabaseFailure, DbException, string> explain) =>
        (Name, Classify, Explain) = (name, classify, explain);

    /// <summary>The embedded database, one file.</summary>
    public static DatabaseDialect Sqlite { get; } = new("SQLite", SqliteFailures.Classify, SqliteFailures.Explain)
    {
        // FULL: an answer leaves only after its commit has reached the disk. Half a megabyte of pages for each connection: what they
        // share, the system keeps for all of them. The patience comes first: what follows may meet a lock. What is deleted is overwritten: the file
        // of a person who was removed keeps no hash of their password (Debian's library does that by itself, others do not).
        ConnectionSetup = "pragma busy_timeout = 5000; pragma journal_mode = wal; pragma synchronous = full; pragma secure_delete = on; pragma cache_size = -512;",
        CheckWhole = "pragma quick_check(1)",
        BeginWrite = "begin immediate",
        KeyedTable = "without rowid",
        UpdatedTable = "without rowid",
        IdleReaders = 16,
        NamesParameters = true,
    };

    /// <summary>PostgreSQL, and databases that speak its protocol; the data source pools its connections. Several servers may share it.</summary>
    public static DatabaseDialect PostgreSql { get; } = new("PostgreSQL", PostgreSqlFailures.Classify, PostgreSqlFailures.Explain)
    {
        // Room for the next version of a row on its own page: an update that changes no indexed column then writes no index (HOT).
        UpdatedTable = "with (fillfactor = 90)",
        HasManyWriters = true,
        // The number is a name: every ProofKey program asks for this lock, and nobody else does.
        // What is done alone may touch every row, and takes the time that it takes; so whoever comes second waits for it that long. For a lock on a row or
        // a table nobody does: others would queue behind.
        LockDatabase = EndlessStatements + "; select set_config('proofkey.lock_timeout', current_setting('lock_timeout'), true); set local lock_timeout = 0; "
            + "select pg_advisory_xact_lock(5786926812); select set_config('lock_timeout', current_setting('proofkey.lock_timeout'), true)",
        TakeTime = EndlessStatements,
        LockSignIns = "lock table account, session, authorization_grant in exclusive mode",
        ForUpdate = new SqlPart("for update"),
        ForShare = new SqlPart("for share"),
        IsConflict = PostgreSqlFailures.IsConflict,
    };

    /// <summary>
    /// The same with a driver that can give each statement of a batch a transaction of its own, in one round trip: after a batch that failed, its writes
    /// then need no round trip each. With Npgsql: <c>batch => ((NpgsqlBatch)batch).EnableErrorBarriers = true</c>.
    /// </summary>
    /// <param name="separate">Turns it on for a batch. A statement that failed must then say -1 as the number of its rows, and the others go on.</param>
    /// <returns>The dialect with it.</returns>
    public DatabaseDialect WithSeparateStatements(Action<DbBatch> separate)
    {
        var same = (DatabaseDialect)MemberwiseClone();
        same.Separate = separate;
        return same;
    }

    /// <summary>The name that messages use.</summary>
    public string Name { get; }

    /// <summary>Run once on each new connection, if there is anything to run.</summary>
    internal string? ConnectionSetup { get; private init; }

    /// <summary>Opens a transaction that is going to write.</summary>
    internal string BeginWrite { get; private init; } = "begin";

    /// <summary>How many round trips of each kind are usually under way at a time, where many writers work: more would share less, and this many processors have no time for more.</summary>
    internal static int RoundTrips { get; } = Math.Max(1, Environment.ProcessorCount / 4);

    /// <summary>Behind <c>create table (…)</c>, for a table that is stored in the order of its key.</summary>
    internal string KeyedTable { get; private init; } = "";

    /// <summary>The same for one whose rows are often updated.</summary>
    internal string UpdatedTable { get; private init; } = "";

    /// <summary>Whether the parameters of a statement have names, which are what stands in its text: <c>$1</c>, <c>$2</c> …. Else their order says which is which.</summary>
    internal bool NamesParameters { get; private init; }

    /// <summary>How many connections we keep for readers to come; none where the data source keeps them.</summary>
    internal int IdleReaders { get; private init; }

    /// <summary>Whether several writers work at a time, and each row has its lock. Where not, whoever begins to write is alone.</summary>
    internal bool HasManyWriters { get; private init; }

    /// <summary>Keeps everybody else out of what must be done by one program at a time; nothing where a writer is alone anyway.</summary>
    internal string? LockDatabase { get; private init; }

    /// <summary>Reads every page, and says <c>ok</c> or what is wrong with one; nothing where the database looks after that itself.</summary>
    internal string? CheckWhole { get; private init; }

    /// <summary>Lets the statements of a transaction take as long as they take; nothing where they always may.</summary>
    internal string? TakeTime { get; private init; }

    /// <summary>Lets no sign-in begin, end or go on until the transaction ends.</summary>
    internal string? LockSignIns { get; private init; }

    /// <summary>Behind a <c>select</c>: its rows stay as they are until the transaction ends, and wait for whoever changes them.</summary>
    internal SqlPart ForUpdate { get; private init; } = Nothing;

    /// <summary>The same, for several transactions at once.</summary>
    internal SqlPart ForShare { get; private init; } = Nothing;

    /// <summary>Tells what a driver's exception means.</summary>
    internal Func<DbException, DatabaseFailure> Classify { get; }

    /// <summary>Says it to an operator, with the remedy. No word of a connection string is in it.</summary>
    internal Func<DatabaseFailure, DbException, string> Explain { get; }

    /// <summary>Gives each statement of a batch a transaction of its own, where the driver can.</summary>
    internal Action<DbBatch>? Separate { get; private set; }

    /// <summary>Whether two transactions got in each other's way: this one was undone as a whole, and may be run again.</summary>
    internal Func<DbException, bool> IsConflict { get; private init; } = _ => false;
}
