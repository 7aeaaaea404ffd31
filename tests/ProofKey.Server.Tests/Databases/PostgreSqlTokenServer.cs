using ProofKey.Cli.Hosting;
using ProofKey.Server.Tests.Support;
using ProofKey.Tests.PostgreSql;

namespace ProofKey.Server.Tests.Databases;

/// <summary>The server of <see cref="TokenServer"/>, on PostgreSQL.</summary>
public class PostgreSqlTokenServer : TokenServer
{
    internal string ConnectionString { get; private set; } = "";

    private protected override async Task<RunningServer> StartAsync()
    {
        ConnectionString = await PostgreSqlCluster.NewDatabaseAsync();
        var place = PostgreSqlPlace.Of(ConnectionString, Secret.NewBytes(RootKeyFile.Length));
        return await RunningServer.StartAsync(strictRotation: IsStrict, serve: settings => settings with { Data = place });
    }
}

/// <summary>The same, to the letter.</summary>
public sealed class StrictPostgreSqlTokenServer : PostgreSqlTokenServer
{
    protected override bool IsStrict => true;
}
