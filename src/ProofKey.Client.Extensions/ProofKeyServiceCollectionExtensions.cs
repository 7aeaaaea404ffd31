using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace ProofKey.Client.Extensions;

/// <summary>Registers clients for dependency injection.</summary>
public static class ProofKeyServiceCollectionExtensions
{
    /// <summary>
    /// Registers a client under a name, as a keyed service: <c>[FromKeyedServices("contoso")] PublicClient client</c>. The first one that is registered is also
    /// the <see cref="PublicClient"/> without a key. Its options come from the configuration section <c>ProofKey:Clients:{name}</c>, if there is one, and then from
    /// <paramref name="configure"/>; they are checked when the app starts. Time is the <see cref="TimeProvider"/> that is registered, or the system's. What happens
    /// is logged and counted under <c>ProofKey.Client</c>, and that is also the name of the activity source.
    /// It is for programs of one person: a web application would give every visitor the session of whoever signed in last.
    /// </summary>
    /// <param name="services">The app's services. Their provider must be disposed asynchronously, as a host does: a renewal that was sent comes first.</param>
    /// <param name="name">The client's name, and that of its sessions unless <see cref="ProofKeyClientOptions.Profile"/> says otherwise: 1 to 100 printable characters.</param>
    /// <param name="configure">Sets options, after the configuration did.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddProofKeyClient(this IServiceCollection services, string name, Action<ProofKeyClientOptions>? configure = null) =>
        Add(services, name, section: null, configure);

    /// <summary>The same with a section of the caller's choice.</summary>
    /// <param name="services">The app's services.</param>
    /// <param name="name">The client's name.</param>
    /// <param name="section">Where the keys are.</param>
    /// <param name="configure">Sets options, after the configuration did.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddProofKeyClient(this IServiceCollection services, string name, IConfiguration section, Action<ProofKeyClientOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(section);
        return Add(services, name, section, configure);
    }

    private static IServiceCollection Add(IServiceCollection services, string name, IConfiguration? section, Action<ProofKeyClientOptions>? configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrEmpty(name);
        services.AddLogging();
        services.AddMetrics();
        services.TryAddSingleton<ClientReport>();
        services.AddSingleton<IConfigureOptions<ProofKeyClientOptions>>(provider => new ConfigureNamedOptions<ProofKeyClientOptions>(name, options =>
        {
            if (SectionOf(provider, name, section) is { } found) ClientSection.Read(found, options);
        }));
        services.AddSingleton<IValidateOptions<ProofKeyClientOptions>>(new ClientValidation(name, (section as IConfigurationSection)?.Path ?? ClientSection.PathOf(name)));
        services.AddOptions<ProofKeyClientOptions>(name).Configure(configure ?? (_ => { })).ValidateOnStart();
        services.TryAddKeyedSingleton(name, (provider, _) => NewClient(provider, name));
        services.TryAddSingleton(provider => provider.GetRequiredKeyedService<PublicClient>(name));
        return services;
    }

    private static IConfiguration? SectionOf(IServiceProvider provider, string name, IConfiguration? section) =>
        section ?? provider.GetService<IConfiguration>()?.GetSection(ClientSection.PathOf(name));

    private static PublicClient NewClient(IServiceProvider provider, string name)
    {
        var report = provider.GetRequiredService<ClientReport>();
        var options = provider.GetRequiredService<IOptionsMonitor<ProofKeyClientOptions>>().Get(name).ToClientOptions(name);
        var own = options.OnEvent;
        return new PublicClient(options with
        {
            // Who set a clock by hand meant it.
            TimeProvider = options.TimeProvider != TimeProvider.System ? options.TimeProvider : provider.GetService<TimeProvider>() ?? TimeProvider.System,
            OnEvent = happened =>
            {
                report.Take(name, happened);
                own?.Invoke(happened);
            },
        });
    }
}
