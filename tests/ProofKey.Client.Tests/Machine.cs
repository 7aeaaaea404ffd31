namespace ProofKey.Client.Tests;

/// <summary>A machine that is as a test says; its files are those of this one, unless the test names them.</summary>
internal static class Machine
{
    public static MachineFacts With(params (string Name, string Value)[] environment) => new(
        SystemKind.Linux, name => environment.FirstOrDefault(one => one.Name == name).Value, File.Exists, _ => "", HasScreen: true);

    /// <summary>One whose files are named too, and no others.</summary>
    public static MachineFacts WithFiles(this MachineFacts machine, params (string Path, string Text)[] files) => machine with
    {
        Exists = path => files.Any(file => file.Path == path),
        Read = path => files.FirstOrDefault(file => file.Path == path).Text ?? "",
    };
}
