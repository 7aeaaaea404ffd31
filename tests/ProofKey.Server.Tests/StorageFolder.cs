using System.Text;
using Microsoft.Data.Sqlite;

namespace ProofKey.Server.Tests;

/// <summary>A data folder of its own, and a look at the database in it from outside the server.</summary>
internal sealed class StorageFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("proofkey-test-");

    public string Path => _folder.FullName;

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>Opens the database of a data folder beside the server.</summary>
    public static async Task<SqliteConnection> OpenAsync(string folder)
    {
        var settings = new SqliteConnectionStringBuilder { DataSource = System.IO.Path.Combine(folder, "proofkey.db"), Pooling = false };
        var connection = new SqliteConnection(settings.ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    /// <summary>How many rows each table has.</summary>
    public static async Task<SortedDictionary<string, long>> CountAsync(string folder)
    {
        await using var connection = await OpenAsync(folder);
        var counts = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var table in await TablesAsync(connection))
            await EachAsync(connection, $"select count(*) from \"{table}\"", row => counts[table] = row.GetInt64(0));
        return counts;
    }

    /// <summary>Everything in the database as text, one row a line.</summary>
    public static async Task<string> DumpAsync(SqliteConnection connection)
    {
        var text = new StringBuilder();
        foreach (var table in await TablesAsync(connection))
            await EachAsync(connection, $"select * from \"{table}\"", row => text.Append(table).AppendJoin('|', Enumerable.Range(0, row.FieldCount).Select(column => Text(row.GetValue(column)))).Append('\n'));
        return text.ToString();
    }

    private static string? Text(object value) => value is byte[] bytes ? Convert.ToHexString(bytes) : value.ToString();

    private static async Task<List<string>> TablesAsync(SqliteConnection connection)
    {
        var tables = new List<string>();
        await EachAsync(connection, "select name from sqlite_master where type = 'table' order by name", row => tables.Add(row.GetString(0)));
        return tables;
    }

    private static async Task EachAsync(SqliteConnection connection, string sql, Action<SqliteDataReader> read)
    {
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // the names come from the database's own list
        command.CommandText = sql;
#pragma warning restore CA2100
        await using var rows = await command.ExecuteReaderAsync();
        while (await rows.ReadAsync()) read(rows);
    }
}
