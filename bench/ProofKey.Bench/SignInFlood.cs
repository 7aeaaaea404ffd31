using System.Net;
using System.Text.RegularExpressions;

namespace ProofKey.Bench;

/// <summary>Many networks that all guess passwords at once, each as fast as it is answered.</summary>
internal sealed partial class SignInFlood : IDisposable
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

    public static async Task<SignInFlood> StartAsync(ServerProcess server, string clientId, int networks)
    {
        var jar = new CookieContainer();
        using var http = new HttpClient(new SocketsHttpHandler { CookieContainer = jar }) { BaseAddress = new Uri(server.Issuer) };
        var page = await http.GetStringAsync(new Uri(Flow.AuthorizePath(clientId, CodeVerifier.New()), UriKind.Relative));
        var action = WebUtility.HtmlDecode(Action().Match(page).Groups[1].Value);
        var token = WebUtility.HtmlDecode(FormToken().Match(page).Groups[1].Value);
        var body = $"form_token={Uri.EscapeDataString(token)}&username=nobody&password=guess";
        var request = $"POST {action} HTTP/1.1\r\nHost: 127.0.0.1:{server.Port}\r\nCookie: {jar.GetCookieHeader(new Uri(server.Issuer))}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {body.Length}\r\n\r\n{body}";
        var flood = new SignInFlood();
        for (var i = 0; i < networks; i++)
        {
            // Each network has a budget of failed tries of its own; 127.0.0.0/8 is all loopback.
            var from = new IPAddress([127, 1, (byte)(i / 250), (byte)(1 + (i % 250))]);
            flood._threads.Add(new Thread(() => flood.Guess(server.Port, from, request)));
        }
        flood._threads.ForEach(thread => thread.Start());
        return flood;
    }

    public void Dispose()
    {
        _isOver = true;
        _threads.ForEach(thread => thread.Join());
    }

    private void Guess(int port, IPAddress from, string request)
    {
        using var connection = new LeanConnection(port, from);
        while (!_isOver)
        {
            var (status, _, _) = connection.Send(request);
            if (status == 400) Interlocked.Increment(ref _hashed);
            else if (status is 429 or 503) Interlocked.Increment(ref _turnedAway);
            else throw new InvalidOperationException($"A guess was answered {status}.");
        }
    }

    [GeneratedRegex("name=\"form_token\"[^>]*value=\"([^\"]+)\"")]
    private static partial Regex FormToken();

    [GeneratedRegex("<form[^>]*action=\"([^\"]+)\"")]
    private static partial Regex Action();
}
