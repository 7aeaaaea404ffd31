using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using AngleSharp.Html.Parser;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>The program is killed under load, again and again; what its clients were told still holds.</summary>
public sealed class CrashTests
{
    private const string RedirectUri = "https://app.example/callback";

    [Fact]
    [Assertion("RT-09")]
    [Assertion("TK-06")]
    [Assertion("TK-21")]
    public async Task What_clients_were_told_holds_after_every_kill()
    {
        await using var server = new CrashServer();
        var (client, other) = await server.PrepareAsync();
        using var clients = new Clients(server.Issuer, client);
        for (var round = 0; round < 4; round++)
        {
            await server.StartAsync();
            await clients.SignInAsync();
            await clients.CheckAsync(other);
            // The kill comes after so many answers that it hits any of the steps, with all workers in the middle of one.
            await clients.WorkUntilAsync(60 + Secret.NewBytes(1)[0], server.KillAsync);
        }
        await server.StartAsync();
        await clients.SignInAsync();
        await clients.CheckAsync(other);
        clients.Answers.ShouldBeGreaterThan(4 * 60);
    }

    [Fact]
    [Assertion("TK-21")]
    [Assertion("RT-12")]
    public async Task A_disk_that_takes_no_more_bytes_loses_nothing_and_hands_out_nothing()
    {
        // Windows has no limit on the length of a process's files.
        if (OperatingSystem.IsWindows()) return;
        await using var server = new CrashServer();
        var (client, other) = await server.PrepareAsync();
        using var clients = new Clients(server.Issuer, client) { MayBeUnavailable = true };
        await server.StartAsync(fileBlocks: 1000);
        await clients.SignInAsync();
        await clients.WorkUntilUnavailableAsync();
        await server.KillAsync();

        await server.StartAsync();
        await clients.SignInAsync();
        await clients.CheckAsync(other);
    }

    /// <summary>Several clients that write down what they were told.</summary>
    private sealed class Clients(string issuer, RegisteredClient client) : IDisposable
    {
        private readonly HttpClient _browser = new(new SocketsHttpHandler { AllowAutoRedirect = false });

        // From many addresses: the check is refused more often than one network may be in a minute.
        private readonly HttpClient[] _programs = [.. Enumerable.Range(1, 32).Select(host => TokenServer.From($"127.0.1.{host}"))];
        private int _turn;
        private readonly ConcurrentDictionary<string, ConcurrentQueue<Answer>> _codes = new();
        private readonly ConcurrentDictionary<string, ConcurrentQueue<Answer>> _refreshTokens = new();
        private readonly ConcurrentDictionary<string, Dictionary<string, string>> _exchanges = new();
        private readonly ConcurrentQueue<string> _revoked = new();
        private readonly ConcurrentDictionary<string, bool> _current = new();
        private int _answers;

        public int Answers => _answers;

        /// <summary>Whether the server may say that it cannot write just now.</summary>
        public bool MayBeUnavailable { get; init; }

        public async Task SignInAsync()
        {
            var response = await _browser.GetAsync(new Uri(AuthorizeAddress(CodeVerifier.New())));
            if (IsAnswer(response)) return;
            response = await _browser.GetAsync(new Uri(new Uri(issuer), response.Headers.Location!));
            using var page = await new HtmlParser().ParseDocumentAsync(await response.Content.ReadAsStringAsync());
            var fields = page.QuerySelectorAll("input[name]").ToDictionary(input => input.GetAttribute("name")!, input => input.GetAttribute("value") ?? "");
            (fields["username"], fields["password"]) = (RunningServer.UserName, RunningServer.Password);
            using var form = new FormUrlEncodedContent(fields);
            (await _browser.PostAsync(new Uri(new Uri(issuer), page.QuerySelector("form")!.GetAttribute("action")), form)).StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        }

        /// <summary>Lets the clients work, and pulls the plug after a number of answers.</summary>
        public async Task WorkUntilAsync(int answers, Func<Task> kill)
        {
            var goal = _answers + answers;
            using var stop = new CancellationTokenSource();
            var workers = Enumerable.Range(0, 8).Select(_ => Task.Run(() => WorkAsync(stop.Token))).ToList();
            while (Volatile.Read(ref _answers) < goal) await Task.Yield();
            await kill();
            await stop.CancelAsync();
            await Task.WhenAll(workers);
        }

        /// <summary>Lets one client work until the server cannot keep what it would have to answer.</summary>
        public async Task WorkUntilUnavailableAsync()
        {
            for (var signIns = 0; signIns < 2000; signIns++)
            {
                await SignInOnceAsync();
                if (_codes.Values.Concat(_refreshTokens.Values).Any(told => told.Any(answer => answer.IsUnavailable))) return;
            }
            Assert.Fail("The limit was never reached.");
        }

        /// <summary>
        /// Asks for everything once more, and checks: a code and a refresh token each gave tokens at most once (I1, I2), what was revoked
        /// is dead (I3), nothing works for another client (I4), nothing used works again (I5), and what was handed out and not used yet is
        /// good.
        /// </summary>
        public async Task CheckAsync(RegisteredClient other)
        {
            foreach (var token in _revoked) (await RefreshAsync(token)).Error.ShouldBe("invalid_grant", "I3: revoked before the kill");
            foreach (var token in _refreshTokens.Keys.Take(20))
                (await PostAsync(new() { ["grant_type"] = "refresh_token", ["client_id"] = other.Id, ["refresh_token"] = token }))!.Error.ShouldBe("invalid_grant", "I4");
            foreach (var token in _current.Keys) (await RefreshAsync(token)).IsGood.ShouldBeTrue("a token that was handed out before the kill is good after it");
            // Those without an answer first: a used one, coming back, ends its grant.
            foreach (var (token, told) in _refreshTokens.OrderBy(entry => entry.Value.Any(answer => answer.IsGood)))
            {
                var wasUsed = told.Any(answer => answer.IsGood);
                var again = await RefreshAsync(token);
                if (wasUsed) again.Error.ShouldBe("invalid_grant", "I5: rotated before the kill");
                else if (told.Any(answer => answer.IsUnavailable)) again.IsGood.ShouldBeTrue("a refresh that could not be kept was lost for nobody");
            }
            foreach (var (code, told) in _codes)
            {
                var wasUsed = told.Any(answer => answer.IsGood);
                var again = await RedeemAsync(code);
                if (wasUsed) again.Error.ShouldBe("invalid_grant", "I5: redeemed before the kill");
                else if (told.Any(answer => answer.IsUnavailable)) again.IsGood.ShouldBeTrue("nor was a code");
            }
            _codes.Values.ShouldAllBe(told => told.Count(answer => answer.IsGood) <= 1, "I1");
            _refreshTokens.Values.ShouldAllBe(told => told.Count(answer => answer.IsGood) <= 1, "I2");
            _codes.Values.SelectMany(told => told).Concat(_refreshTokens.Values.SelectMany(told => told)).ShouldAllBe(answer => answer.IsGood || answer.Error == "invalid_grant" || (MayBeUnavailable && answer.IsUnavailable));
            _revoked.Clear();
            _current.Clear();
            _refreshTokens.Clear();
            _codes.Clear();
        }

        public void Dispose()
        {
            _browser.Dispose();
            foreach (var program in _programs) program.Dispose();
        }

        private HttpClient Program() => _programs[(uint)Interlocked.Increment(ref _turn) % _programs.Length];

        private async Task WorkAsync(CancellationToken stop)
        {
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    await SignInOnceAsync();
                }
                catch (Exception exception) when (exception is HttpRequestException or IOException)
                {
                    // The server is gone. What it did with the request, nobody knows; the check asks again.
                }
            }
        }

        private async Task SignInOnceAsync()
        {
            var verifier = CodeVerifier.New();
            var response = await _browser.GetAsync(new Uri(AuthorizeAddress(verifier)));
            if (!IsAnswer(response)) return;
            Parameters.TryParse(response.Headers.Location!.Query.AsSpan(1), out var answer, out _).ShouldBeTrue();
            var code = answer!["code"]!;
            _exchanges[code] = new()
            {
                ["grant_type"] = "authorization_code",
                ["client_id"] = client.Id,
                ["code"] = code,
                ["redirect_uri"] = RedirectUri,
                ["code_verifier"] = verifier.Reveal(),
            };
            _codes[code] = [];
            var token = (await RedeemAsync(code)).RefreshToken;
            for (var refresh = 0; refresh < 3 && token is not null; refresh++) token = (await RefreshAsync(token)).RefreshToken;
            if (token is null || Secret.NewBytes(1)[0] % 2 == 0) return;
            _current.TryRemove(token, out _);
            using var form = new FormUrlEncodedContent([new("client_id", client.Id), new("token", token)]);
            using var revoked = await Program().PostAsync(new Uri(issuer + "/revoke"), form);
            if (revoked.StatusCode == HttpStatusCode.OK) _revoked.Enqueue(token);
            Interlocked.Increment(ref _answers);
        }

        private async Task<Answer> RedeemAsync(string code)
        {
            var answer = await PostAsync(_exchanges[code]);
            _codes[code].Enqueue(answer);
            return answer;
        }

        private async Task<Answer> RefreshAsync(string token)
        {
            _current.TryRemove(token, out _);
            var told = _refreshTokens.GetOrAdd(token, _ => []);
            var answer = await PostAsync(new() { ["grant_type"] = "refresh_token", ["client_id"] = client.Id, ["refresh_token"] = token });
            told.Enqueue(answer);
            return answer;
        }

        private async Task<Answer> PostAsync(Dictionary<string, string> fields)
        {
            using var form = new FormUrlEncodedContent(fields);
            using var response = await Program().PostAsync(new Uri(issuer + "/token"), form);
            using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
            Interlocked.Increment(ref _answers);
            var answer = new Answer(response.StatusCode == HttpStatusCode.OK, Text(body, "error"), Text(body, "refresh_token"));
            if (answer.RefreshToken is not null) _current[answer.RefreshToken] = true;
            return answer;
        }

        private static string? Text(JsonDocument body, string name) => body.RootElement.TryGetProperty(name, out var value) ? value.GetString() : null;

        private static bool IsAnswer(HttpResponseMessage response) => response.Headers.Location is { IsAbsoluteUri: true } location && location.OriginalString.StartsWith(RedirectUri, StringComparison.Ordinal);

        private string AuthorizeAddress(CodeVerifier verifier) => $"{issuer}/authorize?" + Parameters.Of(
            new("response_type", "code"), new("client_id", client.Id), new("redirect_uri", RedirectUri), new("scope", "openid offline_access"),
            new("code_challenge", verifier.Challenge.ToString()), new("code_challenge_method", "S256")).ToQuery();

        private sealed record Answer(bool IsGood, string? Error, string? RefreshToken)
        {
            public bool IsUnavailable => Error == "temporarily_unavailable";
        }
    }
}
