using System.Data.Common;
using Microsoft.Data.Sqlite;
using Npgsql;
using ProofKey.Cli.Hosting;

namespace ProofKey.Bench;

/// <summary>Grants that ended hours ago, as that many sign-ins would have left them: copies of one that the server made, with ids and times that ascend and people of their own.</summary>
internal sealed class ExpiredGrants(string? sqliteFile, string? connectionString) : IDisposable
{
    private const int People = 100_000;

    // One sign-in each 60 ms, so that a million fill seventeen hours.
    private const long Apart = 60;

    private static readonly Dictionary<string, string> Changed = new()
    {
        ["created_at"] = "@first + n * 60 - 43200000",
        ["auth_time"] = "@first + n * 60 - 43200000",
        ["rotated_at"] = "@first + n * 60 - 43200000 + 600000",
        ["expires_at"] = "@first + n * 60",
        ["seq"] = "2",
        ["prev_seq"] = "1",
    };

    private readonly DbDataSource _source = sqliteFile is null ? NpgsqlDataSource.Create(connectionString!) : DataFolder.SourceOf(sqliteFile);
    private DbConnection? _connection;
    private long _first;
    private long _all;

    /// <summary>Writes so many. The last of them ended two hours ago.</summary>
    public void Fill(int count)
    {
        _connection ??= _source.OpenConnection();
        (_all, _first) = (count, TimeProvider.System.GetUtcNow().AddHours(-2).ToUnixTimeMilliseconds() - (count * Apart));
        var columns = Columns();
        var values = columns.Select(column => Changed.GetValueOrDefault(column) ?? (column switch
        {
            "id" => sqliteFile is null ? "decode(lpad(to_hex(@first + n * 60 - 43200000), 12, '0') || left(md5(n::text), 20), 'hex')" : "bench_id(@first + n * 60 - 43200000)",
            "subject" => sqliteFile is null ? $"left(md5((n * 7919 % {People})::text), 22)" : $"bench_subject(n * 7919 % {People})",
            "secret_digest" => sqliteFile is null ? "decode(md5(n::text) || md5((-n)::text), 'hex')" : "randomblob(32)",
            _ => $"g.{column}",
        }));
        var series = sqliteFile is null ? "generate_series(1, @count::bigint) as series (n)" : "series";
        var with = sqliteFile is null ? "" : "with recursive series (n) as (select 1 union all select n + 1 from series where n < @count) ";
        if (_connection is SqliteConnection sqlite)
        {
            sqlite.CreateFunction("bench_id", (long at) => (byte[])[.. BitConverter.GetBytes(at).AsEnumerable().Reverse().Skip(2), .. Secret.NewBytes(10)]);
            sqlite.CreateFunction("bench_subject", (long n) => Base64UrlText.Encode(Secret.Digest($"{n}").AsSpan(..16)));
        }
        Run($"{with}insert into authorization_grant ({string.Join(", ", columns)}) select {string.Join(", ", values)} from (select * from authorization_grant limit 1) g, {series}", ("first", _first), ("count", (long)count));
        // As it is after a night: nothing of the filling is left to be done while the pruning is measured.
        Run(sqliteFile is null ? "vacuum analyze authorization_grant" : "pragma wal_checkpoint(truncate)");
        if (sqliteFile is null) Run("checkpoint");
    }

    /// <summary>How many are left, from the one that ended first: they go in that order.</summary>
    public long Left()
    {
        using var command = Command("select min(expires_at) from authorization_grant");
        return command.ExecuteScalar() is long oldest ? Math.Clamp(_all - ((oldest - _first) / Apart) + 1, 0, _all) : 0;
    }

    public void Dispose()
    {
        _connection?.Dispose();
        _source.Dispose();
    }

    private List<string> Columns()
    {
        using var command = Command("select * from authorization_grant limit 0");
        using var reader = command.ExecuteReader();
        return [.. Enumerable.Range(0, reader.FieldCount).Select(reader.GetName)];
    }

    private void Run(string sql, params (string Name, object Value)[] parameters)
    {
        using var command = Command(sql, parameters);
        command.CommandTimeout = 0;
        command.ExecuteNonQuery();
    }

    private DbCommand Command(string sql, params (string Name, object Value)[] parameters)
    {
        var command = _connection!.CreateCommand();
#pragma warning disable CA2100 // every text is made of constants and of the names of columns
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var (name, value) in parameters)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = ($"@{name}", value);
            command.Parameters.Add(parameter);
        }
        return command;
    }
}
