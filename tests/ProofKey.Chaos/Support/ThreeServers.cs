using ProofKey.Tests.PostgreSql;

namespace ProofKey.Chaos.Support;

/// <summary>Three servers over one PostgreSQL, behind a balancer whose address is the issuer.</summary>
public sealed class ThreeServers : IAsyncLifetime
{
    private readonly LoadBalancer _balancer = new();
    private ServerData _data = null!;

    internal string Address => _balancer.Address;

    internal Operator Operator { get; private set; } = null!;

    internal IReadOnlyList<ServerProcess> Servers { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _data = new ServerData(await PostgreSqlCluster.NewDatabaseAsync());
        Operator = await Operator.OpenAsync(_data.Open());
        Servers = [.. Enumerable.Range(0, 3).Select(_ => new ServerProcess(_data.Options, Address) { Options = ["--trusted-proxy", "127.0.0.1"] })];
        await Task.WhenAll(Servers.Select(server => server.StartAsync()));
        await _balancer.StartAsync(Servers);
    }

    /// <summary>Restarts one after the other, as an upgrade does.</summary>
    internal async Task RestartOneByOneAsync()
    {
        for (var number = 0; number < Servers.Count; number++)
        {
            await _balancer.DrainAsync(number);
            await Servers[number].StopAsync();
            await Servers[number].StartAsync();
            await _balancer.ReadyAsync(number);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _balancer.DisposeAsync();
        foreach (var server in Servers) await server.DisposeAsync();
        await Operator.DisposeAsync();
        _data.Dispose();
    }
}
