using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ProofKey.ResourceServer;

namespace EndToEnd;

/// <summary>An API as a user of ProofKey.ResourceServer would write it, on a real socket.</summary>
public sealed class DemoApi : IAsyncDisposable
{
    /// <summary>What a token for this API has as its audience: a name, not the address of the day.</summary>
    public const string Audience = "https://orders.example";

    private readonly WebApplication _app;

    private DemoApi(WebApplication app) => _app = app;

    /// <summary>The address that a token for <see cref="Audience"/> with the scope <c>profile</c> opens.</summary>
    public Uri Orders => new($"{_app.Urls.Single()}/orders");

    /// <param name="issuer">Whose tokens it accepts.</param>
    /// <param name="pageOrigin">The origin whose scripts may read its answers, if any.</param>
    public static async Task<DemoApi> StartAsync(string issuer, string? pageOrigin = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Trace).AddProvider(new WitnessLog());
        builder.Services.AddProofKey(issuer, Audience);
        builder.Services.AddCors();

        var app = builder.Build();
        if (pageOrigin is not null)
            app.UseCors(policy => policy.WithOrigins(pageOrigin).WithHeaders("Authorization"));
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapGet("/orders", () => TypedResults.Text("two orders")).RequireScope("profile");
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new DemoApi(app);
    }

    /// <summary>Calls the API with a token.</summary>
    /// <returns>The status of its answer.</returns>
    public Task<int> StatusForAsync(string token, CancellationToken cancellation) => StatusForAsync("Bearer", token, null, cancellation);

    /// <summary>Calls the API with a token in one scheme or the other, and a proof.</summary>
    /// <returns>The status of its answer.</returns>
    public async Task<int> StatusForAsync(string scheme, string token, string? proof, CancellationToken cancellation)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, Orders) { Headers = { Authorization = new AuthenticationHeaderValue(scheme, token) } };
        if (proof is not null) request.Headers.Add("DPoP", proof);
        using var answer = await http.SendAsync(request, cancellation);
        return (int)answer.StatusCode;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
