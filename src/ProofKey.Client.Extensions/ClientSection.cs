using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace ProofKey.Client.Extensions;

/// <summary>
/// Reads a client's section of the configuration, key by key, without reflection. What cannot be read is remembered, so that it is told at the start together
/// with everything else: a key with a slip of the pen in it would otherwise be no key, and its default would hold.
/// </summary>
internal static class ClientSection
{
    private static readonly Dictionary<string, Action<ProofKeyClientOptions, IConfigurationSection>> Keys = new(StringComparer.OrdinalIgnoreCase)
    {
        [nameof(ProofKeyClientOptions.Issuer)] = (options, key) => options.Issuer = Text(options, key) ?? "",
        [nameof(ProofKeyClientOptions.ClientId)] = (options, key) => options.ClientId = Text(options, key) ?? "",
        [nameof(ProofKeyClientOptions.Scope)] = (options, key) => options.Scope = Text(options, key) ?? "",
        [nameof(ProofKeyClientOptions.Resource)] = (options, key) => options.Resource = Text(options, key),
        [nameof(ProofKeyClientOptions.Application)] = (options, key) => options.Application = Text(options, key),
        [nameof(ProofKeyClientOptions.KeyFile)] = (options, key) => options.KeyFile = Text(options, key),
        [nameof(ProofKeyClientOptions.Profile)] = (options, key) => options.Profile = Text(options, key),
        [nameof(ProofKeyClientOptions.RedirectPath)] = (options, key) => options.RedirectPath = Text(options, key) ?? "",
        [nameof(ProofKeyClientOptions.Port)] = (options, key) =>
        {
            if (int.TryParse(key.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var port)) options.Port = port;
            else Unreadable(options, key, "a number such as 8400");
        },
        [nameof(ProofKeyClientOptions.UseLocalhost)] = (options, key) => options.UseLocalhost = Truth(options, key),
        [nameof(ProofKeyClientOptions.AcceptUnadvertisedPkce)] = (options, key) => options.AcceptUnadvertisedPkce = Truth(options, key),
        [nameof(ProofKeyClientOptions.Timeout)] = (options, key) => options.Timeout = Span(options, key),
        [nameof(ProofKeyClientOptions.RequestTimeout)] = (options, key) => options.RequestTimeout = Span(options, key),
        [nameof(ProofKeyClientOptions.ResponseMode)] = (options, key) => options.ResponseMode = Word<ResponseMode>(options, key),
        [nameof(ProofKeyClientOptions.Dpop)] = (options, key) => options.Dpop = Word<DpopUse>(options, key),
        [nameof(ProofKeyClientOptions.FurtherResources)] = (options, key) =>
        {
            foreach (var resource in Children(options, key, "a list of addresses")) options.FurtherResources.Add(resource.Value ?? "");
        },
        [nameof(ProofKeyClientOptions.AdditionalParameters)] = (options, key) =>
        {
            foreach (var parameter in Children(options, key, "a text under the name of each parameter")) options.AdditionalParameters[parameter.Key] = parameter.Value ?? "";
        },
    };

    /// <summary>Where a client's keys are.</summary>
    public static string PathOf(string name) => $"ProofKey:Clients:{name}";

    /// <summary>Puts what a section says into the options.</summary>
    public static void Read(IConfiguration section, ProofKeyClientOptions options)
    {
        foreach (var key in section.GetChildren())
        {
            if (Keys.TryGetValue(key.Key, out var read)) read(options, key);
            else options.Unreadable.Add($"{key.Path} is no key of a client. Take it out, or write one of {string.Join(", ", Keys.Keys)}.");
        }
    }

    // A list, or a section, where a text is wanted has no value: it would be no key, in silence.
    private static string? Text(ProofKeyClientOptions options, IConfigurationSection key)
    {
        if (key.GetChildren().Any()) Unreadable(options, key, "one text");
        return key.Value;
    }

    private static IEnumerable<IConfigurationSection> Children(ProofKeyClientOptions options, IConfigurationSection key, string what)
    {
        if (string.IsNullOrEmpty(key.Value) && key.GetChildren().All(child => child.Value is not null)) return key.GetChildren();
        Unreadable(options, key, what);
        return [];
    }

    private static TWord Word<TWord>(ProofKeyClientOptions options, IConfigurationSection key)
        where TWord : struct, Enum
    {
        if (!Enum.TryParse<TWord>(key.Value, ignoreCase: true, out var word) || !Enum.IsDefined(word)) Unreadable(options, key, string.Join(" or ", Enum.GetNames<TWord>()));
        return word;
    }

    private static bool Truth(ProofKeyClientOptions options, IConfigurationSection key)
    {
        if (!bool.TryParse(key.Value, out var truth)) Unreadable(options, key, "true or false");
        return truth;
    }

    private static TimeSpan Span(ProofKeyClientOptions options, IConfigurationSection key)
    {
        if (TimeSpan.TryParse(key.Value, CultureInfo.InvariantCulture, out var span)) return span;
        Unreadable(options, key, "a time such as 00:05:00");
        // Good enough not to be told twice.
        return TimeSpan.FromSeconds(30);
    }

    // Without the value: it may stand in the wrong place.
    private static void Unreadable(ProofKeyClientOptions options, IConfigurationSection key, string what) => options.Unreadable.Add($"{key.Path} cannot be read. Write {what}.");
}
