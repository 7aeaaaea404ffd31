using System.Text.Json;

namespace ProofKey.Cli.Tests;

/// <summary>Which profile is meant where none is named.</summary>
public sealed class SwitchTests : SignedInCli
{
    [Fact]
    public async Task The_profile_that_was_switched_to_is_meant_until_it_is_gone()
    {
        await LoginAsync("-p", "work", "--scope", "openid profile");
        (await ActiveAsync()).ShouldBe("default");

        (await Cli.RunAsync("switch", "work")).Errors.ShouldStartWith("Profile work is meant from now on: ");
        (await ActiveAsync()).ShouldBe("work");
        (await Cli.OutputOfAsync("list")).ShouldMatch("(?m)^work .* yes$");
        (await Cli.OutputOfAsync("whoami")).ShouldMatch("profile +work");
        (await Cli.OutputOfAsync("whoami", "-p", "default")).ShouldMatch("profile +default");

        (await Cli.RunAsync("logout")).Errors.ShouldContain("profile work is forgotten");
        (await ActiveAsync()).ShouldBe("default");
        (await Cli.OutputOfAsync("whoami")).ShouldMatch("profile +default");
    }

    [Fact]
    public async Task The_command_to_sign_in_again_names_a_profile_that_is_not_meant_anyway()
    {
        await LoginAsync("-p", "work");
        (await Cli.RunAsync("switch", "work")).ExitCode.ShouldBe(0);
        (await Cli.RunAsync("user", "remove", "alice", "--data", Cli.Data)).ExitCode.ShouldBe(0);
        (await Cli.RunAsync("whoami")).ShouldBeFailure(4, "Sign in again with: proofkey login\n");
        (await Cli.RunAsync("whoami", "-p", "default")).ShouldBeFailure(4, "Sign in again with: proofkey login -p default\n");
    }

    [Fact]
    public async Task With_a_variable_the_command_to_sign_in_again_names_the_profile()
    {
        await LoginAsync("-p", "work");
        (await Cli.RunAsync("user", "remove", "alice", "--data", Cli.Data)).ExitCode.ShouldBe(0);
        Cli.Environment["PROOFKEY_PROFILE"] = "work";
        (await Cli.RunAsync("whoami", "-p", "default")).ShouldBeFailure(4, "Sign in again with: proofkey login -p default\n");
        (await Cli.RunAsync("whoami")).ShouldBeFailure(4, "Sign in again with: proofkey login -p work\n");
        (await Cli.RunAsync("switch", "work")).ExitCode.ShouldBe(0);
        (await Cli.RunAsync("whoami")).ShouldBeFailure(4, "Sign in again with: proofkey login\n");
    }

    [Fact]
    public async Task A_profile_that_is_not_there_cannot_be_switched_to_and_a_variable_goes_before_what_was_switched_to()
    {
        (await Cli.RunAsync("switch", "play")).ShouldBeFailure(4, "There is no profile play", "default");
        (await Cli.RunAsync("switch", "../play")).ShouldBeFailure(2, "A profile's name has");
        await LoginAsync("-p", "work");
        Cli.Environment["PROOFKEY_PROFILE"] = "default";
        (await Cli.RunAsync("switch", "work")).Errors.ShouldContain("PROOFKEY_PROFILE or the configuration file says default");
        (await Cli.OutputOfAsync("whoami")).ShouldMatch("profile +default");
    }

    private async Task<string?> ActiveAsync()
    {
        using var json = JsonDocument.Parse(await Cli.OutputOfAsync("list", "--json"));
        return json.RootElement.EnumerateArray().Single(profile => profile.GetProperty("active").GetBoolean()).GetProperty("profile").GetString();
    }
}
