using ProofKey.Client.Loopback;

namespace ProofKey.Client.Tests;

/// <summary>Which program a bare name of <c>BROWSER</c> is: never one that happens to lie in the current folder.</summary>
public sealed class ProgramPathTests
{
    private static readonly Uri Address = new("https://login.example.com/authorize");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Assertion("CL-06")]
    public async Task A_bare_name_is_looked_for_in_the_absolute_folders_of_PATH_alone()
    {
        using var folder = new TemporaryFolder();
        var seen = Path.Combine(folder.Path, "seen");
        var program = Path.Combine(folder.Path, "some-browser");
        await File.WriteAllTextAsync(program, $"#!/bin/sh\nprintf '%s' \"$1\" > '{seen}'\n", Cancel);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var relative = Path.GetRelativePath(Environment.CurrentDirectory, folder.Path);

        (await LauncherWith("some-browser", $":.:{relative}").OpenAsync(Address, Cancel)).ShouldBeFalse();
        (await LauncherWith(Path.Combine(relative, "some-browser"), "").OpenAsync(Address, Cancel)).ShouldBeFalse();
        File.Exists(seen).ShouldBeFalse();

        (await LauncherWith("some-browser", $"{relative}:/nonexistent:{folder.Path}").OpenAsync(Address, Cancel)).ShouldBeTrue();
        (await File.ReadAllTextAsync(seen, Cancel)).ShouldBe(Address.AbsoluteUri);
    }

    [Fact]
    [Assertion("CL-06")]
    public void A_file_of_the_current_folder_is_no_choice_that_is_taken_whole()
    {
        var machine = Machine.With(("BROWSER", "my browser")).WithFiles(("my browser", ""));

        var command = BrowserLadder.Commands(machine, Address.AbsoluteUri).ShouldHaveSingleItem();

        command.Program.ShouldBe("my");
    }

    [Theory]
    [InlineData("/tools/open.cmd", null)]
    [InlineData("/tools/open.bat", null)]
    [InlineData("/tools/open.exe.cmd", null)]
    [InlineData("/tools/open", null)]
    [InlineData("/tools/open.EXE", "/tools/open.EXE")]
    [InlineData("open.cmd", null)]
    [InlineData("open.com", null)]
    [InlineData("open", "/tools/open.exe")]
    [InlineData("open.exe", "/tools/open.exe")]
    [Assertion("CL-06")]
    public void On_Windows_only_an_exe_is_started_since_a_batch_file_is_read_by_a_shell(string program, string? found)
    {
        var machine = Machine.With(("PATH", "/tools")).WithFiles(("/tools/open.cmd", ""), ("/tools/open.com", ""), ("/tools/open.exe", "")) with { System = SystemKind.Windows };

        ProgramPath.Find(machine, program).ShouldBe(found);
    }

    private static BrowserLauncher LauncherWith(string browser, string path) => new(Machine.With(("BROWSER", browser), ("PATH", path)), TimeSpan.FromSeconds(10));
}
