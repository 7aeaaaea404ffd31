using System.Data.Common;

namespace ProofKey.Server.Storage;

/// <summary>What PostgreSQL's errors mean, by their code (PostgreSQL documentation, appendix A).</summary>
internal static class PostgreSqlFailures
{
    public static DatabaseFailure Classify(DbException exception) => exception.SqlState switch
    {
        // The driver's own errors have no code: no connection, none left in the pool, or one that broke.
        null => DatabaseFailure.Unreachable,
        "3D000" or "53300" or "57P01" or "57P02" or "57P03" or "57P05" => DatabaseFailure.Unreachable,
        // A lock, a statement or an idle transaction took too long.
        "55P03" or "57014" or "25P03" => DatabaseFailure.Busy,
        "53100" or "58030" => DatabaseFailure.Full,
        "25006" or "42501" => DatabaseFailure.ReadOnly,
        "58P01" or "58P02" or "XX001" or "XX002" => DatabaseFailure.Damaged,
        var code => code[..2] switch
        {
            "08" or "28" => DatabaseFailure.Unreachable,
            "40" => DatabaseFailure.Busy,
            "53" or "58" or "XX" or "F0" => DatabaseFailure.Other,
            _ => DatabaseFailure.Statement,
        },
    };

    public static bool IsConflict(DbException exception) => exception.SqlState is "40001" or "40P01";

    public static string Explain(DatabaseFailure failure, DbException exception) => (failure, exception.SqlState) switch
    {
        (DatabaseFailure.Unreachable, "28P01" or "28000") => "The database server does not let us in; check Username and Password of the connection string, and the server's pg_hba.conf.",
        (DatabaseFailure.Unreachable, "3D000") => "The database server has no such database; make it with createdb, or check Database of the connection string.",
        (DatabaseFailure.Unreachable, "53300") => "The database server has no connection left; raise its max_connections, or lower Maximum Pool Size of the connection string.",
        (DatabaseFailure.Unreachable, _) => "The database server does not answer; check that it runs, and Host and Port of the connection string, and try again.",
        (DatabaseFailure.Unknown, _) => "The connection to the database broke while something was written, and whether it was kept is not known; look before you do it again.",
        (DatabaseFailure.Busy, _) => "The database is locked by another process, or too slow; try again.",
        (DatabaseFailure.Full, _) => "The disk that holds the database is full or fails; free some space, check it, and try again.",
        (DatabaseFailure.ReadOnly, "42501") => "The database does not let this user write; make them the owner of the database, or check Username of the connection string.",
        (DatabaseFailure.ReadOnly, _) => "The database server takes no writes; it is a standby: name the primary, or all servers, as Host of the connection string.",
        (DatabaseFailure.Damaged, _) => "The database is damaged; restore it from a backup.",
        (_, "42P05" or "26000") => "A pooler between us and the database does not keep prepared statements; add Max Auto Prepare=0 to the connection string.",
        _ => $"The database refused a statement: {exception.Message.AsSpan().Trim().ToString().Split('\n')[0].TrimEnd()}",
    };
}
