using ProofKey.Cli.Output;

namespace ProofKey.Cli.Sessions;

/// <summary>The command line that signs in to a profile as it was just put together, so that who copies it gets that session and no other.</summary>
internal static class LoginCommand
{
    /// <summary>The command, with what a bare <c>proofkey login</c> would not say by itself.</summary>
    /// <param name="profile">The profile.</param>
    /// <param name="known">What is remembered under its name.</param>
    public static string For(Profile profile, Profile? known)
    {
        var before = known?.Issuer == profile.Issuer ? known : null;
        return $"proofkey login{string.Concat(What(profile, before).Concat(Road(profile, before)).Concat(Store(profile, known)).OfType<string>().Select(part => $" {part}"))}{profile.Option}";
    }

    private static IEnumerable<string?> What(Profile profile, Profile? before)
    {
        yield return before is null ? CommandText.Argument(profile.Issuer) : null;
        yield return profile.ClientId == before?.ClientId ? null : Option("--client-id", profile.ClientId);
        yield return profile.Scope == (before?.Scope ?? Profile.DefaultScope) ? null : Option("--scope", profile.Scope);
        if (!(profile.Resources ?? []).SequenceEqual(before?.Resources ?? []))
            foreach (var resource in profile.Resources ?? []) yield return Option("--resource", resource);
        yield return Switch("--dpop", profile.Dpop, before?.Dpop);
    }

    private static IEnumerable<string?> Road(Profile profile, Profile? before)
    {
        yield return (profile.Ports ?? []).SequenceEqual(before?.Ports ?? []) ? null : $"--port {string.Join(',', profile.Ports ?? [])}";
        yield return profile.RedirectPath is not { } path || path == before?.RedirectPath ? null : Option("--redirect-path", path);
        yield return Switch("--localhost", profile.Localhost, before?.Localhost);
        yield return (profile.ResponseMode ?? "auto") == (before?.ResponseMode ?? "auto") ? null : $"--response-mode {profile.ResponseMode}";
        yield return Switch("--accept-unadvertised-pkce", profile.AcceptUnadvertisedPkce, before?.AcceptUnadvertisedPkce);
    }

    private static IEnumerable<string?> Store(Profile profile, Profile? known)
    {
        if ((profile.Store, profile.KeyFile, profile.PassphraseFile) == (known?.Store ?? ChosenStore.Keychain, known?.KeyFile, known?.PassphraseFile)) yield break;
        // A key says the kind too.
        yield return profile.KeyFile is { } key ? Option("--key-file", key) : profile.PassphraseFile is { } passphrase ? Option("--passphrase-file", passphrase) : $"--store {profile.Store}";
    }

    private static string? Switch(string name, bool? now, bool? before) => (now ?? false) == (before ?? false) ? null : now == true ? name : $"{name}=false";

    private static string Option(string name, string value) => $"{name} {CommandText.Argument(value)}";
}
