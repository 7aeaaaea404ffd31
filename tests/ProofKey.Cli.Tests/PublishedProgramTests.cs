using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace ProofKey.Cli.Tests;

/// <summary>The program as <c>./publish</c> makes it: one file, trimmed, without .NET on the machine. What the trimmer took away by mistake would be missed here.</summary>
public sealed class PublishedProgramTests
{
    [Fact]
    public async Task It_serves_signs_in_prints_a_token_calls_an_API_and_signs_out()
    {
        var folder = Directory.CreateTempSubdirectory("proofkey-published-");
        try
        {
            var (own, foreign) = (Path.Combine(folder.FullName, "global.json"), Path.Combine(Root(), "artifacts", "standalone", "made", "proofkey-of-another-system"));
            Directory.CreateDirectory(Path.GetDirectoryName(foreign)!);
            foreach (var file in (string[])[own, foreign]) await File.WriteAllTextAsync(file, "{}", TestContext.Current.CancellationToken);
            using var cli = new Cli { Program = await PublishAsync(folder.FullName) };
            Directory.GetFiles(folder.FullName).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal).ShouldBe(["global.json", "libe_sqlite3.so", "proofkey"]);
            // It must not find the system's .NET.
            cli.Environment["DOTNET_ROOT"] = "/nonexistent";
            await using var server = await TestServer.StartAsync(cli);
            await server.AddAliceAsync();
            await using (var login = cli.Start("login", server.Issuer, "--client-id", await server.AddClientAsync(), "--no-browser", "--json"))
            {
                using var browser = new ScriptedBrowser();
                await browser.SignInAsync(login);
                (await login.EndAsync()).ExitCode.ShouldBe(0);
            }
            (await cli.OutputOfAsync("token")).Split('.').Length.ShouldBe(3);
            (await cli.OutputOfAsync("token", "-o", "exec-credential")).ShouldContain("\"expirationTimestamp\"");
            (await cli.OutputOfAsync("whoami", "--json")).ShouldContain("\"preferred_username\":\"alice\"");
            (await cli.OutputOfAsync("call", "GET", $"{server.Issuer}/userinfo")).ShouldContain("alice@example.com");
            (await cli.OutputOfAsync("exec", "--", "printenv", "ACCESS_TOKEN")).ShouldBe(await cli.OutputOfAsync("token"));
            (await cli.OutputOfAsync("client", "list", "--data", cli.Data)).ShouldContain("Terminal");
            (await cli.OutputOfAsync("doctor", "--issuer", server.Issuer)).ShouldContain("✓ pkce");
            await using (var listing = cli.StartOnTerminal("list", columns: 250)) (await listing.EndAsync()).Errors.ShouldContain("╭");
            (await cli.OutputOfAsync("demo", "--no-browser")).ShouldContain("3 attacks refused");
            (await cli.RunAsync("logout")).Errors.ShouldContain($"Signed out of {server.Issuer}");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<string> PublishAsync(string folder)
    {
        var start = new ProcessStartInfo(Path.Combine(Root(), "publish"), ["", folder]) { RedirectStandardError = true };
        using var publishing = Process.Start(start)!;
        var said = await publishing.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await publishing.WaitForExitAsync(TestContext.Current.CancellationToken);
        publishing.ExitCode.ShouldBe(0, said);
        return Path.Combine(folder, "proofkey");
    }

    private static string Root([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", ".."));
}
