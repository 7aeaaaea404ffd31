using System.Globalization;
using System.Net;
using System.Security.Claims;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using ProofKey;
using ProofKey.Server;
using ProofKey.Server.Storage;

namespace Tidy.Examples;

/// <summary>The examples of docs/server-in-an-app.md.</summary>
internal static class ServerInAnApp
{
    public static void Start(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.Services.AddProofKeyServer(options =>
        {
            options.IssuerAddress = "https://login.example.com";
            options.DataSource = SqliteFactory.Instance.CreateDataSource("Data Source=/var/lib/my-app/proofkey.db;Pooling=False;Default Timeout=5");
            options.RootKey = Convert.FromHexString(builder.Configuration["RootKey"] ?? "");
            options.SessionLifetime = TimeSpan.FromHours(10);       // see "Lifetimes and limits"
        });
        var app = builder.Build();
        app.MapProofKeyServer();          // the protocol
        app.MapProofKeyAccounts();        // the pages of ProofKey's own accounts
        app.Run();
    }

    public static void PostgreSql(WebApplicationBuilder builder)
    {
        const string ours = "Maximum Pool Size=30;Max Auto Prepare=200;Auto Prepare Min Usages=2;No Reset On Close=true;Timeout=5;Command Timeout=15;Cancellation Timeout=-1;Tcp Keepalive=true;";
        const string patience = "set statement_timeout = '10s'; set lock_timeout = '5s'; set idle_in_transaction_session_timeout = '10s'; set default_transaction_isolation = 'read committed'";

        builder.Services.AddProofKeyServer(options =>
        {
            options.IssuerAddress = "https://login.example.com";
            options.RootKey = Convert.FromHexString(builder.Configuration["RootKey"] ?? "");
            var source = new NpgsqlDataSourceBuilder(ours + builder.Configuration.GetConnectionString("ProofKey"));
            source.UsePhysicalConnectionInitializer(
                connection =>
                {
                    using var command = new NpgsqlCommand(patience, connection);
                    command.ExecuteNonQuery();
                },
                async connection =>
                {
                    await using var command = new NpgsqlCommand(patience, connection);
                    await command.ExecuteNonQueryAsync();
                });
            options.DataSource = source.Build();
            options.Dialect = DatabaseDialect.PostgreSql.WithSeparateStatements(batch => ((NpgsqlBatch)batch).EnableErrorBarriers = true);
        });
    }

    public static async Task FirstPersonAndClient(WebApplication app, string password, CancellationToken stop)
    {
        await app.StartAsync(stop);         // makes the tables
        var registry = app.Services.GetRequiredService<Registry>();
        if ((await registry.ListClientsAsync(stop)).Count == 0)
        {
            await registry.AddAccountAsync("alice", password, "alice@example.com", isAdmin: false);
            var added = await registry.AddClientAsync(new ClientRegistration { Name = "My app", IsPublic = true, RedirectUris = ["http://127.0.0.1/callback"] });
            Console.WriteLine(added.Client.Id);
        }
        await app.WaitForShutdownAsync(stop);
    }

    public static void OwnPeople(WebApplicationBuilder builder, Action<ServerOptions> options)
    {
        builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie(cookie =>
        {
            cookie.ExpireTimeSpan = TimeSpan.FromHours(12);
            cookie.SlidingExpiration = false;
        });
        builder.Services.AddSingleton<AccountSource, MyPeople>();       // before AddProofKeyServer
        builder.Services.AddProofKeyServer(options);
    }

    public static void Around(WebApplicationBuilder builder)
    {
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting", LogLevel.Warning);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 64 * 1024;
            kestrel.Limits.MaxRequestLineSize = 16 * 1024;
            kestrel.Limits.MaxRequestHeadersTotalSize = 32 * 1024;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
        });
        var app = builder.Build();
        var proxies = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto };
        proxies.KnownIPNetworks.Clear();
        proxies.KnownProxies.Clear();
        proxies.KnownProxies.Add(IPAddress.Parse("10.0.0.5"));
        app.UseForwardedHeaders(proxies);       // before all else
    }
}

internal sealed class MyPeople(Employees employees) : AccountSource
{
    public override async ValueTask<SignedInAccount?> FindSignedInAsync(HttpContext context, CancellationToken cancellation)
    {
        var cookie = await context.AuthenticateAsync(CookieAuthenticationDefaults.AuthenticationScheme);
        if (cookie is not { Principal: { } person, Properties.ExpiresUtc: { } end }) return null;
        var employee = await employees.FindAsync(person.FindFirstValue("sub")!, cancellation);
        if (employee is null || employee.IsDisabled || employee.Epoch != Number(person, "epoch")) return null;
        return new SignedInAccount(employee.Id, employee.Name, employee.Epoch, DateTimeOffset.FromUnixTimeMilliseconds(Number(person, "auth_time")), "pwd", end) { Email = employee.Email };
    }

    public override string SignInAddress(string returnTo) => $"/login?returnTo={Uri.EscapeDataString(returnTo)}";

    public override async ValueTask<bool> StandsAsync(string subject, long epoch, CancellationToken cancellation) =>
        await employees.FindAsync(subject, cancellation) is { IsDisabled: false } employee && employee.Epoch == epoch;

    public override async ValueTask<JsonObject> ClaimsAsync(string subject, Scope scope, CancellationToken cancellation)
    {
        var claims = new JsonObject();
        if (await employees.FindAsync(subject, cancellation) is not { } employee) return claims;
        if (scope.Contains(Scope.Profile)) claims["name"] = employee.Name;
        if (scope.Contains(Scope.Email)) claims["email"] = employee.Email;
        return claims;
    }

    /// <summary>Where the sign-in page of the app ends, once it has found out who that is.</summary>
    public static async Task<IResult> WelcomeAsync(HttpContext context, Employee employee, string returnTo, DateTimeOffset now)
    {
        Claim[] claims = [new("sub", employee.Id), new("epoch", Text(employee.Epoch)), new("auth_time", Text(now.ToUnixTimeMilliseconds()))];
        await context.SignInAsync(new ClaimsPrincipal(new ClaimsIdentity(claims, CookieAuthenticationDefaults.AuthenticationScheme)));
        return Results.LocalRedirect(returnTo);
    }

    private static long Number(ClaimsPrincipal person, string claim) => long.Parse(person.FindFirstValue(claim)!, CultureInfo.InvariantCulture);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}

internal sealed record Employee(string Id, string Name, string Email, long Epoch, bool IsDisabled);

/// <summary>The people of the app, wherever it keeps them.</summary>
internal sealed class Employees
{
    private readonly Dictionary<string, Employee> _all = [];

    public ValueTask<Employee?> FindAsync(string id, CancellationToken cancellation) => new(_all.GetValueOrDefault(id));
}
