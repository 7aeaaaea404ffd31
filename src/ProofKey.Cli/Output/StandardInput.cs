using System.Text;

namespace ProofKey.Cli.Output;

/// <summary>What stands on stdin. The platform's own reader of it blocks and hears no Ctrl-C, so it is read on another thread, which ends with the process.</summary>
internal static class StandardInput
{
    /// <summary>Reads all of it.</summary>
    public static Task<string> ReadAsync(CancellationToken cancellation) => ReadAsync(reader => reader.ReadToEnd(), cancellation);

    /// <summary>Reads some of it.</summary>
    public static async Task<T> ReadAsync<T>(Func<TextReader, T> read, CancellationToken cancellation) => await Task.Run(
        () =>
        {
            using var reader = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: false));
            return read(reader);
        },
        cancellation).WaitAsync(cancellation);
}
