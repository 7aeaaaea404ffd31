using System.Data.Common;
using Npgsql;
using ProofKey.Server.Storage;

namespace ProofKey.Cli.Hosting;

/// <summary>A PostgreSQL database, or one that speaks its protocol, which several servers may share.</summary>
internal sealed class PostgreSqlPlace : DataPlace
{
    // What goes before the operator's own words, which win. A replica takes so few connections that three of them fit into what PostgreSQL allows.
    // Nothing of ours stays on a connection, so there is nothing to reset. A commit that still waits for its standby when the driver's patience ends must
    // not be cancelled and waited for: the server would give the waiting up and say that all is well. Without an answer it is told as unknown.
    private const string Defaults =
        "Maximum Pool Size=30;Max Auto Prepare=200;Auto Prepare Min Usages=2;No Reset On Close=true;Timeout=5;Command Timeout=15;Cancellation Timeout=-1;Tcp Keepalive=true;Application Name=proofkey;";

    // Of several servers, the one that takes writes; after a failover, whichever takes them then.
    private const string DefaultsOfSeveral = "Target Session Attributes=primary;Host Recheck Seconds=2;";

    // The server gives up before the driver does, and then it says so, and the connection lives. Who stops in the middle of a transaction holds nobody up.
    private const string Patience =
        "set statement_timeout = '10s'; set lock_timeout = '5s'; set idle_in_transaction_session_timeout = '10s'; set default_transaction_isolation = 'read committed'";

    private readonly string _connectionString;

    private PostgreSqlPlace(NpgsqlConnectionStringBuilder settings, byte[] rootKey)
        : base(rootKey)
    {
        _connectionString = settings.ConnectionString;
        Location = $"{settings.Host}{(settings.Port == NpgsqlConnection.DefaultPort ? "" : $":{settings.Port}")}/{settings.Database ?? settings.Username}";
    }

    public override string Location { get; }

    public override string Description => "PostgreSQL";

    // The connection string may hold a password, and whoever starts a server knows it.
    public override string Options => "--database … --root-key-file …";

    public override DatabaseDialect Dialect { get; } = DatabaseDialect.PostgreSql.WithSeparateStatements(batch => ((NpgsqlBatch)batch).EnableErrorBarriers = true);

    /// <summary>Reads a connection string.</summary>
    /// <param name="connectionString">Keys and values of the driver, such as <c>Host=db;Username=proofkey;Database=proofkey</c>.</param>
    /// <param name="rootKey">The root key.</param>
    /// <exception cref="CommandException">It is none. Nothing of it is in the message: a part may be one of a password.</exception>
    public static PostgreSqlPlace Of(string connectionString, byte[] rootKey)
    {
        try
        {
            var settings = new NpgsqlConnectionStringBuilder(Defaults + connectionString);
            if (string.IsNullOrEmpty(settings.Host)) throw Wrong("names no Host");
            if (settings.Host.Contains(',', StringComparison.Ordinal)) settings = new NpgsqlConnectionStringBuilder(Defaults + DefaultsOfSeveral + connectionString);
            return new PostgreSqlPlace(settings, rootKey);
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or InvalidCastException or OverflowException or KeyNotFoundException)
        {
            throw Wrong("has a key or a value that the driver does not know");
        }
    }

    public override DbDataSource CreateDataSource()
    {
        var builder = new NpgsqlDataSourceBuilder(_connectionString);
        builder.UsePhysicalConnectionInitializer(
            connection =>
            {
                using var command = new NpgsqlCommand(Patience, connection);
                command.ExecuteNonQuery();
            },
            async connection =>
            {
                await using var command = new NpgsqlCommand(Patience, connection);
                await command.ExecuteNonQueryAsync();
            });
        return builder.Build();
    }

    private static CommandException Wrong(string why) => CommandException.Usage(
        $"The connection string of --database {why}.",
        "Write it as Host=db.example;Username=proofkey;Password=…;Database=proofkey, with quotes around a value that has a semicolon in it.");
}
