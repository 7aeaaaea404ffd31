using System.ComponentModel;
using System.Diagnostics;

namespace ProofKey.Client.Loopback;

/// <summary>A program and its arguments, the address among them.</summary>
internal sealed record LaunchCommand(string Program, IReadOnlyList<string> Arguments);

/// <summary>
/// Opens an address in the person's browser. Only http and https addresses, in their parsed form, as one argument of a program that is
/// started without a shell; what the program prints goes nowhere. A failure is an answer, not an exception.
/// </summary>
/// <param name="environment">Reads an environment variable.</param>
/// <param name="patience">How long a launcher is watched for an early failure.</param>
internal sealed class BrowserLauncher(Func<string, string?> environment, TimeSpan patience)
{
    private const string WindowsOpener = "url.dll,FileProtocolHandler";

    public static BrowserLauncher OfThisSystem { get; } = new(Environment.GetEnvironmentVariable, TimeSpan.FromSeconds(2));

    public async ValueTask<bool> OpenAsync(Uri address, CancellationToken cancel)
    {
        if (!address.IsAbsoluteUri || address.Scheme is not ("https" or "http")) return false;
        foreach (var command in Commands(address.AbsoluteUri))
            if (await RunAsync(command, cancel)) return true;
        return false;
    }

    /// <summary>What to try, in order: the person's own choice, then what the system has.</summary>
    internal IEnumerable<LaunchCommand> Commands(string address)
    {
        foreach (var choice in (environment("BROWSER") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            yield return Chosen(choice, address);
        if (OperatingSystem.IsWindows())
        {
            yield return new("rundll32.exe", [WindowsOpener, address]);
        }
        else if (OperatingSystem.IsMacOS())
        {
            yield return new("open", [address]);
        }
        else
        {
            foreach (var command in OnLinux(address)) yield return command;
        }
    }

    // Inside WSL the browser is on the Windows side. explorer.exe would open a folder, and cmd.exe would read "&" as its own.
    private IEnumerable<LaunchCommand> OnLinux(string address)
    {
        var inWsl = environment("WSL_DISTRO_NAME") is not null || environment("WSL_INTEROP") is not null;
        if (inWsl)
        {
            yield return new("wslview", [address]);
            yield return new("/mnt/c/Windows/System32/rundll32.exe", [WindowsOpener, address]);
        }
        // Without a display xdg-open starts a text browser, which would wait on our terminal for ever.
        if (environment("DISPLAY") is not null || environment("WAYLAND_DISPLAY") is not null) yield return new("xdg-open", [address]);
    }

    // BROWSER is a list of commands; %s in one stands for the address, which else comes last. A file's name may hold spaces.
    private static LaunchCommand Chosen(string choice, string address)
    {
        if (File.Exists(choice)) return new(choice, [address]);
        var words = choice.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var arguments = words.Skip(1).Select(word => word.Replace("%s", address, StringComparison.Ordinal)).ToList();
        if (!choice.Contains("%s", StringComparison.Ordinal)) arguments.Add(address);
        return new(words[0], arguments);
    }

    private async Task<bool> RunAsync(LaunchCommand command, CancellationToken cancel)
    {
        var start = new ProcessStartInfo(command.Program)
        {
            UseShellExecute = false,
            CreateNoWindow = true,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in command.Arguments) start.ArgumentList.Add(argument);
        try
        {
            return Process.Start(start) is { } process && await IsRunningOrDoneAsync(process, cancel);
        }
        catch (Exception missing) when (missing is Win32Exception or InvalidOperationException or FileNotFoundException)
        {
            return false;
        }
    }

    private async Task<bool> IsRunningOrDoneAsync(Process process, CancellationToken cancel)
    {
        process.StandardInput.Close();
        // Read and forgotten: stdout of our program belongs to our program, and a full pipe would stop the browser.
        var silent = Task.WhenAll(DrainAsync(process.StandardOutput), DrainAsync(process.StandardError));
        using var limit = new CancellationTokenSource(patience, TimeProvider.System);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        try
        {
            await process.WaitForExitAsync(linked.Token);
            return process.ExitCode == 0;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return true;
        }
        finally
        {
            _ = DisposeAfterAsync(silent, process);
        }
    }

    // A closed pipe would kill a browser that runs in the foreground and prints a line later on.
    private static async Task DisposeAfterAsync(Task silent, Process process)
    {
        await silent;
        process.Dispose();
    }

    private static async Task DrainAsync(StreamReader output)
    {
        using var open = output;
        try
        {
            await output.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
        }
        catch (IOException)
        {
            // It broke off, which ends it too.
        }
    }
}
