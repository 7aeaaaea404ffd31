using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ProofKey.Cli.Hosting;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>How a client asks for a better sign-in, at a source of people that knows two ways: by password, and by password and key.</summary>
public sealed class StepUpTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("proofkey-test-").FullName;
    private readonly ManualTime _time = new() { RunsTimers = false };
    private readonly TwoWays _people;
    private WebApplication _app = null!;
    private RegisteredClient _client = null!;
    private HttpClient _http = null!;

    public StepUpTests() => _people = new TwoWays(_time);

    public async ValueTask InitializeAsync()
    {
        var settings = new ServeSettings { Data = DataFolder.Open(_folder), Urls = ["http://127.0.0.1:0"], Issuer = "http://127.0.0.1:1", Time = _time };
        _app = ServerHost.Build(settings, builder =>
        {
            builder.Logging.ClearProviders();
            builder.Services.AddSingleton<AccountSource>(_people);
        });
        await _app.StartAsync();
        _client = (await _app.Services.GetRequiredService<Registry>().AddClientAsync(
            new ClientRegistration { Name = "App", IsPublic = true, IsFirstParty = true, RedirectUris = ["https://app.example/callback"] })).Client;
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(_app.Urls.Single()) };
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    [Rfc("RFC 9470", "4")]
    [Rfc("RFC 9470", "5")]
    [Rfc("RFC 9470", "6")]
    [Rfc("RFC 9068", "2.2.1")]
    public async Task The_missing_step_is_asked_for_once_and_the_tokens_say_what_happened()
    {
        var metadata = await _http.GetStringAsync(new Uri("/.well-known/oauth-authorization-server", UriKind.Relative), TestContext.Current.CancellationToken);
        JsonDocument.Parse(metadata).RootElement.GetProperty("acr_values_supported").EnumerateArray().Select(value => value.GetString()).ShouldBe(["silver", "gold"]);

        _people.SignIn("silver", "pwd");
        var before = _time.Now;
        _time.Advance(TimeSpan.FromMinutes(5));
        await ShouldCarryAsync(await AuthorizeAsync("&acr_values=silver%20gold"), "silver", ["pwd"], before);

        var toSignIn = await AuthorizeAsync("&acr_values=gold");
        toSignIn.Answer.Headers.Location!.OriginalString.ShouldStartWith("/login?returnTo=");
        Uri.UnescapeDataString(toSignIn.Answer.Headers.Location.OriginalString).ShouldContain("acr_values=gold", customMessage: "the source of people can read there what is wanted");
        _people.SignIn("gold", "pwd hwk");
        await ShouldCarryAsync(await ReturnAsync(toSignIn), "gold", ["pwd", "hwk"], _time.Now);
        await ShouldCarryAsync(await AuthorizeAsync("&acr_values=gold"), "gold", ["pwd", "hwk"], _time.Now);
    }

    [Fact]
    [Assertion("OI-04")]
    [Rfc("RFC 9470", "5")]
    public async Task Whoever_comes_back_without_the_wish_fulfilled_is_let_through_with_what_they_have()
    {
        _people.SignIn("silver", "pwd");
        _time.Advance(TimeSpan.FromMinutes(5));
        var toSignIn = await AuthorizeAsync("&acr_values=gold");
        (await ReturnAsync(toSignIn)).Answer.Headers.Location!.OriginalString.ShouldStartWith("/login?returnTo=", customMessage: "nobody signed in yet");
        _people.SignIn("silver", "pwd");
        await ShouldCarryAsync(await ReturnAsync(toSignIn), "silver", ["pwd"], _time.Now);
    }

    [Theory]
    [InlineData("platinum")]
    [InlineData("GOLD")]
    [InlineData("%3Cscript%3E%20%F0%9F%94%91")]
    [Assertion("OI-10")]
    public async Task A_wish_that_nobody_can_fulfil_asks_nobody_for_anything(string wish)
    {
        _people.SignIn("silver", "pwd");
        var at = _time.Now;
        _time.Advance(TimeSpan.FromMinutes(5));
        await ShouldCarryAsync(await AuthorizeAsync($"&acr_values={wish}"), "silver", ["pwd"], at);
        await ShouldCarryAsync(await AuthorizeAsync($"&acr_values={wish}&prompt=none"), "silver", ["pwd"], at);
    }

    [Fact]
    [Assertion("OI-03")]
    public async Task A_silent_request_for_a_better_sign_in_is_told_that_one_is_needed()
    {
        _people.SignIn("silver", "pwd");
        Person.AnswerOf((await AuthorizeAsync("&acr_values=gold&prompt=none")).Answer)["error"].ShouldBe("login_required");
    }

    [Theory]
    [InlineData("")]
    [InlineData("with space")]
    [InlineData("123456789012345678901234567890123")]
    public void A_name_that_no_code_can_hold_is_refused_where_it_comes_in(string acr) =>
        Should.Throw<ArgumentException>(() => new SignedInAccount("s", "Name", 1, _time.Now, "pwd", _time.Now) { Acr = acr });

    private async Task ShouldCarryAsync((HttpResponseMessage Answer, CodeVerifier Verifier) authorized, string acr, string[] amr, DateTimeOffset authTime)
    {
        var code = Person.AnswerOf(authorized.Answer)["code"];
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_http.BaseAddress!, "/token"))
        {
            Content = new FormUrlEncodedContent(new Dictionary<string, string>
            {
                ["grant_type"] = "authorization_code",
                ["code"] = code,
                ["code_verifier"] = authorized.Verifier.Reveal(),
                ["client_id"] = _client.Id,
            }),
        };
        var tokens = await TokenCalls.SendAsync(request);
        tokens.Status.ShouldBe(HttpStatusCode.OK, tokens.Body.ToString());
        foreach (var name in (string[])["id_token", "access_token"])
        {
            Base64UrlText.TryDecode(tokens.Text(name).Split('.')[1], out var payload).ShouldBeTrue();
            var claims = JsonDocument.Parse(payload!).RootElement;
            claims.GetProperty("acr").GetString().ShouldBe(acr, name);
            claims.GetProperty("amr").EnumerateArray().Select(value => value.GetString()).ShouldBe(amr, name);
            claims.GetProperty("auth_time").GetInt64().ShouldBe(authTime.ToUnixTimeSeconds(), name);
        }
    }

    private async Task<(HttpResponseMessage Answer, CodeVerifier Verifier)> AuthorizeAsync(string more)
    {
        var verifier = CodeVerifier.New();
        return (await GetAsync($"/authorize?response_type=code&client_id={_client.Id}&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback&scope=openid&code_challenge={verifier.Challenge}&code_challenge_method=S256{more}"), verifier);
    }

    private async Task<(HttpResponseMessage Answer, CodeVerifier Verifier)> ReturnAsync((HttpResponseMessage Answer, CodeVerifier Verifier) sent) =>
        (await GetAsync(Uri.UnescapeDataString(sent.Answer.Headers.Location!.OriginalString["/login?returnTo=".Length..])), sent.Verifier);

    private Task<HttpResponseMessage> GetAsync(string address) => _http.GetAsync(new Uri(address, UriKind.Relative), TestContext.Current.CancellationToken);

    private sealed class TwoWays(ManualTime time) : AccountSource
    {
        private SignedInAccount? _account;

        public override IReadOnlyList<string> AcrValuesSupported => ["silver", "gold"];

        public void SignIn(string acr, string amr) => _account = new SignedInAccount("employee-7", "Employee Seven", 3, time.Now, amr, time.Now + TimeSpan.FromHours(8)) { Acr = acr };

        public override ValueTask<SignedInAccount?> FindSignedInAsync(HttpContext context, CancellationToken cancellation) => ValueTask.FromResult(_account);

        public override string SignInAddress(string returnTo) => $"/login?returnTo={Uri.EscapeDataString(returnTo)}";

        public override ValueTask<bool> StandsAsync(string subject, long epoch, CancellationToken cancellation) => ValueTask.FromResult(true);

        public override ValueTask<JsonObject> ClaimsAsync(string subject, Scope scope, CancellationToken cancellation) => ValueTask.FromResult(new JsonObject());
    }
}
