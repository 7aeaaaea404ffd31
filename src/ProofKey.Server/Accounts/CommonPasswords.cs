using System.Collections.Frozen;

namespace ProofKey.Server.Accounts;

/// <summary>The passwords that everybody tries first: such as stood at the top of every list that leaked.</summary>
internal static class CommonPasswords
{
    private static readonly FrozenSet<string> Known = Read();

    /// <summary>Whether a password is one of them, in whatever spelling, or one of them with a few digits or signs behind it.</summary>
    public static bool Contains(string password)
    {
        var letters = password.ToLowerInvariant();
        return Known.Contains(letters) || Known.Contains(letters.TrimEnd("0123456789!?.@#$*_-".ToCharArray()));
    }

    private static FrozenSet<string> Read()
    {
        using var stream = typeof(CommonPasswords).Assembly.GetManifestResourceStream("common-passwords.txt")
            ?? throw new InvalidOperationException("The list of common passwords is missing from the assembly; build ProofKey.Server again.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Split((char[])['\r', '\n', ' '], StringSplitOptions.RemoveEmptyEntries).ToFrozenSet(StringComparer.Ordinal);
    }
}
