using System.Data;

namespace ProofKey.Server.Storage;

/// <summary>Moves all rows of one database into another one that is empty: everything or nothing, and counted on both sides.</summary>
internal static class TableCopy
{
    /// <summary>All tables but <c>schema_version</c>, which each database writes by itself.</summary>
    public static readonly string[] Tables =
    [
        "client", "client_origin", "account", "credential", "session", "consent", "authorization_grant", "key", "resource", "scope", "pushed_request", "device_code", "user_code_try",
        "used_assertion", "audit_event", "logout_outbox", "restoration",
    ];

    private const int RowsAtOnce = 200;

    /// <summary>Copies, while nobody else writes in either of them.</summary>
    /// <param name="source">Where the rows are; nothing in it is changed.</param>
    /// <param name="target">Where they go; its tables are there, and nothing that matters is in them.</param>
    /// <param name="cancellation">Stops, and leaves the target as it was.</param>
    /// <returns>How many rows each table has, in both.</returns>
    public static async Task<List<TableCount>> RunAsync(Database source, Database target, CancellationToken cancellation)
    {
        List<TableCount> counts = [];
        await source.AloneInTransactionAsync(
            async from =>
            {
                // Counted before: a transaction of the target that waits for it would be ended, since nobody seems to want it any more.
                counts = await CountAsync(from, cancellation);
                await target.AloneInTransactionAsync(
                    async to =>
                    {
                        // A new database has one row, of the credential that is nobody's; the source has its own.
                        await to.ExecuteAsync("delete from credential where subject = ''", cancellation);
                        foreach (var count in counts) await CopyAsync(count, from, to, cancellation);
                    }, cancellation);
            }, cancellation);
        return counts;
    }

    /// <summary>How many rows each table has.</summary>
    public static async Task<List<TableCount>> CountAsync(DatabaseConnection connection, CancellationToken cancellation)
    {
        var counts = new List<TableCount>();
        foreach (var table in Tables) counts.Add(new TableCount(table, await CountAsync(connection, table, cancellation)));
        return counts;
    }

    private static async Task CopyAsync(TableCount count, DatabaseConnection from, DatabaseConnection to, CancellationToken cancellation)
    {
        var table = count.Table;
        if (await CountAsync(to, table, cancellation) > 0)
            throw new DatabaseException(DatabaseFailure.Other, $"The table {table} of the database to copy into has rows; nothing was changed. Copy into an empty database.", null);
        var columns = await ColumnsAsync(table, to, cancellation);
        var names = string.Join(", ", columns.Select(column => column.Name));
        await using (var reader = await from.Constant($"select {names} from {table}").ExecuteReaderAsync(cancellation))
        {
            var rows = new List<object[]>(RowsAtOnce);
            while (await reader.ReadAsync(cancellation))
            {
                var row = new object[columns.Count];
                reader.GetValues(row);
                rows.Add(row);
                if (rows.Count < RowsAtOnce) continue;
                await to.InsertAsync(table, columns, rows, cancellation);
                rows.Clear();
            }
            if (rows.Count > 0) await to.InsertAsync(table, columns, rows, cancellation);
        }
        var now = await CountAsync(to, table, cancellation);
        if (now != count.Rows)
            throw new DatabaseException(DatabaseFailure.Other, $"The table {table} has {count.Rows} rows, and {now} arrived; nothing was changed. Stop every server on it, and copy again.", null);
    }

    // The types are those of the target: a value that is absent has one too.
    private static async Task<List<(string Name, DbType Type)>> ColumnsAsync(string table, DatabaseConnection connection, CancellationToken cancellation)
    {
        await using var reader = await connection.Constant($"select * from {table} where 1 = 0").ExecuteReaderAsync(cancellation);
        return [.. Enumerable.Range(0, reader.FieldCount).Select(column => (reader.GetName(column), TypeOf(reader.GetFieldType(column))))];
    }

    private static DbType TypeOf(Type type) => type == typeof(long) ? DbType.Int64 : type == typeof(string) ? DbType.String : DbType.Binary;

    private static async Task<long> CountAsync(DatabaseConnection connection, string table, CancellationToken cancellation) =>
        (long)(await connection.Constant($"select count(*) from {table}").ExecuteScalarAsync(cancellation))!;
}

/// <summary>How many rows a table has.</summary>
/// <param name="Table">The table.</param>
/// <param name="Rows">The number.</param>
public sealed record TableCount(string Table, long Rows);
