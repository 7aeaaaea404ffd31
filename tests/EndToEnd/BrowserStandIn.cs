using System.Diagnostics;

namespace EndToEnd;

/// <summary>A command that a program can take for the browser: it hands the address that it gets to the test.</summary>
public sealed class BrowserStandIn : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("proofkey-browser-");

    public BrowserStandIn()
    {
        // A named pipe: whoever reads waits for the writer, without asking again and again.
        Do("mkfifo", Pipe);
        File.WriteAllText(Command, "#!/bin/sh\nprintf '%s\\n' \"$1\" > \"$(dirname \"$0\")/address\"\n");
        Do("chmod", "+x", Command);
    }

    /// <summary>What goes into the variable BROWSER.</summary>
    public string Command => Path.Combine(_folder.FullName, "browser");

    private string Pipe => Path.Combine(_folder.FullName, "address");

    /// <summary>The address that the program opens next.</summary>
    public async Task<Uri> OpenedAsync(CancellationToken cancellation)
    {
        var line = await Task.Run(() => File.ReadAllText(Pipe), cancellation).WaitAsync(TimeSpan.FromSeconds(60), cancellation);
        return new Uri(line.Trim());
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static void Do(string program, params string[] arguments)
    {
        using var running = Process.Start(program, arguments);
        running.WaitForExit();
        running.ExitCode.ShouldBe(0, program);
    }
}
