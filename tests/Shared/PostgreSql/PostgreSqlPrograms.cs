using System.Diagnostics;

namespace ProofKey.Tests.PostgreSql;

/// <summary>The programs of PostgreSQL that are installed here.</summary>
internal static class PostgreSqlPrograms
{
    /// <summary>Runs a script of the shell that finds them, with its three streams in our hands.</summary>
    public static Process Run(string script)
    {
        var path = $"{Folder()}:{Environment.GetEnvironmentVariable("PATH")}";
        // It refuses to run as root; Debian's package has a user for it.
        string[] user = Environment.UserName == "root" ? ["runuser", "-u", "postgres", "--"] : [];
        // In a session of its own, a signal to all programs of this run does not kill what has to clean up after them.
        string[] session = OperatingSystem.IsLinux() ? ["setsid"] : [];
        string[] command = [.. session, .. user, "env", $"PATH={path}", "sh", "-c", script];
        return Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" })!;
    }

    // Debian keeps the programs of each version apart, and off the path.
    private static string Folder()
    {
        const string Debian = "/usr/lib/postgresql";
        var folders = Directory.Exists(Debian) ? Directory.GetDirectories(Debian).Select(version => Path.Combine(version, "bin")) : [];
        var all = folders.OrderDescending(StringComparer.Ordinal).Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'));
        return all.FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "pg_ctl")))
            ?? throw new InvalidOperationException("PostgreSQL is missing; install it with: apt-get install postgresql");
    }
}
