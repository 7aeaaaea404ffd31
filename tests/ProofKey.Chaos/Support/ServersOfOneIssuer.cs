using System.Net.Http.Headers;
using ProofKey.Jose;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;

namespace ProofKey.Chaos.Support;

/// <summary>What a server used a key for.</summary>
/// <param name="Server">Its number.</param>
/// <param name="At">When, on the clock between them.</param>
/// <param name="Key">The key's id.</param>
/// <param name="Seals">Whether it sealed a code, and did not sign a token.</param>
internal sealed record KeyUse(int Server, DateTimeOffset At, string Key, bool Seals);

/// <summary>
/// Three servers over one PostgreSQL, in this process, on clocks that a test moves and that differ by seconds. Each reads the keys again when time was
/// moved, as its timer has it do, and in between everything is tried across all of them.
/// </summary>
internal sealed class ServersOfOneIssuer : IAsyncDisposable
{
    private static readonly int[] SecondsOff = [0, 3, -3];

    private readonly HttpClient _http = LoopbackProgram.From("127.0.0.1");
    private readonly List<KeyUse> _seen = [];
    private readonly List<(DateTimeOffset At, List<JwkSet> Keys)> _published = [];
    private readonly ShiftedTime _time = new();
    private readonly ShiftedTime[] _clocks = [.. SecondsOff.Select(seconds => new ShiftedTime { Shift = TimeSpan.FromSeconds(seconds) })];
    private readonly List<HostedServer> _servers = [];
    private readonly Dice _dice;
    private ServerData _data = null!;

    private ServersOfOneIssuer(Dice dice) => _dice = dice;

    public Operator Operator { get; private set; } = null!;

    /// <summary>Every use of a key, in order.</summary>
    public IReadOnlyList<KeyUse> Seen => _seen;

    public static async Task<ServersOfOneIssuer> StartAsync(Dice dice)
    {
        var self = new ServersOfOneIssuer(dice) { _data = await ServerData.NewAsync("PostgreSQL") };
        self.Operator = await Operator.OpenAsync(self._data.Open(), self._time);
        foreach (var clock in self._clocks) self._servers.Add(await HostedServer.StartAsync(self._data.Open(), clock, issuer: self._servers.FirstOrDefault()?.Address));
        await self.FetchAsync();
        return self;
    }

    /// <summary>Moves all clocks to a moment. Whoever fetched the public keys an hour before that, at any server, can check all that is signed then.</summary>
    public async Task MoveToAsync(DateTimeOffset moment)
    {
        var step = moment - _time.GetUtcNow();
        foreach (var clock in _clocks.Append(_time)) clock.Shift += step;
        var known = _published.Last(fetched => fetched == _published[0] || fetched.At <= moment.AddHours(-1)).Keys;
        // The others have not read yet: whatever the first one finds or makes, it must not need them.
        foreach (var (number, server) in _servers.Index().OrderBy(_ => _dice.Below(1000)))
        {
            await server.Of<KeyRing>().LoadAsync(TestContext.Current.CancellationToken);
            await SignInAsync(number, known);
        }
        await FetchAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        foreach (var server in _servers) await server.DisposeAsync();
        await Operator.DisposeAsync();
        _data.Dispose();
    }

    private async Task FetchAsync()
    {
        var published = new List<JwkSet>();
        foreach (var server in _servers)
        {
            JwkSet.TryParse(await _http.GetByteArrayAsync(new Uri(server.Address + "/jwks")), out var keys, out var problem).ShouldBeTrue(problem);
            published.Add(keys!);
        }
        _published.Add((_time.GetUtcNow(), published));
    }

    // One gives the code, the next redeems it, a third refreshes, and all take the tokens.
    private async Task SignInAsync(int first, List<JwkSet> known)
    {
        var (second, third) = ((first + 1) % _servers.Count, (first + 2) % _servers.Count);
        var verifier = CodeVerifier.New();
        var code = await CodeAsync(first, verifier);
        var redeemed = await TokensAsync(second, new()
        {
            ["grant_type"] = "authorization_code",
            ["code"] = code,
            ["redirect_uri"] = Operator.RedirectUri,
            ["code_verifier"] = verifier.Reveal(),
        }, known);
        await TokensAsync(third, new() { ["grant_type"] = "refresh_token", ["refresh_token"] = redeemed.RefreshToken! }, known);
    }

    private async Task<string> CodeAsync(int number, CodeVerifier verifier)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _servers[number].Address + "/authorize?" + Parameters.Of(
            new("response_type", "code"), new("client_id", Operator.Client.Id), new("redirect_uri", Operator.RedirectUri), new("scope", "openid"),
            new("code_challenge", verifier.Challenge.ToString()), new("code_challenge_method", "S256")).ToQuery());
        request.Headers.Add("Cookie", (await Operator.NewPersonAsync()).Cookie);
        using var response = await _http.SendAsync(request);
        Parameters.TryParse(response.Headers.Location!.Query.AsSpan(1), out var parameters, out _).ShouldBeTrue();
        var code = parameters!["code"].ShouldNotBeNull();
        Base64UrlText.TryDecode(code.AsSpan(AuthorizationCode.Prefix.Length), out var value).ShouldBeTrue();
        _seen.Add(new(number, _time.GetUtcNow(), Convert.ToHexStringLower(SealingKey.KeyIdOf(value)), true));
        return code;
    }

    private async Task<Answer> TokensAsync(int number, Dictionary<string, string> fields, List<JwkSet> known)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _servers[number].Address + "/token") { Content = new FormUrlEncodedContent(fields.Append(new("client_id", Operator.Client.Id))) };
        var answer = await Answer.ToAsync(_http, request);
        Rounds.Count();
        answer.IsGood.ShouldBeTrue($"server {number}: {answer}");
        Jws.TryRead(answer.AccessToken, out var token, out _).ShouldBeTrue();
        _seen.Add(new(number, _time.GetUtcNow(), token!.KeyId!, false));
        for (var other = 0; other < _servers.Count; other++)
        {
            var checkedToken = Jwt.Verify(answer.AccessToken, known[other], new() { Issuer = _servers[0].Address }, _clocks[other].GetUtcNow());
            checkedToken.Token.ShouldNotBeNull($"signed by server {number}, with a key that server {other} did not publish before: {checkedToken.Problem}");
            using var asked = new HttpRequestMessage(HttpMethod.Get, _servers[other].Address + "/userinfo");
            asked.Headers.Authorization = new AuthenticationHeaderValue("Bearer", answer.AccessToken);
            (await Answer.ToAsync(_http, asked)).IsGood.ShouldBeTrue($"signed by server {number}, refused by server {other}");
        }
        return answer;
    }
}
