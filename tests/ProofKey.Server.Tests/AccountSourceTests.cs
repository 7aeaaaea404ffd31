using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ProofKey.Cli.Hosting;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>The people of an app, instead of ProofKey's own accounts.</summary>
public sealed class AccountSourceTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("proofkey-test-").FullName;
    private readonly ManualTime _time = new() { RunsTimers = false };
    private readonly AppAccounts _people;
    private WebApplication _app = null!;
    private RegisteredClient _client = null!;
    private HttpClient _http = null!;

    public AccountSourceTests() => _people = new AppAccounts(_time);

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
    public async Task Nobody_signed_in_is_sent_to_the_page_of_the_app_with_the_way_back()
    {
        var answer = await AuthorizeAsync(CodeVerifier.New());
        answer.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        answer.Headers.Location!.OriginalString.ShouldStartWith("/login?returnTo=%2Fauthorize%3F");
    }

    [Fact]
    public async Task People_of_the_app_get_tokens_as_long_as_they_stand()
    {
        _people.SignedIn = "employee-7";
        var tokens = await SignInAsync();
        (await UserinfoAsync(tokens)).Text("name").ShouldBe("Employee Seven");
        var refreshed = await RefreshAsync(tokens);
        refreshed.Status.ShouldBe(HttpStatusCode.OK);

        _people.Stand = false;
        _time.Advance(TimeSpan.FromSeconds(11));
        (await RefreshAsync(refreshed)).Error.ShouldBe("invalid_grant");
        (await UserinfoAsync(refreshed)).Status.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    [Assertion("TK-21")]
    public async Task A_source_that_fails_costs_nobody_their_session_and_shows_nothing_of_itself()
    {
        _people.SignedIn = "employee-7";
        var tokens = await SignInAsync();
        _people.Fails = true;
        var refused = await RefreshAsync(tokens);
        refused.Status.ShouldBe(HttpStatusCode.InternalServerError);
        refused.Error.ShouldBe("server_error");
        refused.Body.ToString().ShouldNotContain("directory");
        (await (await AuthorizeAsync(CodeVerifier.New())).Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).ShouldNotContain("directory");

        _people.Fails = false;
        (await RefreshAsync(tokens)).Status.ShouldBe(HttpStatusCode.OK, "nothing had moved");
    }

    [Fact]
    [Assertion("DV-10")]
    public async Task People_of_the_app_let_devices_in_as_long_as_they_stand()
    {
        var cancellation = TestContext.Current.CancellationToken;
        (await _http.GetAsync("/device?user_code=wdjbmjht", cancellation)).Headers.Location!.OriginalString.ShouldBe("/login?returnTo=%2Fdevice%3Fuser_code%3DWDJB-MJHT");
        _people.SignedIn = "employee-7";
        var client = (await _app.Services.GetRequiredService<Registry>().AddClientAsync(new ClientRegistration { Name = "Screen", IsPublic = true, RedirectUris = [], UsesDevices = true })).Client;
        async Task<JsonAnswer> SendAsync(string path, params (string Name, string Value)[] fields)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_http.BaseAddress!, path)) { Content = new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value))) };
            return await TokenCalls.SendAsync(request);
        }

        async Task<HttpResponseMessage> SubmitAsync(HttpResponseMessage page, (string, string) field)
        {
            var form = await Person.FormOf(page);
            using var content = new FormUrlEncodedContent(form.With(field));
            var moved = await _http.PostAsync(form.Action, content, cancellation);
            return await _http.GetAsync(moved.Headers.Location, cancellation);
        }

        var device = new AskingDevice(client, await SendAsync("/device_authorization", ("client_id", client.Id), ("scope", "openid profile")));
        var done = await SubmitAsync(await SubmitAsync(await _http.GetAsync("/device", cancellation), ("user_code", device.UserCode)), ("decision", "allow"));
        (await done.PageAsync()).QuerySelector("h1")!.TextContent.ShouldBe("Device connected");
        Task<JsonAnswer> PollAsync() => SendAsync("/token", [.. device.Poll().Select(field => (field.Key, field.Value))]);

        _people.Stand = false;
        (await PollAsync()).Error.ShouldBe("invalid_grant");
        _people.Stand = true;
        _people.Fails = true;
        (await PollAsync()).Error.ShouldBe("server_error");
        _people.Fails = false;
        (await UserinfoAsync(await PollAsync())).Text("name").ShouldBe("Employee Seven", "a source that fails costs the device nothing");
    }

    [Fact]
    [Assertion("RS-13")]
    [Rfc("RFC 9068", "5")]
    [Rfc("RFC 9700", "4.15")]
    public async Task A_person_whose_subject_is_a_clients_id_gets_no_tokens_and_cannot_pass_for_the_client()
    {
        _people.SignedIn = _client.Id;
        var verifier = CodeVerifier.New();
        var answer = Person.AnswerOf(await AuthorizeAsync(verifier));
        (await PostAsync(new() { ["grant_type"] = "authorization_code", ["code"] = answer["code"], ["code_verifier"] = verifier.Reveal() })).Error.ShouldBe("invalid_grant");
    }

    [Theory]
    [InlineData("")]
    [InlineData("with space")]
    [InlineData("12345678901234567890123456789012345678901234567890123456789012345")]
    public void A_subject_that_no_code_can_hold_is_refused_where_it_comes_in(string subject) =>
        Should.Throw<ArgumentException>(() => new SignedInAccount(subject, "Name", 1, _time.Now, "pwd", _time.Now));

    private async Task<HttpResponseMessage> AuthorizeAsync(CodeVerifier verifier) => await _http.GetAsync(
        new Uri($"/authorize?response_type=code&client_id={_client.Id}&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback&scope=openid%20profile%20offline_access&code_challenge={verifier.Challenge}&code_challenge_method=S256", UriKind.Relative),
        TestContext.Current.CancellationToken);

    private async Task<JsonAnswer> SignInAsync()
    {
        var verifier = CodeVerifier.New();
        var answer = Person.AnswerOf(await AuthorizeAsync(verifier));
        var tokens = await PostAsync(new() { ["grant_type"] = "authorization_code", ["code"] = answer["code"], ["code_verifier"] = verifier.Reveal() });
        tokens.Status.ShouldBe(HttpStatusCode.OK, tokens.Body.ToString());
        return tokens;
    }

    private Task<JsonAnswer> RefreshAsync(JsonAnswer tokens) => PostAsync(new() { ["grant_type"] = "refresh_token", ["refresh_token"] = tokens.Text("refresh_token") });

    private async Task<JsonAnswer> PostAsync(Dictionary<string, string> form)
    {
        form["client_id"] = _client.Id;
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_http.BaseAddress!, "/token")) { Content = new FormUrlEncodedContent(form) };
        return await TokenCalls.SendAsync(request);
    }

    private async Task<JsonAnswer> UserinfoAsync(JsonAnswer tokens)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_http.BaseAddress!, "/userinfo"));
        request.Headers.Add("Authorization", $"Bearer {tokens.Text("access_token")}");
        return await TokenCalls.SendAsync(request);
    }

    private sealed class AppAccounts(ManualTime time) : AccountSource
    {
        public string? SignedIn { get; set; }

        public bool Stand { get; set; } = true;

        public bool Fails { get; set; }

        public override ValueTask<SignedInAccount?> FindSignedInAsync(HttpContext context, CancellationToken cancellation)
        {
            FailIfAsked();
            return ValueTask.FromResult(SignedIn is null ? null : new SignedInAccount(SignedIn, "Employee Seven", 3, time.Now, "pwd", time.Now + TimeSpan.FromHours(8)));
        }

        public override string SignInAddress(string returnTo) => $"/login?returnTo={Uri.EscapeDataString(returnTo)}";

        public override ValueTask<bool> StandsAsync(string subject, long epoch, CancellationToken cancellation)
        {
            FailIfAsked();
            return ValueTask.FromResult(Stand && subject == "employee-7" && epoch == 3);
        }

        public override ValueTask<JsonObject> ClaimsAsync(string subject, Scope scope, CancellationToken cancellation) => ValueTask.FromResult(new JsonObject { ["name"] = "Employee Seven" });

        private void FailIfAsked()
        {
            if (Fails) throw new InvalidOperationException("The directory of the app is away.");
        }
    }
}
