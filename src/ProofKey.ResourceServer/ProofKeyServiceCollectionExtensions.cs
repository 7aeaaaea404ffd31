using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using ProofKey.Jose;

namespace ProofKey.ResourceServer;

/// <summary>Protects an API with access tokens.</summary>
public static class ProofKeyServiceCollectionExtensions
{
    /// <summary>
    /// Accepts the access tokens (RFC 9068) that one issuer made for this API, as scheme <c>Bearer</c>, which becomes the default scheme where
    /// there is none. Tokens that are bound to a key (DPoP, RFC 9449) come in the <c>Authorization</c> header's scheme <c>DPoP</c>, with a proof;
    /// each process remembers the proofs that it accepted. The issuer need not be reachable when the app starts: its keys are fetched with the first token. Where browsers call
    /// the API, put <c>UseCors</c> before <c>UseAuthentication</c>, so that refusals can be read too; a policy that lists exposed headers
    /// names <c>WWW-Authenticate</c> among them, and one that lists request headers allows <c>authorization</c> and <c>dpop</c>.
    /// </summary>
    /// <param name="services">The app's services.</param>
    /// <param name="issuer">The issuer, such as <c>https://login.example.com</c>, written as in its metadata.</param>
    /// <param name="audience">The name of this API as the issuer writes it into <c>aud</c>.</param>
    /// <param name="configure">Changes the options.</param>
    /// <returns>The services.</returns>
    /// <exception cref="FormatException">The issuer is not an https address, nor http on a loopback host.</exception>
    public static IServiceCollection AddProofKey(
        this IServiceCollection services, string issuer, string audience, Action<ResourceServerOptions>? configure = null) =>
        services.AddProofKey(Issuer.Parse(issuer), audience, configure);

    /// <inheritdoc cref="AddProofKey(IServiceCollection, string, string, Action{ResourceServerOptions}?)"/>
    public static IServiceCollection AddProofKey(
        this IServiceCollection services, Issuer issuer, string audience, Action<ResourceServerOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(issuer);
        ArgumentNullException.ThrowIfNull(audience);
        services.AddAuthorization();
        services.AddSingleton<SigningKeys>();
        services.TryAddSingleton(_ => new UsedProofs());
        services.AddOptions<ResourceServerOptions>(ResourceServerOptions.SchemeName).ValidateOnStart();
        // AddAuthentication would bring Data Protection along, which writes a key ring to disk; nothing here is protected by it.
        services.AddAuthenticationCore(options => options.DefaultScheme ??= ResourceServerOptions.SchemeName);
        services.AddWebEncoders();
        services.TryAddSingleton(TimeProvider.System);
        new AuthenticationBuilder(services).AddScheme<ResourceServerOptions, BearerHandler>(ResourceServerOptions.SchemeName, options =>
            {
                options.Issuer = issuer;
                options.Audience = audience;
                configure?.Invoke(options);
            });
        return services;
    }
}
