using System.Text.Json;
using ProofKey.Cli.Commands;

namespace ProofKey.Cli.Configuration;

/// <summary>
/// The file of <c>--config</c>: one JSON object whose keys are the options' names with underscores, such as <c>client_id</c>. Comments
/// and a last comma are allowed. A key that no option has is refused, since it is a typing error.
/// </summary>
internal sealed class ConfigurationFile
{
    private readonly Dictionary<string, JsonElement> _values;

    private ConfigurationFile(string path, Dictionary<string, JsonElement> values)
    {
        Location = path;
        _values = values;
    }

    /// <summary>No file.</summary>
    public static ConfigurationFile None { get; } = new("", []);

    /// <summary>Where it was read from.</summary>
    public string Location { get; }

    /// <summary>Reads a file.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="keys">The keys that there are.</param>
    /// <param name="refused">The options that the command takes from the command line alone, and that no other verb means by the same key.</param>
    /// <exception cref="CommandException">It cannot be read, is not JSON, or has a key that no option takes from it.</exception>
    public static ConfigurationFile Read(string path, IReadOnlyCollection<string> keys, IEnumerable<string> refused)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, AllowDuplicateProperties = false });
            if (json.RootElement.ValueKind != JsonValueKind.Object) throw Wrong(path, "it is not a JSON object");
            var values = json.RootElement.EnumerateObject().ToDictionary(member => member.Name, member => member.Value.Clone());
            // A key that is passed over in silence looks obeyed.
            if (refused.FirstOrDefault(option => values.ContainsKey(Settings.KeyOf(option))) is { } typed)
                throw CommandException.Usage($"The configuration file {path} has a key {Settings.KeyOf(typed)}, and {typed} of this command counts on the command line alone.", $"Say {typed} there, and take the key out of the file.");
            if (values.Keys.FirstOrDefault(key => !keys.Contains(key)) is { } unknown)
                throw CommandException.Usage($"The configuration file {path} has a key {unknown}, and no command takes such an option from a file.", UsageError.Meant(keys, unknown) is { } meant ? $"Did you mean {meant}?" : $"The keys are {string.Join(", ", keys.Order(StringComparer.Ordinal))}.");
            return new ConfigurationFile(path, values);
        }
        catch (JsonException wrong)
        {
            throw Wrong(path, $"line {wrong.LineNumber + 1} is not JSON");
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw Wrong(path, denied.Message.TrimEnd('.'));
        }
    }

    /// <summary>The texts under a key: one, or those of an array; none when the key is absent.</summary>
    public IReadOnlyList<string>? Texts(string key)
    {
        if (!_values.TryGetValue(key, out var value)) return null;
        return value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(item => Text(key, item))] : [Text(key, value)];
    }

    private string Text(string key, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => throw CommandException.Usage($"The key {key} of the configuration file {Location} is not a text.", "Write a text, true or false, or an array of texts."),
    };

    private static CommandException Wrong(string path, string why) =>
        CommandException.Usage($"The configuration file {path} cannot be used: {why}.", "Mend it, or leave out --config (PROOFKEY_CONFIG).");
}
