using ProofKey.Client.Loopback;

namespace ProofKey.Client.Tests;

/// <summary>Which road fits which machine: a decision about facts that a test can write down.</summary>
public sealed class SurroundingsTests
{
    private const string Address = "https://login.example.com/authorize?a=1&b=2";

    public static TheoryData<string, SignInRoad, string> Machines => new()
    {
        { "DISPLAY=:0", SignInRoad.Browser, "can be opened here" },
        { "WAYLAND_DISPLAY=wayland-0", SignInRoad.Browser, "can be opened here" },
        { "BROWSER=firefox", SignInRoad.Browser, "can be opened here" },
        { "", SignInRoad.Paste, "no display" },
        { "BROWSER=w3m", SignInRoad.Paste, "no display" },
        { "BROWSER=true;DISPLAY=:0", SignInRoad.Paste, "none is wanted" },
        { "BROWSER=echo %s;WSL_INTEROP=/run/WSL/8_interop", SignInRoad.Paste, "none is wanted" },
        { "BROWSER=true", SignInRoad.Paste, "no display" },
        { "SSH_CONNECTION=10.0.0.2 50000 10.0.0.1 22;DISPLAY=:10", SignInRoad.Paste, "SSH" },
        { "SSH_TTY=/dev/pts/3;DISPLAY=:10", SignInRoad.Paste, "SSH" },
        { "SSH_CONNECTION=10.0.0.2 50000 10.0.0.1 22;VSCODE_IPC_HOOK_CLI=/tmp/x.sock;BROWSER=/vscode/browser.sh", SignInRoad.Browser, "Visual Studio Code" },
        { "SSH_CONNECTION=10.0.0.2 50000 10.0.0.1 22;VSCODE_IPC_HOOK_CLI=/tmp/x.sock", SignInRoad.Paste, "SSH" },
        { "CODESPACES=true;VSCODE_IPC_HOOK_CLI=/tmp/x.sock;BROWSER=/vscode/browser.sh", SignInRoad.Paste, "codespace" },
        { "container=podman;DISPLAY=:0", SignInRoad.Paste, "container" },
        { "container=flatpak;DISPLAY=:0", SignInRoad.Browser, "can be opened here" },
        { "REMOTE_CONTAINERS=true;BROWSER=echo", SignInRoad.Paste, "container" },
        { "KUBERNETES_SERVICE_HOST=10.0.0.1", SignInRoad.Paste, "container" },
        { "SUDO_USER=alice;USER=root;DISPLAY=:0", SignInRoad.Paste, "sudo" },
        { "WSL_DISTRO_NAME=Debian;WSL_INTEROP=/run/WSL/8_interop", SignInRoad.Browser, "can be opened here" },
        { "WSL_DISTRO_NAME=Debian", SignInRoad.Paste, "cannot start Windows programs" },
        { "WSL_DISTRO_NAME=Debian;DISPLAY=:0", SignInRoad.Browser, "can be opened here" },
    };

    [Theory]
    [MemberData(nameof(Machines))]
    public void The_road_follows_from_where_the_program_runs(string variables, SignInRoad road, string reason)
    {
        var surroundings = Surroundings.Of(MachineOf(variables).WithFiles());

        surroundings.Road.ShouldBe(road);
        surroundings.Reason.ShouldContain(reason);
    }

    [Theory]
    [InlineData("/.dockerenv", "")]
    [InlineData("/run/.containerenv", "")]
    [InlineData("/proc/1/cgroup", "0::/kubepods/besteffort/pod1")]
    public void A_container_is_known_by_its_files(string path, string text)
    {
        var machine = MachineOf("DISPLAY=:0");

        Surroundings.Of(machine.WithFiles((path, text))).IsContainer.ShouldBeTrue();
        Surroundings.Of(machine.WithFiles((path, text), ("/run/.toolboxenv", ""))).IsContainer.ShouldBeFalse("a toolbox has the desktop of its machine");
        Surroundings.Of(machine.WithFiles(("/proc/1/cgroup", "0::/init.scope"))).IsContainer.ShouldBeFalse();
    }

    [Fact]
    public void Inside_WSL_the_kernel_tells_it_where_sudo_took_the_variables_away()
    {
        var machine = MachineOf("").WithFiles(("/proc/version", "Linux version 5.15.90.1-microsoft-standard-WSL2"), ("/proc/sys/fs/binfmt_misc/WSLInterop", ""));

        Surroundings.Of(machine).IsWsl.ShouldBeTrue();
        BrowserLadder.Commands(machine, Address).Select(command => command.Program).ShouldBe(["/mnt/c/Windows/System32/rundll32.exe", "rundll32.exe"]);
    }

    [Fact]
    public void The_other_end_of_an_SSH_connection_is_told_this_machines_address() =>
        Surroundings.Of(MachineOf("SSH_CONNECTION=192.0.2.7 50000 198.51.100.4 22").WithFiles()).SshHost.ShouldBe("198.51.100.4");

    [Fact]
    public void On_Windows_and_macOS_a_browser_can_be_opened_unless_nobody_is_at_the_screen()
    {
        var machine = MachineOf("").WithFiles();

        Surroundings.Of(machine with { System = SystemKind.Windows }).Road.ShouldBe(SignInRoad.Browser);
        Surroundings.Of(machine with { System = SystemKind.MacOS }).Road.ShouldBe(SignInRoad.Browser);
        Surroundings.Of(machine with { System = SystemKind.Windows, HasScreen = false }).Road.ShouldBe(SignInRoad.Paste);
        Surroundings.Of(MachineOf("BROWSER=true") with { System = SystemKind.MacOS }).Road.ShouldBe(SignInRoad.Paste);
    }

    [Fact]
    [Assertion("DV-12")]
    public void No_surroundings_lead_to_a_device_code() =>
        Machines.Select(machine => Surroundings.Of(MachineOf(machine.Data.Item1).WithFiles()).Road).ShouldNotContain(SignInRoad.Device);

    [Theory]
    [InlineData("", "")]
    [InlineData("DISPLAY=:0", "xdg-open")]
    [InlineData("WAYLAND_DISPLAY=wayland-0", "xdg-open")]
    [InlineData("BROWSER=firefox:chromium;DISPLAY=:0", "firefox chromium xdg-open")]
    [InlineData("BROWSER=/usr/bin/lynx:links2:firefox", "firefox")]
    [InlineData("BROWSER=cmd.exe /c start:/mnt/c/Windows/System32/CMD.EXE /c start %s:firefox", "firefox")]
    [InlineData("BROWSER=firefox;WSL_INTEROP=/run/WSL/8_interop;DISPLAY=:0", "firefox /mnt/c/Windows/System32/rundll32.exe rundll32.exe xdg-open")]
    [InlineData("WSL_DISTRO_NAME=Debian;DISPLAY=:0", "xdg-open")]
    public void A_browser_is_tried_in_the_order_of_choice_Windows_desktop_and_a_text_browser_never(string variables, string programs) =>
        BrowserLadder.Commands(MachineOf(variables).WithFiles(), Address).Select(command => command.Program).ShouldBe(programs.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    [Theory]
    [InlineData(SystemKind.Windows, @"C:\Windows\System32\rundll32.exe")]
    [InlineData(SystemKind.MacOS, "/usr/bin/open")]
    [Assertion("CL-06")]
    internal void The_address_is_one_argument_and_neither_explorer_nor_a_shell_gets_it(SystemKind system, string program)
    {
        var command = BrowserLadder.Commands(MachineOf("").WithFiles() with { System = system, SystemFolder = @"C:\Windows\System32" }, Address).ShouldHaveSingleItem();

        command.Program.ShouldBe(program);
        command.Arguments[^1].ShouldBe(Address);
        foreach (var machine in (string[])["", "WSL_INTEROP=x", "DISPLAY=:0"])
            BrowserLadder.Commands(MachineOf(machine).WithFiles(), Address).ShouldAllBe(one => !one.Program.Contains("explorer") && !one.Program.Contains("cmd") && one.Arguments.Contains(Address));
    }

    [Theory]
    [InlineData(SystemKind.MacOS, "SSH_CONNECTION=10.0.0.2 50000 10.0.0.1 22", "this is an SSH session")]
    [InlineData(SystemKind.Windows, "SSH_CONNECTION=10.0.0.2 50000 10.0.0.1 22", "this is an SSH session")]
    [InlineData(SystemKind.Linux, "SSH_TTY=/dev/pts/3;DISPLAY=:10", "this is an SSH session")]
    [InlineData(SystemKind.Linux, "container=podman;DISPLAY=:0", "this is a container")]
    [InlineData(SystemKind.Linux, "SUDO_USER=alice;USER=root;DISPLAY=:0", "by sudo")]
    [InlineData(SystemKind.Linux, "", "there is no display")]
    internal async Task A_call_that_shows_no_address_opens_no_browser_where_the_person_is_not(SystemKind system, string variables, string reason)
    {
        await using var server = await ScriptedServer.StartAsync();
        var elsewhere = Surroundings.Of(MachineOf(variables).WithFiles() with { System = system });
        await using var client = new PublicClient(server.Options() with { OpenBrowser = null, Surroundings = elsewhere });

        var needed = await Should.ThrowAsync<SignInRequiredException>(() => client.GetSessionAsync(TestContext.Current.CancellationToken));

        needed.Reason.ShouldBe(SignInRequiredReason.NoBrowser);
        needed.Code.ShouldBe("no_browser");
        needed.Actual.ShouldContain(reason);
        needed.Remedy.ShouldContain("SignInRoad.Paste");
        server.AuthorizeRequests.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("SSH_TTY=/dev/pts/3;BROWSER=/usr/local/bin/open-on-my-desk", true)]
    [InlineData("container=podman;BROWSER=forward", true)]
    [InlineData("DISPLAY=:0", true)]
    [InlineData("container=podman", false)]
    public void Who_names_a_browser_knows_where_it_opens(string variables, bool hasBrowser) => Surroundings.Of(MachineOf(variables).WithFiles()).HasBrowser.ShouldBe(hasBrowser);

    private static MachineFacts MachineOf(string variables) =>
        Machine.With([.. variables.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2)).Select(pair => (pair[0], pair[1]))]);
}
