using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ProofKey.Client.Tests;

/// <summary>A sign-in that waits, and the query of its right answer.</summary>
internal sealed class Waiting : IAsyncDisposable
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public required ScriptedServer Server { get; init; }

    public required PublicClient Client { get; init; }

    public required PendingSignIn Pending { get; init; }

    public required Task<SignInResult> Result { get; init; }

    public required string Query { get; init; }

    public required List<ClientEvent> Events { get; init; }

    public int Port => new Uri(Pending.RedirectUri).Port;

    /// <summary>The request that brings the right answer, by the way that was asked for.</summary>
    public string Answer => Client.Options.ResponseMode == ResponseMode.FormPost ? Post("/callback", Query.TrimStart('?')) : Get("/callback" + Query);

    public IEnumerable<IgnoredRequestReason> Ignored
    {
        get
        {
            lock (Events) return [.. Events.OfType<ClientEvent.RequestIgnored>().Select(ignored => ignored.Reason)];
        }
    }

    public bool WasAccepted
    {
        get
        {
            lock (Events) return Events.OfType<ClientEvent.CallbackAccepted>().Any();
        }
    }

    public static async Task<Waiting> BeginAsync(Func<ClientOptions, ClientOptions>? change = null)
    {
        var server = await ScriptedServer.StartAsync();
        // The tests post the answer themselves.
        server.Posts = false;
        var events = new List<ClientEvent>();
        var options = server.Options() with
        {
            ResponseMode = ResponseMode.Query,
            OnEvent = happened =>
            {
                lock (events) events.Add(happened);
            },
        };
        var client = new PublicClient(change?.Invoke(options) ?? options);
        var pending = await client.BeginAsync(Cancel);
        var query = (await SignInTests.CallbackOfAsync(pending)).Query;
        return new Waiting { Server = server, Client = client, Pending = pending, Result = pending.EndAsync(Cancel), Query = query, Events = events };
    }

    public string Get(string target, string? host = null) => $"GET {target} HTTP/1.1\r\nHost: {host ?? $"127.0.0.1:{Port}"}\r\n\r\n";

    public string Post(string target, string body, string type = "application/x-www-form-urlencoded") =>
        $"POST {target} HTTP/1.1\r\nHost: 127.0.0.1:{Port}\r\nContent-Type: {type}\r\nContent-Length: {body.Length}\r\n\r\n{body}";

    /// <summary>Sends bytes and reads the whole answer; empty when the connection was closed without one.</summary>
    public async Task<string> SendAsync(string request, IPAddress? address = null)
    {
        using var socket = await ConnectAsync(address);
        await socket.SendAsync(Encoding.Latin1.GetBytes(request), Cancel);
        return await ReadAsync(socket);
    }

    public async Task<Socket> ConnectAsync(IPAddress? address = null)
    {
        var to = address ?? IPAddress.Loopback;
        var socket = new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(to, Port, Cancel);
        return socket;
    }

    public static async Task<string> ReadAsync(Socket socket)
    {
        var text = new StringBuilder();
        var buffer = new byte[4096];
        for (int read; (read = await socket.ReceiveAsync(buffer, Cancel)) > 0;) text.Append(Encoding.UTF8.GetString(buffer, 0, read));
        return text.ToString();
    }

    /// <summary>Holds the sign-in back, after its answer was taken and before the code is redeemed, until the result is set.</summary>
    public TaskCompletionSource HoldKeys()
    {
        var gate = new TaskCompletionSource();
        Server.Instead["/jwks"] = async context =>
        {
            await gate.Task;
            await ScriptedServer.JsonAsync(context, 200, Encoding.UTF8.GetString(new Jose.JwkSet([Server.Key.PublicKey]).ToJson()));
        };
        return gate;
    }

    /// <summary>The right answer still ends the sign-in, and it is the first token request.</summary>
    public async Task StillCompletesAsync()
    {
        Result.IsCompleted.ShouldBeFalse();
        Server.TokenRequests.ShouldBeEmpty();
        var answer = SendAsync(Answer);
        await SendAsync(await LocationAsync(answer));
        (await Result).ShouldBeOfType<SignInResult.SignedIn>();
        Server.TokenRequests.Count.ShouldBe(1);
    }

    public async Task<string> LocationAsync(Task<string> answer)
    {
        var text = await answer;
        text.ShouldStartWith("HTTP/1.1 303 ");
        var location = text.Split("\r\n").Single(line => line.StartsWith("Location: ", StringComparison.Ordinal))["Location: ".Length..];
        return Get(location);
    }

    public async ValueTask DisposeAsync()
    {
        await Pending.DisposeAsync();
        await Client.DisposeAsync();
        await Server.DisposeAsync();
    }
}
