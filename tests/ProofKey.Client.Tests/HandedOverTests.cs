using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ProofKey.Client.Tests;

/// <summary>An answer that comes twice, pasted and over a forwarded port, and a program that gives up meanwhile.</summary>
public sealed class HandedOverTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_wait_for_what_was_pasted_can_be_given_up()
    {
        await using var twice = await Twice.BeginAsync();
        twice.Paste();
        await twice.BrowseAsync();

        await twice.GiveUp.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => twice.Waiting.WaitAsync(TimeSpan.FromSeconds(20), Cancel));
        twice.Gate.SetResult();
        (await twice.Pasted!).ShouldBeOfType<SignInResult.SignedIn>();
    }

    [Fact]
    [Assertion("CL-17")]
    public async Task A_browser_that_comes_after_what_was_pasted_sees_how_it_went()
    {
        await using var twice = await Twice.BeginAsync();
        twice.Paste();
        var browser = await twice.BrowseAsync();

        twice.Gate.SetResult();
        var answer = await browser;
        answer.ShouldStartWith("HTTP/1.1 303 ");
        var page = new Uri(new Uri(twice.Pending.RedirectUri), answer.Split("\r\n").Single(line => line.StartsWith("Location: ", StringComparison.Ordinal))["Location: ".Length..]);
        using var http = new HttpClient();

        (await http.GetStringAsync(page, Cancel)).ShouldContain("You are signed in");
        (await twice.Waiting).ShouldBeSameAs(await twice.Pasted!);
        twice.Events.OfType<ClientEvent.SignInEnded>().ShouldBe([new ClientEvent.SignInEnded("signed_in")]);
        twice.Server.TokenRequests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Nobody_waits_for_a_page_that_no_browser_came_for()
    {
        await using var twice = await Twice.BeginAsync();
        twice.Gate.SetResult();
        twice.Paste();
        await twice.Pasted!;

        // Two seconds is what a page is waited for.
        (await twice.Waiting.WaitAsync(TimeSpan.FromSeconds(1.5), Cancel)).ShouldBeOfType<SignInResult.SignedIn>();
    }

    [Fact]
    public async Task Giving_up_while_the_code_is_redeemed_ends_at_once_although_the_browser_fetches_no_page()
    {
        await using var twice = await Twice.BeginAsync();
        await twice.BrowseAsync();
        await twice.Arrived.Task;

        await twice.GiveUp.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => twice.Waiting.WaitAsync(TimeSpan.FromSeconds(1.5), Cancel));
        twice.Events.OfType<ClientEvent.SignInEnded>().ShouldBe([new ClientEvent.SignInEnded("cancelled")]);
    }

    /// <summary>A sign-in whose redemption waits at a gate.</summary>
    private sealed class Twice : IAsyncDisposable
    {
        private Uri _callback = null!;

        public required ScriptedServer Server { get; init; }

        public required PublicClient Client { get; init; }

        public required PendingSignIn Pending { get; init; }

        public required List<ClientEvent> Events { get; init; }

        public required TaskCompletionSource Arrived { get; init; }

        public required TaskCompletionSource Gate { get; init; }

        public CancellationTokenSource GiveUp { get; } = new();

        public Task<SignInResult> Waiting { get; private set; } = null!;

        public Task<SignInResult>? Pasted { get; private set; }

        public static async Task<Twice> BeginAsync()
        {
            var server = await ScriptedServer.StartAsync();
            var (arrived, gate, events) = (new TaskCompletionSource(), new TaskCompletionSource(), new List<ClientEvent>());
            // The keys are at the gate from the start, and the code goes out after them.
            server.Instead["/jwks"] = async context =>
            {
                await gate.Task;
                await ScriptedServer.JsonAsync(context, 200, Encoding.UTF8.GetString(new Jose.JwkSet([server.Key.PublicKey]).ToJson()));
            };
            var client = new PublicClient(server.Options() with
            {
                ResponseMode = ResponseMode.Query,
                OnEvent = SuiteWitness.And(happened =>
                {
                    lock (events) events.Add(happened);
                    if (happened is ClientEvent.CallbackAccepted) arrived.TrySetResult();
                }),
            });
            var twice = new Twice { Server = server, Client = client, Pending = await client.BeginAsync(Cancel), Events = events, Arrived = arrived, Gate = gate };
            twice._callback = await SignInTests.CallbackOfAsync(twice.Pending);
            twice.Waiting = twice.Pending.EndAsync(twice.GiveUp.Token);
            return twice;
        }

        // The turn is taken by the time that the call is back.
        public void Paste() => Pasted = Pending.EndAsync(_callback, Cancel);

        /// <summary>Brings the answer twice, each time in other words, so that one of them was taken for certain when the other is late.</summary>
        /// <returns>What the one that was taken is answered.</returns>
        public async Task<Task<string>> BrowseAsync()
        {
            var (one, other) = (SendAsync(""), SendAsync("&more=1"));
            var late = await Task.WhenAny(one, other);
            (await late).ShouldStartWith("HTTP/1.1 404 ");
            return late == one ? other : one;
        }

        private async Task<string> SendAsync(string more)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Loopback, _callback.Port, Cancel);
            await socket.SendAsync(Encoding.ASCII.GetBytes($"GET {_callback.PathAndQuery}{more} HTTP/1.1\r\nHost: {_callback.Authority}\r\n\r\n"), Cancel);
            var text = new StringBuilder();
            var buffer = new byte[4096];
            for (int read; (read = await socket.ReceiveAsync(buffer, Cancel)) > 0;) text.Append(Encoding.UTF8.GetString(buffer, 0, read));
            return text.ToString();
        }

        public async ValueTask DisposeAsync()
        {
            GiveUp.Dispose();
            await Pending.DisposeAsync();
            await Client.DisposeAsync();
            await Server.DisposeAsync();
        }
    }
}
