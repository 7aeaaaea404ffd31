using System.Net;
using System.Net.Sockets;

namespace ProofKey.Client.Tests;

/// <summary>A host with several addresses, of which one leads nowhere. What swallows connections here must swallow none of another test.</summary>
[Collection(nameof(ConnectionRaceTests))]
[CollectionDefinition(nameof(ConnectionRaceTests), DisableParallelization = true)]
public sealed class ConnectionRaceTests
{
    private static readonly IPAddress Nowhere = IPAddress.Parse("127.0.0.2");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Rfc("RFC 8305", "5")]
    public async Task An_address_that_does_not_answer_does_not_keep_the_next_one_from_its_turn()
    {
        using var server = Listening(IPAddress.Loopback, 0, backlog: 10);
        var port = ((IPEndPoint)server.LocalEndPoint!).Port;
        using var hole = new BlackHole(Nowhere, port);
        // The hole swallows what comes: alone, it is waited for until the caller has enough.
        using var enough = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await Should.ThrowAsync<OperationCanceledException>(() => ConnectionRace.RunAsync([Nowhere], port, enough.Token));

        using var connection = await ConnectionRace.RunAsync([Nowhere, IPAddress.Loopback], port, Cancel).WaitAsync(TimeSpan.FromSeconds(5), Cancel);

        ((IPEndPoint)connection.RemoteEndPoint!).Address.ShouldBe(IPAddress.Loopback);
        connection.NoDelay.ShouldBeTrue();
    }

    [Fact]
    public async Task One_that_refuses_is_no_wait_and_the_first_that_answers_is_the_only_one()
    {
        using var server = Listening(IPAddress.Loopback, 0, backlog: 10);
        var port = ((IPEndPoint)server.LocalEndPoint!).Port;

        using var connection = await ConnectionRace.RunAsync([Nowhere, IPAddress.Loopback, IPAddress.Loopback], port, Cancel);

        using var accepted = await server.AcceptAsync(Cancel);
        accepted.RemoteEndPoint.ShouldBe(connection.LocalEndPoint);
        server.Poll(0, SelectMode.SelectRead).ShouldBeFalse();
    }

    [Fact]
    public async Task Where_nobody_listens_the_last_reason_is_told()
    {
        int unused;
        using (var bound = Listening(IPAddress.Loopback, 0, backlog: 1)) unused = ((IPEndPoint)bound.LocalEndPoint!).Port;

        (await Should.ThrowAsync<SocketException>(() => ConnectionRace.RunAsync([Nowhere, IPAddress.Loopback], unused, Cancel))).SocketErrorCode.ShouldBe(SocketError.ConnectionRefused);
        (await Should.ThrowAsync<SocketException>(() => ConnectionRace.RunAsync([], unused, Cancel))).SocketErrorCode.ShouldBe(SocketError.HostNotFound);
    }

    [Fact]
    [Rfc("RFC 8305", "4")]
    public async Task The_families_take_turns()
    {
        using var server = Listening(IPAddress.Loopback, 0, backlog: 10);
        var port = ((IPEndPoint)server.LocalEndPoint!).Port;
        // From here 2001:db8:: leads nowhere or is refused at once; the many of one family come after the first of the other.
        IPAddress[] addresses = [.. Enumerable.Range(1, 40).Select(i => IPAddress.Parse($"2001:db8::{i}")), IPAddress.Loopback];

        using var connection = await ConnectionRace.RunAsync(addresses, port, Cancel).WaitAsync(TimeSpan.FromSeconds(5), Cancel);

        connection.AddressFamily.ShouldBe(AddressFamily.InterNetwork);
    }

    [Fact]
    public async Task The_handler_finds_names_and_takes_addresses()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var http = new HttpClient(Backchannel.NewHandler());

        (await http.GetAsync(server.At("/jwks"), Cancel)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await http.GetAsync(new Uri($"http://localhost:{server.At("/").Port}/jwks"), Cancel)).StatusCode.ShouldBe(HttpStatusCode.OK);
        Backchannel.NewHandler().ConnectTimeout.ShouldBe(TimeSpan.FromSeconds(10));
    }

    private static Socket Listening(IPAddress address, int port, int backlog)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(address, port));
        socket.Listen(backlog);
        return socket;
    }

    /// <summary>A listener whose queue is full: what comes to it gets no answer of any kind.</summary>
    private sealed class BlackHole : IDisposable
    {
        private readonly List<Socket> _sockets = [];

        public BlackHole(IPAddress address, int port)
        {
            _sockets.Add(Listening(address, port, backlog: 0));
            for (var i = 0; i < 8; i++)
            {
                var filling = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
                _sockets.Add(filling);
                try
                {
                    filling.Connect(new IPEndPoint(address, port));
                }
                catch (SocketException pending) when (pending.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
                {
                    // It connects by itself, as long as there is room.
                    filling.Poll(20_000, SelectMode.SelectWrite);
                }
            }
        }

        public void Dispose() => _sockets.ForEach(socket => socket.Dispose());
    }
}
