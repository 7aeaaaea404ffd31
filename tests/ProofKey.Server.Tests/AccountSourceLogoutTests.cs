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

/// <summary>Signing out where the people are an app's own: if it knows how, and not else.</summary>
public sealed class AccountSourceLogoutTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("proofkey-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_source_that_signs_nobody_out_gets_no_endpoint_and_offers_none()
    {
        await using var app = await StartAsync(new AppPeople(signsOut: false));
        using var http = Client(app);
        (await http.GetAsync(new Uri("/logout", UriKind.Relative), TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        var offered = await OfferedAsync(http);
        offered.ShouldNotContain("end_session_endpoint");
        offered.ShouldNotContain(name => name.StartsWith("backchannel", StringComparison.Ordinal));
    }

    [Fact]
    [Assertion("LO-01")]
    public async Task A_source_that_does_is_told_whom_to_sign_out()
    {
        var people = new AppPeople(signsOut: true);
        await using var app = await StartAsync(people);
        using var http = Client(app);
        (await OfferedAsync(http)).ShouldContain("end_session_endpoint");
        var client = (await app.Services.GetRequiredService<Registry>().AddClientAsync(
            new ClientRegistration { Name = "App", IsPublic = true, IsFirstParty = true, RedirectUris = ["https://app.example/callback"], PostLogoutRedirectUris = ["https://app.example/bye"] })).Client;
        var idToken = await IdTokenAsync(http, client);
        var left = await http.GetAsync(new Uri($"/logout?id_token_hint={idToken}&post_logout_redirect_uri=https%3A%2F%2Fapp.example%2Fbye", UriKind.Relative), TestContext.Current.CancellationToken);
        left.Headers.Location!.OriginalString.ShouldBe("https://app.example/bye");
        people.SignedOut.ShouldBe(["employee-7"]);
        people.SignedIn.ShouldBeFalse();
    }

    private async Task<WebApplication> StartAsync(AppPeople people)
    {
        var settings = new ServeSettings { Data = DataFolder.Open(_folder), Urls = ["http://127.0.0.1:0"], Issuer = "http://127.0.0.1:1", Time = new ManualTime { RunsTimers = false } };
        var app = ServerHost.Build(settings, builder =>
        {
            builder.Logging.ClearProviders();
            builder.Services.AddSingleton<AccountSource>(people);
        });
        await app.StartAsync();
        return app;
    }

    private static HttpClient Client(WebApplication app) => new(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(app.Urls.Single()) };

    private static async Task<List<string>> OfferedAsync(HttpClient http)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(http.BaseAddress!, "/.well-known/openid-configuration"));
        return [.. (await TokenCalls.SendAsync(request)).Body.EnumerateObject().Select(member => member.Name)];
    }

    private static async Task<string> IdTokenAsync(HttpClient http, RegisteredClient client)
    {
        var verifier = CodeVerifier.New();
        var answer = Person.AnswerOf(await http.GetAsync(
            new Uri($"/authorize?response_type=code&client_id={client.Id}&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback&scope=openid&code_challenge={verifier.Challenge}&code_challenge_method=S256", UriKind.Relative),
            TestContext.Current.CancellationToken));
        var form = new Dictionary<string, string> { ["grant_type"] = "authorization_code", ["client_id"] = client.Id, ["code"] = answer["code"], ["code_verifier"] = verifier.Reveal(), ["redirect_uri"] = "https://app.example/callback" };
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(http.BaseAddress!, "/token")) { Content = new FormUrlEncodedContent(form) };
        var tokens = await TokenCalls.SendAsync(request);
        tokens.Body.ValueKind.ShouldBe(JsonValueKind.Object);
        return tokens.Text("id_token");
    }

    private sealed class AppPeople(bool signsOut) : AccountSource
    {
        public bool SignedIn { get; private set; } = true;

        public List<string> SignedOut { get; } = [];

        public override bool SignsOut => signsOut;

        public override ValueTask<SignedInAccount?> FindSignedInAsync(HttpContext context, CancellationToken cancellation) =>
            ValueTask.FromResult(SignedIn ? new SignedInAccount("employee-7", "Employee Seven", 3, DateTimeOffset.UnixEpoch, "pwd", DateTimeOffset.MaxValue) : null);

        public override string SignInAddress(string returnTo) => "/login";

        public override ValueTask<bool> StandsAsync(string subject, long epoch, CancellationToken cancellation) => ValueTask.FromResult(SignedIn);

        public override ValueTask<JsonObject> ClaimsAsync(string subject, Scope scope, CancellationToken cancellation) => ValueTask.FromResult(new JsonObject());

        public override ValueTask SignOutAsync(HttpContext context, IReadOnlyList<SignedInAccount> accounts, CancellationToken cancellation)
        {
            SignedOut.AddRange(accounts.Select(account => account.Subject));
            SignedIn = false;
            return ValueTask.CompletedTask;
        }
    }
}
