using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using ProofKey.Server.Accounts;
using ProofKey.Server.Endpoints;
using ProofKey.Server.Http;
using ProofKey.Server.Keys;
using ProofKey.Server.Pages;
using ProofKey.Server.Protocol;
using ProofKey.Server.Storage;

namespace ProofKey.Server;

/// <summary>Adds the authorization server to an ASP.NET Core app. The route table below is the map of the house: each route says what of it is limited.</summary>
public static class ProofKeyServer
{
    /// <summary>Adds the server's services. The app stops at start, with a list, when a setting is wrong.</summary>
    /// <param name="services">The app's services. An <see cref="AccountSource"/> that is registered before replaces ProofKey's own accounts.</param>
    /// <param name="configure">Sets the options; issuer, data source and root key are required.</param>
    /// <returns>The same services.</returns>
    public static IServiceCollection AddProofKeyServer(this IServiceCollection services, Action<ServerOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        services.AddLogging();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(_ =>
        {
            var options = new ServerOptions();
            configure(options);
            options.Validate();
            return options;
        });
        services.AddSingleton(provider => new Database(provider.GetRequiredService<ServerOptions>().DataSource!, provider.GetRequiredService<ServerOptions>().Dialect));
        services.AddSingleton<ClientStore>().AddSingleton<ResourceStore>().AddSingleton<AssertionStore>().AddSingleton<AccountStore>().AddSingleton<SessionStore>().AddSingleton<ConsentStore>().AddSingleton<ScopeStore>().AddSingleton<ScopeWords>().AddSingleton<PushedRequestStore>().AddSingleton<GrantStore>().AddSingleton<KeyStore>()
            .AddSingleton<DeviceStore>().AddSingleton<UserCodeTries>().AddSingleton<LogoutOutbox>().AddSingleton<AuditTrail>();
        services.AddSingleton<GuardedHttp>().AddSingleton<ClientKeys>();
        services.AddSingleton<KeyRing>().AddSingleton<Cleanup>().AddSingleton<TokenIssuer>().AddSingleton<VerifierTries>().AddSingleton<RepeatedValues>();
        services.AddSingleton(provider => new PeopleRegistry(
            provider.GetRequiredService<AccountStore>(), provider.GetRequiredService<GrantStore>(), provider.GetRequiredService<PasswordSignIn>(), provider.GetRequiredService<ServerOptions>(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new KeyRegistry(
            provider.GetRequiredService<KeyStore>(), provider.GetRequiredService<ServerOptions>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new DatabaseRegistry(
            provider.GetRequiredService<Database>(), provider.GetRequiredService<KeyStore>(), provider.GetRequiredService<ServerOptions>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<DpopNonces>().AddSingleton<ProofOfPossession>();
        services.AddSingleton(provider => new Registry(
            provider.GetRequiredService<Database>(), provider.GetRequiredService<ClientStore>(), provider.GetRequiredService<ResourceStore>(), provider.GetRequiredService<ScopeStore>(), provider.GetRequiredService<AccountStore>(),
            provider.GetRequiredService<PasswordSignIn>(), provider.GetRequiredService<KeyRing>(), provider.GetRequiredService<AuditTrail>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<RouteGuard>().AddSingleton<Cookies>().AddSingleton<FormGuard>().AddSingleton<Cors>().AddSingleton<PageRenderer>().AddSingleton<PageAnswers>();
        services.AddSingleton<BrowserSessions>().AddSingleton<PasswordSignIn>().AddSingleton<HashQueue>().AddSingleton<RateLimits>().AddSingleton<KnownBrowsers>();
        services.TryAddSingleton<AccountSource, OwnAccounts>();
        services.AddSingleton<LogoutDelivery>().AddSingleton<LogoutEndpoint>();
        services.AddSingleton<AuthorizePage>().AddSingleton<GrantedClaims>().AddSingleton<ClientAuthentication>();
        services.AddSingleton<AuthorizeEndpoint>().AddSingleton<PushedRequestEndpoint>().AddSingleton<SignInEndpoint>().AddSingleton<ConsentEndpoint>().AddSingleton<UsualTokenRequest>().AddSingleton<TokenEndpoint>();
        services.AddSingleton<DeviceAuthorizationEndpoint>().AddSingleton<DeviceEndpoint>().AddSingleton<DeviceDecisionEndpoint>().AddSingleton<DeviceCodeRedemption>();
        services.AddSingleton<UserinfoEndpoint>().AddSingleton<RevocationEndpoint>().AddSingleton<IntrospectionEndpoint>().AddSingleton<MetadataEndpoint>().AddSingleton<HealthEndpoint>();
        // In this order: the schema before the keys, the keys before the first request.
        services.AddHostedService<Preparation>();
        services.AddHostedService(provider => provider.GetRequiredService<KeyRing>());
        services.AddHostedService(provider => provider.GetRequiredService<Cleanup>());
        services.AddHostedService(provider => provider.GetRequiredService<LogoutDelivery>());
        return services;
    }

    /// <summary>Maps the protocol: everything that clients talk to.</summary>
    /// <param name="app">The app. Its other routes stay as they are.</param>
    /// <returns>The same app.</returns>
    public static IEndpointRouteBuilder MapProofKeyServer(this IEndpointRouteBuilder app)
    {
        ArgumentNullException.ThrowIfNull(app);
        MapProtocol(ForAnybody(app));
        return app;
    }

    private static void MapProtocol(IEndpointRouteBuilder app)
    {
        var services = app.ServiceProvider;
        var issuer = services.GetRequiredService<ServerOptions>().Issuer;
        var guard = services.GetRequiredService<RouteGuard>();
        var authorize = services.GetRequiredService<AuthorizeEndpoint>();
        var consent = services.GetRequiredService<ConsentEndpoint>();
        var device = services.GetRequiredService<DeviceEndpoint>();
        var decision = services.GetRequiredService<DeviceDecisionEndpoint>();
        var metadata = services.GetRequiredService<MetadataEndpoint>();
        var userinfo = services.GetRequiredService<UserinfoEndpoint>();

        app.MapGet(issuer.Path + AuthorizeEndpoint.Path, guard.Page(authorize.GetAsync, Limit.None));
        app.MapPost(issuer.Path + AuthorizeEndpoint.Path, guard.Page(authorize.PostAsync, Limit.Requests));
        app.MapGet(issuer.Path + ConsentEndpoint.Path, guard.Page(consent.GetAsync, Limit.None));
        app.MapPost(issuer.Path + ConsentEndpoint.Path, guard.Page(consent.PostAsync, Limit.None));
        if (services.GetRequiredService<AccountSource>().SignsOut)
        {
            var logout = services.GetRequiredService<LogoutEndpoint>();
            app.MapGet(issuer.Path + LogoutEndpoint.Path, guard.Page(logout.GetAsync, Limit.None));
            app.MapPost(issuer.Path + LogoutEndpoint.Path, guard.Page(logout.PostAsync, Limit.None));
        }
        Map(app, guard, issuer.Path + PushedRequestEndpoint.Path, ["POST"], services.GetRequiredService<PushedRequestEndpoint>().PostAsync, Limit.Requests);
        app.MapGet(issuer.Path + DeviceEndpoint.Path, guard.Page(device.GetAsync, Limit.None));
        app.MapPost(issuer.Path + DeviceEndpoint.Path, guard.Page(device.PostAsync, Limit.Tries));
        app.MapGet(issuer.Path + DeviceDecisionEndpoint.Path, guard.Page(decision.GetAsync, Limit.None));
        app.MapPost(issuer.Path + DeviceDecisionEndpoint.Path, guard.Page(decision.PostAsync, Limit.None));
        Map(app, guard, issuer.Path + DeviceAuthorizationEndpoint.Path, ["POST"], services.GetRequiredService<DeviceAuthorizationEndpoint>().PostAsync, Limit.Requests);
        Map(app, guard, issuer.Path + TokenEndpoint.Path, ["POST"], services.GetRequiredService<TokenEndpoint>().PostAsync, Limit.Refusals);
        Map(app, guard, issuer.Path + RevocationEndpoint.Path, ["POST"], services.GetRequiredService<RevocationEndpoint>().PostAsync, Limit.Refusals);
        Map(app, guard, issuer.Path + IntrospectionEndpoint.Path, ["POST"], services.GetRequiredService<IntrospectionEndpoint>().PostAsync, Limit.Refusals, Readers.Nobody);
        Map(app, guard, issuer.Path + UserinfoEndpoint.Path, ["GET", "POST"], userinfo.HandleAsync, Limit.None);
        Map(app, guard, issuer.Path + MetadataEndpoint.JwksPath, ["GET", "HEAD"], metadata.GetKeysAsync, Limit.None, Readers.Everybody);
        Map(app, guard, issuer.MetadataAddress.AbsolutePath, ["GET", "HEAD"], metadata.GetAsync, Limit.None, Readers.Everybody);
        Map(app, guard, issuer.OpenIdConfigurationAddress.AbsolutePath, ["GET", "HEAD"], metadata.GetAsync, Limit.None, Readers.Everybody);
        // Outside the guard: they are asked when the database fails.
        app.MapMethods(issuer.Path + HealthEndpoint.LivePath, ["GET", "HEAD"], HealthEndpoint.LiveAsync);
        app.MapMethods(issuer.Path + HealthEndpoint.ReadyPath, ["GET", "HEAD"], services.GetRequiredService<HealthEndpoint>().ReadyAsync);
    }

    /// <summary>Maps the pages of ProofKey's own accounts.</summary>
    /// <param name="app">The app.</param>
    /// <returns>The same app.</returns>
    public static IEndpointRouteBuilder MapProofKeyAccounts(this IEndpointRouteBuilder app)
    {
        ArgumentNullException.ThrowIfNull(app);
        var services = app.ServiceProvider;
        var issuer = services.GetRequiredService<ServerOptions>().Issuer;
        var guard = services.GetRequiredService<RouteGuard>();
        var signIn = services.GetRequiredService<SignInEndpoint>();
        var routes = ForAnybody(app);
        routes.MapGet(issuer.Path + SignInEndpoint.Path, guard.Page(signIn.GetAsync, Limit.None));
        routes.MapPost(issuer.Path + SignInEndpoint.Path, guard.Page(signIn.PostAsync, Limit.Tries));
        return app;
    }

    // Each route finds out by itself who asks. A fallback policy of the app would shut out whoever has yet to sign in, and every client.
    private static RouteGroupBuilder ForAnybody(IEndpointRouteBuilder app) => app.MapGroup("").AllowAnonymous();

    // What pages of other origins may read answers preflights too, and a wrong method so that they can read that.
    private static void Map(IEndpointRouteBuilder app, RouteGuard guard, string path, string[] methods, RequestDelegate handler, Limit limit, Readers readers = Readers.RegisteredOrigins)
    {
        app.MapMethods(path, methods, guard.Json(handler, limit, readers));
        if (readers != Readers.Nobody) app.MapMethods(path, ["OPTIONS"], guard.Preflight(readers));
        app.Map(path, guard.OtherMethods(string.Join(", ", methods), readers));
    }

    /// <summary>Brings schema and keys up to date before the first request.</summary>
    private sealed class Preparation(Database database, KeyRing keys, TimeProvider time) : IHostedService
    {
        public async Task StartAsync(CancellationToken cancellationToken)
        {
            await Schema.MigrateAsync(database, time, cancellationToken);
            await keys.LoadAsync(cancellationToken);
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
