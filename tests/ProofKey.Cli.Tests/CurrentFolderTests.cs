namespace ProofKey.Cli.Tests;

/// <summary>A folder that somebody else filled, such as a cloned repository, is where the program is started.</summary>
public sealed class CurrentFolderTests : IAsyncLifetime
{
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
    [Assertion("CL-06")]
    public async Task No_program_of_the_current_folder_is_started_as_the_browser()
    {
        foreach (var name in (string[])["xdg-open", "firefox"])
        {
            _cli.Write(name, $"#!/bin/sh\nprintf '%s' \"$1\" > {_cli.PathOf("stolen")}\n");
            File.SetUnixFileMode(_cli.PathOf(name), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }
        _cli.Environment["DISPLAY"] = ":0";
        _cli.Environment["BROWSER"] = "firefox";
        _cli.Environment["PATH"] = ":.:/nonexistent";
        await using var login = _cli.Start("login", _server.Issuer, "--client-id", await AddClientAsync(), "--browser");

        await login.UntilAsync(new("No browser could be opened"));

        File.Exists(_cli.PathOf("stolen")).ShouldBeFalse();
        using var browser = new ScriptedBrowser();
        await browser.SignInAsync(login);
        (await login.EndAsync()).ExitCode.ShouldBe(0);
    }

    // Registering a client needs the machine's own PATH.
    private async Task<string> AddClientAsync()
    {
        var path = _cli.Environment["PATH"];
        _cli.Environment.Remove("PATH");
        var id = await _server.AddClientAsync();
        _cli.Environment["PATH"] = path;
        return id;
    }
}
