using System.Diagnostics;
using ProofKey.Client.Loopback;

namespace ProofKey.Client.Tests;

public sealed class BrowserLauncherTests
{
    private static readonly Uri Address = new("https://example.com/authorize?a=$(touch pwned)&b=`x`;c|d&e='f\"");

    private const string Written = "https://example.com/authorize?a=%24%28touch%20pwned%29&b=%60x%60%3Bc%7Cd&e=%27f%22";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("file:///etc/passwd")]
    [InlineData("calc:")]
    [InlineData("javascript:alert(1)")]
    [InlineData("ms-settings:")]
    [InlineData("-flag")]
    [Assertion("CL-06")]
    public async Task Nothing_but_http_and_https_is_opened(string address)
    {
        using var folder = new TemporaryFolder();
        var launcher = Launcher(("BROWSER", Script(folder, "echo ran > ran")));

        (await launcher.OpenAsync(new Uri(address, UriKind.RelativeOrAbsolute), Cancel)).ShouldBeFalse();
        File.Exists(Path.Combine(folder.Path, "ran")).ShouldBeFalse();
    }

    [Fact]
    [Assertion("CL-06")]
    public async Task The_address_is_one_argument_that_no_shell_reads()
    {
        using var folder = new TemporaryFolder();
        var launcher = Launcher(("BROWSER", Script(folder, "printf '%s\\n' \"$#\" \"$1\" > seen")));

        (await launcher.OpenAsync(Address, Cancel)).ShouldBeTrue();

        var seen = await File.ReadAllLinesAsync(Path.Combine(folder.Path, "seen"), Cancel);
        seen.ShouldBe(["1", Written]);
        File.Exists(Path.Combine(folder.Path, "pwned")).ShouldBeFalse();
    }

    [Fact]
    public async Task The_choice_of_the_person_may_hold_arguments_and_say_where_the_address_goes()
    {
        using var folder = new TemporaryFolder();
        var launcher = Launcher(("BROWSER", $"/no/such/program:{Script(folder, "printf '%s\\n' \"$@\" > seen")} --new-window %s --private"));

        (await launcher.OpenAsync(Address, Cancel)).ShouldBeTrue();

        (await File.ReadAllLinesAsync(Path.Combine(folder.Path, "seen"), Cancel)).ShouldBe(["--new-window", Written, "--private"]);
    }

    [Fact]
    public async Task A_launcher_that_is_missing_or_fails_is_an_answer_and_no_exception()
    {
        using var folder = new TemporaryFolder();

        (await Launcher(("BROWSER", "/no/such/program")).OpenAsync(Address, Cancel)).ShouldBeFalse();
        (await Launcher(("BROWSER", folder.Path)).OpenAsync(Address, Cancel)).ShouldBeFalse();
        (await Launcher(("BROWSER", Script(folder, "exit 3"))).OpenAsync(Address, Cancel)).ShouldBeFalse();
        (await Launcher().OpenAsync(Address, Cancel)).ShouldBeFalse();
    }

    [Fact]
    public async Task A_browser_that_goes_on_running_has_opened_and_may_talk_as_much_as_it_likes()
    {
        using var folder = new TemporaryFolder();
        var launcher = Patient(Script(folder, "head -c 300000 /dev/zero | tr '\\0' 'x'; echo done > done; exec sleep 5"), TimeSpan.FromMilliseconds(700));

        (await launcher.OpenAsync(Address, Cancel)).ShouldBeTrue();

        File.Exists(Path.Combine(folder.Path, "done")).ShouldBeTrue();
    }

    [Fact]
    public async Task A_browser_in_the_foreground_may_still_talk_after_it_was_left_alone()
    {
        using var folder = new TemporaryFolder();
        var (go, done) = (Path.Combine(folder.Path, "go"), Path.Combine(folder.Path, "done"));
        using (var made = Process.Start("mkfifo", [go, done])) await made.WaitForExitAsync(Cancel);
        // A line to a closed pipe would end the script before it says that it is done.
        var script = Script(folder, "read -r line < go; echo later && echo later >&2 && echo done > done");
        var launcher = Patient(script, TimeSpan.FromMilliseconds(100));

        (await launcher.OpenAsync(Address, Cancel)).ShouldBeTrue();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var said = Task.Run(() => File.ReadAllText(done), Cancel);
        await File.WriteAllTextAsync(go, "go\n", Cancel);

        (await said.WaitAsync(TimeSpan.FromSeconds(20), Cancel)).ShouldBe("done\n");
    }

    [Fact]
    public async Task A_choice_that_is_a_file_is_taken_whole()
    {
        using var folder = new TemporaryFolder();
        var program = Path.Combine(folder.Path, "my browser");
        File.Move(Script(folder, "printf '%s\\n' \"$@\" > seen"), program);

        (await Launcher(("BROWSER", $"/no/such/program{Path.PathSeparator}{program}")).OpenAsync(Address, Cancel)).ShouldBeTrue();

        (await File.ReadAllLinesAsync(Path.Combine(folder.Path, "seen"), Cancel)).ShouldBe([Written]);
    }

    [Fact]
    public async Task What_the_launcher_prints_does_not_reach_our_output()
    {
        using var folder = new TemporaryFolder();
        var launcher = Launcher(("BROWSER", Script(folder, "echo Opening in existing browser session.; echo noise >&2; readlink /proc/$$/fd/1 /proc/$$/fd/2 > its")));
        string?[] ours = [new FileInfo("/proc/self/fd/1").LinkTarget, new FileInfo("/proc/self/fd/2").LinkTarget];

        await launcher.OpenAsync(Address, Cancel);

        // Not the pipes, files or terminals of our own stdout and stderr, as the system names them.
        var its = await File.ReadAllLinesAsync(Path.Combine(folder.Path, "its"), Cancel);
        its.Length.ShouldBe(2);
        ours.ShouldAllBe(where => where != null);
        its.ShouldNotContain(where => ours.Contains(where));
    }

    [Fact]
    [Assertion("CL-12")]
    public async Task The_browser_does_not_inherit_what_unlocks_our_own_files()
    {
        using var folder = new TemporaryFolder();
        string[] ours = ["PROOFKEY_PASSPHRASE", "PROOFKEY_ROOT_KEY", "PROOFKEY_DATABASE"];
        foreach (var name in ours.Append("PROOFKEY_TEST")) Environment.SetEnvironmentVariable(name, "a value");
        try
        {
            (await Launcher(("BROWSER", Script(folder, "env > seen"))).OpenAsync(Address, Cancel)).ShouldBeTrue();
        }
        finally
        {
            foreach (var name in ours.Append("PROOFKEY_TEST")) Environment.SetEnvironmentVariable(name, null);
        }

        var seen = await File.ReadAllLinesAsync(Path.Combine(folder.Path, "seen"), Cancel);
        seen.ShouldContain("PROOFKEY_TEST=a value");
        foreach (var name in ours) seen.ShouldNotContain(line => line.StartsWith(name, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("true")]
    [InlineData("/bin/echo")]
    [InlineData("printf %s\\n")]
    public async Task A_choice_that_opens_nothing_is_no_browser_and_ends_the_search(string choice)
    {
        using var folder = new TemporaryFolder();
        var launcher = Launcher(("BROWSER", $"{choice}:{Script(folder, "echo ran > ran")}"), ("PATH", "/usr/bin:/bin"), ("DISPLAY", ":0"));

        (await launcher.OpenAsync(Address, Cancel)).ShouldBeFalse();

        File.Exists(Path.Combine(folder.Path, "ran")).ShouldBeFalse();
    }

    private static BrowserLauncher Launcher(params (string Name, string Value)[] environment) =>
        new(Machine.With(environment), TimeSpan.FromSeconds(10));

    private static BrowserLauncher Patient(string script, TimeSpan patience) => new(Machine.With(("BROWSER", script)), patience);

    private static string Script(TemporaryFolder folder, string body)
    {
        var path = Path.Combine(folder.Path, "browser");
        File.WriteAllText(path, $"#!/bin/sh\ncd '{folder.Path}'\n{body}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }
}
