using ProofKey.Cli.Sessions;

namespace ProofKey.Cli.Tests;

/// <summary>The verbs of the client start fast, since they load neither ASP.NET Core nor Spectre nor a database driver.</summary>
public sealed class LoadedAssemblyTests : IAsyncLifetime
{
    private static readonly string[] Ours = ["proofkey", "ProofKey.Client", "ProofKey.Core", "System.CommandLine"];

    private static readonly string BaseClassLibrary = Path.GetDirectoryName(typeof(object).Assembly.Location)!;

    private readonly Cli _cli = new();
    private TestServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await TestServer.StartAsync(_cli);
        await _server.AddAliceAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _cli.Dispose();
    }

    [Fact]
    public async Task From_the_sign_in_to_the_sign_out_nothing_is_loaded_but_the_client_and_the_base_class_library()
    {
        var client = await _server.AddClientAsync();
        _cli.Environment["DOTNET_STARTUP_HOOKS"] = typeof(StartupHook).Assembly.Location;
        _cli.Environment[StartupHook.FileVariable] = _cli.PathOf("loaded");
        await ShouldLoadLittleAsync("token", exitCode: 4);
        await using (var login = _cli.Start("login", _server.Issuer, "--client-id", client, "--no-browser"))
        {
            using var browser = new ScriptedBrowser();
            await browser.SignInAsync(login);
            (await login.EndAsync()).ExitCode.ShouldBe(0);
        }
        Foreign().ShouldBeEmpty("login");
        var token = await ShouldLoadLittleAsync("token");
        foreach (var form in TokenForm.Words.Where(form => form != TokenForm.Git)) await ShouldLoadLittleAsync($"token -o {form}");
        await ShouldLoadLittleAsync("token -o git --for https://git.example.com get", input: "protocol=https\nhost=git.example.com\n\n");
        // What takes the place of the program writes nothing down: one that the system does not run leaves it there.
        File.SetUnixFileMode(_cli.Write("notes", "text"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        await ShouldLoadLittleAsync($"exec -- {_cli.PathOf("notes")}", exitCode: 126);
        await ShouldLoadLittleAsync("switch default");
        await ShouldLoadLittleAsync("completion bash");
        await ShouldLoadLittleAsync("completion bash -- login =h");
        await ShouldLoadLittleAsync("whoami");
        await ShouldLoadLittleAsync("list");
        // This machine may have nothing that opens a browser.
        await ShouldLoadLittleAsync("doctor --json", exitCode: null);
        await ShouldLoadLittleAsync("manual");
        await ShouldLoadLittleAsync($"store move --to file --to-key-file {_cli.WriteKey("other.key")}");
        _cli.Environment["PROOFKEY_KEY_FILE"] = _cli.PathOf("other.key");
        await ShouldLoadLittleAsync($"decode {token}");
        await ShouldLoadLittleAsync($"call GET {_server.Issuer}/userinfo");
        await ShouldLoadLittleAsync("logout");
    }

    private async Task<string> ShouldLoadLittleAsync(string command, int? exitCode = 0, string input = "")
    {
        File.Delete(_cli.PathOf("loaded"));
        var outcome = await _cli.RunWithAsync(input, command.Split(' '));
        if (exitCode is not null) outcome.ExitCode.ShouldBe(exitCode.Value, outcome.ToString());
        Foreign().ShouldBeEmpty(command);
        return outcome.Output.TrimEnd();
    }

    private List<string> Foreign()
    {
        var loaded = File.ReadAllLines(_cli.PathOf("loaded"));
        loaded.ShouldContain(path => Path.GetFileNameWithoutExtension(path) == "proofkey");
        return [.. loaded.Where(path => Path.GetDirectoryName(path) != BaseClassLibrary).Select(path => Path.GetFileNameWithoutExtension(path)).Except([.. Ours, typeof(StartupHook).Assembly.GetName().Name!])];
    }
}
