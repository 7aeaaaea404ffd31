namespace ProofKey.Cli.Tests;

/// <summary><c>proofkey exec</c>: the other program gets the token, and everything else is as if it had been started by itself.</summary>
public sealed class ExecTests : SignedInCli
{
    [Fact]
    public async Task The_program_has_the_token_in_its_environment_and_its_own_arguments()
    {
        var token = await Cli.OutputOfAsync("token");
        (await Cli.OutputOfAsync("exec", "--", "sh", "-c", "printf '%s|%s|%s' \"$ACCESS_TOKEN\" \"$1\" \"$2\"", "sh", "--profile", "it's; two")).ShouldBe($"{token}|--profile|it's; two");
        (await Cli.OutputOfAsync("exec", "--variable", "GITLAB_TOKEN", "--", "sh", "-c", "printf '%s|%s' \"$GITLAB_TOKEN\" \"$ACCESS_TOKEN\"")).ShouldBe($"{token}|");
        (await Cli.RunWithAsync("from stdin", "exec", "--", "cat")).Output.ShouldBe("from stdin");
    }

    [Fact]
    public async Task Its_exit_code_is_that_of_the_program()
    {
        (await Cli.RunAsync("exec", "--", "sh", "-c", "exit 42")).ShouldBe(new Outcome(42, "", ""));
        // What the shell makes of a program that a signal has ended
        (await RunOtherAsync("sh", "-c", $"{Proofkey} exec -- sh -c 'kill -KILL $$'; echo $?")).Output.ShouldBe("137\n");
    }

    [Theory]
    [InlineData("TERM"), InlineData("INT")]
    public async Task Signals_reach_the_program(string signal)
    {
        await using var running = Cli.Start("exec", "--", "bash", "-c", $"trap 'kill $!; exit 7' {signal}; echo ready; sleep 60 & wait");
        await running.OutputUntilAsync(new("ready"));
        if (signal == "INT") running.PressControlC();
        else running.AskToStop();
        (await running.EndAsync()).ExitCode.ShouldBe(7);
    }

    [Fact]
    public async Task A_broken_pipe_ends_the_program_as_it_would_without_us()
    {
        var ignored = (await Cli.OutputOfAsync("exec", "--", "grep", "SigIgn", "/proc/self/status")).Split('\t')[1];
        (Convert.ToUInt64(ignored, 16) & (1UL << (13 - 1))).ShouldBe(0UL);
    }

    [Fact]
    public async Task What_opens_our_own_files_does_not_go_on()
    {
        Cli.Environment["PROOFKEY_PASSPHRASE"] = "five words that unlock it";
        Cli.Environment["PROOFKEY_ROOT_KEY"] = new string('0', 64);
        Cli.Environment["PROOFKEY_DATABASE"] = "Host=db;Password=secret";
        var environment = await Cli.OutputOfAsync("exec", "--", "env");
        environment.ShouldContain("ACCESS_TOKEN=");
        environment.ShouldNotContain("PROOFKEY_PASSPHRASE");
        environment.ShouldNotContain("PROOFKEY_ROOT_KEY");
        environment.ShouldNotContain("PROOFKEY_DATABASE");
    }

    [Fact]
    public async Task Nothing_of_the_runtime_is_left_in_the_folder_for_temporary_files()
    {
        Cli.Environment["TMPDIR"] = Directory.CreateDirectory(Cli.PathOf("temporary")).FullName;
        (await Cli.RunAsync("exec", "--", "true")).ExitCode.ShouldBe(0);
        Directory.EnumerateFileSystemEntries(Cli.PathOf("temporary"), "dotnet-diagnostic-*").ShouldBeEmpty();
    }

    [Fact]
    public async Task A_token_that_does_not_last_as_long_as_was_asked_for_is_said_to_be_short()
    {
        (await Cli.RunAsync("exec", "--", "true")).Errors.ShouldBeEmpty();
        (await Cli.RunAsync("exec", "--min-valid", "30m", "--", "true")).Errors.ShouldMatch("The token lasts (10|9) min, and 30 min were asked for: the server gives no longer ones.");
        (await Cli.RunAsync("token", "--min-valid", "9m")).Errors.ShouldBeEmpty();

        await Cli.ChangeAsync("default", session => session with { ExpiresAt = DateTimeOffset.UtcNow.AddSeconds(30), ObtainedAt = DateTimeOffset.UtcNow.AddMinutes(-9) });
        await Server.StopAsync();
        (await Cli.RunAsync("token")).Errors.ShouldMatch("The token lasts [123]?[0-9] s, and 60 s were asked for: the server did not give another one.");
        await Cli.ChangeAsync("default", session => session with { RefreshToken = null });
        (await Cli.RunAsync("token")).Errors.ShouldContain("the session has no refresh token to get another one with.");
    }

    [Fact]
    public async Task A_variable_that_is_not_UTF_8_goes_on_as_it_is() =>
        (await RunOtherAsync("sh", "-c", $$"""CAFE=$(printf 'caf\351') ACCESS_TOKEN=old exec {{Proofkey}} exec -- sh -c 'printf %s "$CAFE" | od -An -tx1; env | grep -c ^ACCESS_TOKEN='""")).Output.ShouldBe(" 63 61 66 e9\n1\n");

    [Fact]
    public async Task Without_a_PATH_nothing_is_taken_from_the_current_folder()
    {
        var program = Cli.Write("glab", "#!/bin/sh\necho ours\n");
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        foreach (var path in (string?[])["", null])
        {
            Cli.Environment["PATH"] = path;
            (await Cli.RunAsync("exec", "--", "glab")).ShouldBeFailure(127, "glab was not found", "PATH");
            (await Cli.OutputOfAsync("exec", "--", "sh", "-c", "echo found")).ShouldBe("found");
        }
        (await Cli.OutputOfAsync("exec", "--", "./glab")).ShouldBe("ours");
    }

    [Fact]
    public async Task A_program_that_cannot_be_run_is_named_and_no_session_is_touched()
    {
        (await Cli.RunAsync("exec", "--", "no-such-program")).ShouldBeFailure(127, "no-such-program was not found", "PATH");
        (await Cli.RunAsync("exec", "--", Path.GetDirectoryName(Cli.Write("notes", "text"))!)).ShouldBeFailure(126, "is a folder", "Name a program");
        (await Cli.RunAsync("exec", "--", Cli.PathOf("notes"))).ShouldBeFailure(126, "not a program that may be run", "chmod +x");
        File.SetUnixFileMode(Cli.PathOf("notes"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        (await Cli.RunAsync("exec", "--", Cli.PathOf("notes"))).ShouldBeFailure(126, "cannot be run: Exec format error");
        (await Cli.RunAsync("exec")).ShouldBeFailure(2, "COMMAND is missing.", "proofkey exec --help");
        (await Cli.RunAsync("exec", "--variable", "A=B", "--", "env")).ShouldBeFailure(2, "name of a variable");
        (await Cli.RunAsync("exec", "-p", "work", "--", "env")).ShouldBeFailure(4, "There is no profile work");
    }
}
