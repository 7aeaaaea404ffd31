namespace ProofKey.Cli.Doctor;

/// <summary>What one check came to.</summary>
/// <param name="Name">What was looked at, such as <c>cookies</c>.</param>
/// <param name="State">good, bad, or warning: it works, and should be mended all the same.</param>
/// <param name="Text">What was found.</param>
/// <param name="Remedy">How to mend it; <see langword="null"/> where nothing is to be mended.</param>
internal sealed record Finding(string Name, string State, string Text, string? Remedy)
{
    public const string Good = "good";
    public const string Bad = "bad";
    public const string Warning = "warning";

    public static Finding Fine(string name, string text) => new(name, Good, text, null);

    public static Finding Broken(string name, string text, string remedy) => new(name, Bad, text, remedy);
}
