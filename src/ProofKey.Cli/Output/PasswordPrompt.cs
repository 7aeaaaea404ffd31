using System.Text;

namespace ProofKey.Cli.Output;

/// <summary>Takes a password from a person or a pipe. It is never an argument, which others on the machine could read.</summary>
internal static class PasswordPrompt
{
    /// <summary>Reads the first line of stdin.</summary>
    public static async Task<string> ReadLineAsync(CancellationToken cancellation)
    {
        using var input = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: false));
        return await input.ReadLineAsync(cancellation).AsTask().WaitAsync(cancellation)
            ?? throw CommandException.Usage("There is no password on stdin.", "Put it on the first line, for example with: proofkey user add NAME --password-stdin < FILE");
    }

    /// <summary>Asks a person twice, without showing what is typed.</summary>
    public static Task<string> AskTwiceAsync(Terminal terminal, CancellationToken cancellation) => terminal.CanAsk
        ? AskTwiceAsync(terminal, "Password: ", _ => null, cancellation)
        : throw CommandException.Usage("There is no terminal to ask for the password.", "Give it on stdin with --password-stdin.");

    /// <summary>The same for something else at a terminal.</summary>
    /// <param name="terminal">Where to ask.</param>
    /// <param name="prompt">What is asked for.</param>
    /// <param name="problem">Why what was typed cannot be: it is asked for again at once.</param>
    /// <param name="cancellation">Gives up.</param>
    public static Task<string> AskTwiceAsync(Terminal terminal, string prompt, Func<string, string?> problem, CancellationToken cancellation) => TypedAsync(() => AskTwice(terminal.Error, prompt, problem), cancellation);

    /// <summary>Asks a person at a terminal, without showing what is typed.</summary>
    public static Task<string> AskAsync(Terminal terminal, string prompt, CancellationToken cancellation) => TypedAsync(() => Ask(terminal.Error, prompt), cancellation);

    // Reading keys knows no cancellation, and Ctrl-C is to work at once.
    private static async Task<string> TypedAsync(Func<string> ask, CancellationToken cancellation) => await Task.Run(ask, cancellation).WaitAsync(cancellation);

    private static string AskTwice(TextWriter writer, string prompt, Func<string, string?> problem)
    {
        while (true)
        {
            var password = Ask(writer, prompt);
            if (problem(password) is { } wrong) writer.WriteLine(wrong);
            else if (Ask(writer, "Once more: ") == password) return password;
            else writer.WriteLine("The two are not the same.");
        }
    }

    private static string Ask(TextWriter writer, string prompt)
    {
        TerminalModes.Remember();
        // To look for a key ends the terminal's echo: whoever types or pastes as soon as the prompt is there shows nothing either.
        _ = Console.KeyAvailable;
        writer.Write(prompt);
        var typed = new StringBuilder();
        while (Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key)
        {
            if (key.Key == ConsoleKey.Backspace) typed.Length = Math.Max(0, typed.Length - 1);
            else if (key.KeyChar >= ' ') typed.Append(key.KeyChar);
        }
        writer.WriteLine();
        return typed.ToString();
    }
}
