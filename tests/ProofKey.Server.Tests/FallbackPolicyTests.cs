using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ProofKey.Cli.Hosting;

namespace ProofKey.Server.Tests;

/// <summary>The server inside an app whose routes let nobody in who has not signed in to the app.</summary>
public sealed class FallbackPolicyTests : IAsyncLifetime
{
    private const string SignInOfTheApp = "/Account/Login";

    private readonly string _folder = Directory.CreateTempSubdirectory("proofkey-test-").FullName;
    private WebApplication _app = null!;

    public async ValueTask InitializeAsync()
    {
        var settings = new ServeSettings { Data = DataFolder.Open(_folder), Urls = ["http://127.0.0.1:0"], Issuer = "http://127.0.0.1:1" };
        _app = ServerHost.Build(
            settings,
            builder =>
            {
                builder.Logging.ClearProviders();
                builder.Services.AddAuthentication("Cookies").AddCookie();
                builder.Services.AddAuthorization(options => options.FallbackPolicy = new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
            },
            app => app.MapGet("/orders", () => "three"));
        await _app.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task The_policy_holds_for_the_routes_of_the_app_and_for_none_of_ours()
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(_app.Urls.Single()) };
        var refused = new List<string>();
        foreach (var route in _app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>())
        {
            var method = route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods[0] ?? "PUT";
            using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(route.RoutePattern.RawText!, UriKind.Relative));
            using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
            if (answer.Headers.Location?.OriginalString.Contains(SignInOfTheApp, StringComparison.Ordinal) == true) refused.Add($"{method} {route.RoutePattern.RawText}");
        }
        refused.ShouldBe(["GET /orders"]);
    }
}
