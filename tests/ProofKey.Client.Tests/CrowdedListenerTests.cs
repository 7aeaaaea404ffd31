using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ProofKey.Client.Loopback;

namespace ProofKey.Client.Tests;

/// <summary>A program of this machine that opens connections without end, while a sign-in waits. It needs no right to do so.</summary>
public sealed class CrowdedListenerTests
{
    private const int Many = 600;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("")]
    [InlineData("GET /call")]
    [InlineData("GET /callback?code=x&state=wrong HTTP/1.1\r\nHost: 127.0.0.1:{0}\r\n\r\n")]
    [Assertion("CL-07")]
    public async Task Six_hundred_connections_that_come_back_as_they_are_closed_do_not_keep_the_browser_out(string says)
    {
        await using var waiting = await Waiting.BeginAsync();
        await using var crowd = new Crowd(waiting.Port, says, comesBack: true);
        await LoopbackListenerTests.Until(() => crowd.Came >= Many).WaitAsync(Patience, Cancel);

        // A browser comes twice: with the answer, and for the page.
        await waiting.StillCompletesAsync().WaitAsync(Patience, Cancel);
    }

    [Fact]
    [Assertion("CL-07")]
    public async Task The_connection_that_brought_the_answer_gives_way_to_nobody()
    {
        await using var waiting = await Waiting.BeginAsync();
        var gate = waiting.HoldKeys();
        var first = waiting.SendAsync(waiting.Get("/callback" + waiting.Query));
        await LoopbackListenerTests.Until(() => waiting.WasAccepted);
        var copy = waiting.SendAsync(waiting.Get("/callback" + waiting.Query));
        // What comes after the copy is answered, so the copy has been read.
        (await waiting.SendAsync(waiting.Get("/favicon.ico"))).ShouldStartWith("HTTP/1.1 404 ");

        await using (var crowd = new Crowd(waiting.Port, "", comesBack: true)) await LoopbackListenerTests.Until(() => crowd.Closed >= Many).WaitAsync(Patience, Cancel);
        gate.SetResult();

        var page = await waiting.LocationAsync(first);
        (await waiting.LocationAsync(copy)).ShouldBe(page);
        (await waiting.SendAsync(page)).ShouldContain("You are signed in");
        (await waiting.Result).ShouldBeOfType<SignInResult.SignedIn>();
    }

    [Fact]
    [Assertion("CL-07")]
    public async Task No_more_connections_are_open_than_there_are_places()
    {
        await using var waiting = await Waiting.BeginAsync();
        await using var crowd = new Crowd(waiting.Port, "", comesBack: false);

        // One that was accepted waits for its place, in either family.
        await LoopbackListenerTests.Until(() => crowd.Closed >= Many - LoopbackPlaces.Count - 2).WaitAsync(Patience, Cancel);

        await waiting.StillCompletesAsync();
    }

    [Fact]
    [Assertion("CL-07")]
    public async Task A_connection_that_says_nothing_has_little_of_our_memory()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var costs = new List<long>();
        for (var i = 0; i < 2; i++)
        {
            using var silent = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            silent.Connect(listener.LocalEndpoint);
            using var connection = listener.AcceptSocket();
            var before = GC.GetAllocatedBytesForCurrentThread();
            var reading = LoopbackRequest.ReadAsync(connection, Cancel);
            costs.Add(GC.GetAllocatedBytesForCurrentThread() - before);
            silent.Shutdown(SocketShutdown.Send);
            (await reading).ShouldBeNull();
        }

        // The first one pays for what is made once.
        costs[1].ShouldBeLessThan(16 * 1024);
    }

    [Fact]
    [Assertion("CL-07")]
    public async Task A_connection_has_a_moment_to_send_its_request_before_it_gives_way()
    {
        var (places, since) = (new LoopbackPlaces(), Stopwatch.StartNew());
        var sockets = Enumerable.Range(0, LoopbackPlaces.Count + 1).Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)).ToList();
        var taken = new List<LoopbackPlaces.Place>();
        foreach (var socket in sockets.Take(LoopbackPlaces.Count)) taken.Add(await places.TakeAsync(socket, Cancel));
        places.TryKeep(taken[0]).ShouldBeTrue();

        var taking = places.TakeAsync(sockets[^1], Cancel);
        await LoopbackListenerTests.Until(() => sockets.Exists(socket => socket.SafeHandle.IsClosed)).WaitAsync(Patience, Cancel);

        // Timers may be early by a tick of the system's.
        since.Elapsed.ShouldBeGreaterThan(TimeSpan.FromMilliseconds(80));
        sockets.FindIndex(socket => socket.SafeHandle.IsClosed).ShouldBe(1);
        places.TryKeep(taken[1]).ShouldBeFalse();
        places.Leave(taken[1]);
        taken[1] = await taking;
        sockets.Count(socket => socket.SafeHandle.IsClosed).ShouldBe(1);

        foreach (var socket in sockets) socket.Dispose();
        foreach (var place in taken) places.Leave(place);
        await places.DisposeAsync();
    }

    /// <summary>Six hundred connections, each of which says something or nothing, and stays until it is closed.</summary>
    private sealed class Crowd : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        private readonly Task _all;
        private readonly int _port;
        private readonly string _says;
        private int _came;
        private int _closed;

        public Crowd(int port, string says, bool comesBack)
        {
            _port = port;
            _says = says.Replace("{0}", port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
            _all = Task.WhenAll(Enumerable.Range(0, Many).Select(_ => Task.Run(() => StayAsync(comesBack), Cancel)));
        }

        public int Came => Volatile.Read(ref _came);

        public int Closed => Volatile.Read(ref _closed);

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _all.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _stop.Dispose();
        }

        private async Task StayAsync(bool comesBack)
        {
            do
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                using var leaves = _stop.Token.Register(socket.Dispose);
                await socket.ConnectAsync(IPAddress.Loopback, _port, _stop.Token);
                Interlocked.Increment(ref _came);
                if (_says.Length > 0) await LoopbackListenerTests.TrySendAsync(socket, _says);
                await LoopbackListenerTests.EndOfAsync(socket);
                Interlocked.Increment(ref _closed);
            }
            while (comesBack);
        }
    }
}
