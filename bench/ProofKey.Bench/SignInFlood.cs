using System.Net;

namespace ProofKey.Bench;

/// <summary>Many networks that all guess passwords at once, each as fast as it is answered.</summary>
internal sealed class SignInFlood : IDisposable
{
    private readonly List<Thread> _threads = [];
    private volatile bool _isOver;
    private int _hashed;
    private int _turnedAway;

    private SignInFlood()
    {
    }

    /// <summary>How many guesses were looked at, and how many were told to come back later.</summary>
    public (int Hashed, int TurnedAway) Answers => (Volatile.Read(ref _hashed), Volatile.Read(ref _turnedAway));

    public static async Task<SignInFlood> StartAsync(FlowEnds ends, int networks)
    {
        var jar = new CookieContainer();
        using var http = new HttpClient(new SocketsHttpHandler { CookieContainer = jar });
        var address = ends.Issuer.AuthorizationEndpoint;
        var page = await http.GetStringAsync(new Uri(address, Flow.AuthorizePath(ends.Issuer, ends.Client, CodeVerifier.New(), "flood", Secret.NewText(16))));
        var form = PageForm.FillIn(page, "nobody", "guess");
        using var fields = new FormUrlEncodedContent(form.Fields);
        var body = await fields.ReadAsStringAsync();
        var request = $"POST {form.Action} HTTP/1.1\r\nHost: {address.Authority}\r\nCookie: {jar.GetCookieHeader(address)}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {body.Length}\r\n\r\n{body}";
        var flood = new SignInFlood();
        for (var i = 0; i < networks; i++)
        {
            // Each network has a budget of failed tries of its own; 127.0.0.0/8 is all loopback.
            var from = new IPAddress([127, 1, (byte)(i / 250), (byte)(1 + (i % 250))]);
            flood._threads.Add(new Thread(() => flood.Guess(address, from, request)));
        }
        flood._threads.ForEach(thread => thread.Start());
        return flood;
    }

    public void Dispose()
    {
        _isOver = true;
        _threads.ForEach(thread => thread.Join());
    }

    private void Guess(Uri server, IPAddress from, string request)
    {
        using var connection = new LeanConnection(server, from);
        while (!_isOver)
        {
            var (status, _, _) = connection.Send(request);
            if (status == 400) Interlocked.Increment(ref _hashed);
            else if (status is 429 or 503) Interlocked.Increment(ref _turnedAway);
            else throw new InvalidOperationException($"A guess was answered {status}.");
        }
    }
}
