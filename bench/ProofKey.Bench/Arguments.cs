using System.Globalization;

namespace ProofKey.Bench;

/// <summary>The command line: a word that says what to measure, and options with one value each.</summary>
internal sealed class Arguments
{
    private readonly Dictionary<string, string> _options = new(StringComparer.Ordinal);

    public Arguments(string[] arguments)
    {
        var words = new List<string>();
        for (var i = 0; i < arguments.Length; i++)
        {
            if (!arguments[i].StartsWith("--", StringComparison.Ordinal)) words.Add(arguments[i]);
            else if (i + 1 < arguments.Length) _options[arguments[i][2..]] = arguments[++i];
            else throw new ArgumentException($"{arguments[i]} has no value.");
        }
        Words = words;
    }

    /// <summary>What stands without dashes, in order.</summary>
    public IReadOnlyList<string> Words { get; }

    public string? this[string option] => _options.GetValueOrDefault(option);

    public string Required(string option) => this[option] ?? throw new ArgumentException($"--{option} is missing.");

    public int Number(string option, int otherwise) => this[option] is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
