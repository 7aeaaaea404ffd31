using System.Text;
using ProofKey.Cli.Output;

namespace ProofKey.Cli.Hosting;

/// <summary>A root key that the operator gives: a file, or a text in the environment.</summary>
internal static class RootKeyFile
{
    /// <summary>32 bytes, as drawn, or as base64, base64url or hexadecimal text.</summary>
    public const int Length = 32;

    private const string HowToMake = "Make one with: (umask 077; openssl rand -base64 32 > root.key)";

    /// <summary>Reads a key.</summary>
    /// <param name="path">The file, if one is given.</param>
    /// <param name="text">The text, if one is given.</param>
    /// <param name="terminal">Where it is said that others can read the file.</param>
    /// <returns>The key, or <see langword="null"/> when neither is given.</returns>
    /// <exception cref="CommandException">Both are given, or what is given is no key.</exception>
    public static byte[]? Read(string? path, string? text, Terminal terminal)
    {
        if (path is not null && text is not null) throw CommandException.Usage("The root key is given twice, as a file and as a text.", "Leave out --root-key-file (PROOFKEY_ROOT_KEY_FILE), or PROOFKEY_ROOT_KEY.");
        if (text is not null) return OfText(text) ?? throw CommandException.Usage("PROOFKEY_ROOT_KEY is no root key.", $"It has {Length} bytes in base64 or hexadecimal. {HowToMake}");
        return path is null ? null : Of(path, terminal);
    }

    /// <summary>Says where others than its owner can read a key. It is not refused, as the key of a session is: Kubernetes mounts secrets for all to read.</summary>
    public static void SayWhoReads(string path, Terminal terminal)
    {
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & (UnixFileMode.GroupRead | UnixFileMode.OtherRead)) != 0)
            terminal.Say($"Others on this machine can read the root key {path}, and with it all other keys. Take that from them with: chmod 600 {CommandText.Argument(path)}");
    }

    /// <summary>What is said where a key has to be given and is not.</summary>
    public static CommandException Missing() => CommandException.Usage(
        "A server on this database needs a root key: it wraps all other keys, and never lies in the database.",
        $"Give --root-key-file FILE, or PROOFKEY_ROOT_KEY. {HowToMake}");

    private static byte[] Of(string path, Terminal terminal)
    {
        try
        {
            var bytes = File.ReadAllBytes(path);
            SayWhoReads(path, terminal);
            if (bytes.Length == Length) return bytes;
            return OfText(Encoding.UTF8.GetString(bytes)) ?? throw CommandException.Usage($"{path} is no root key.", $"It has {Length} bytes, as they are or in base64 or hexadecimal. {HowToMake}");
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CommandException(ExitCodes.Failed, $"The root key {path} cannot be read: {denied.Message.TrimEnd('.')}.", "Check its path, owner and mode.", denied);
        }
    }

    private static byte[]? OfText(string text)
    {
        text = text.Trim();
        var key = text.Length == 2 * Length && text.All(char.IsAsciiHexDigit) ? Convert.FromHexString(text)
            : Base64UrlText.TryDecode(text.TrimEnd('=').Replace('+', '-').Replace('/', '_'), out var decoded) ? decoded : null;
        return key?.Length == Length ? key : null;
    }
}
