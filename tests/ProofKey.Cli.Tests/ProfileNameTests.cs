using ProofKey.Cli.Sessions;

namespace ProofKey.Cli.Tests;

/// <summary>Names of profiles on systems whose file names know no capital letters, and have devices among them.</summary>
public sealed class ProfileNameTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("proofkey-profiles-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    [Assertion("CL-20")]
    public void A_folder_that_is_another_profiles_is_not_used()
    {
        var profiles = new Profiles(_folder.FullName);
        profiles.Remember(new Profile { Name = "work", Issuer = "https://login.example.com", ClientId = "cli", Scope = "openid" });
        // What Windows and macOS do by themselves.
        Directory.CreateSymbolicLink(profiles.FolderOf("Work"), profiles.FolderOf("work"));

        var refused = Should.Throw<CommandException>(() => profiles.Find("Work"));

        refused.ExitCode.ShouldBe(2);
        refused.Problem.ShouldContain("profile work has the folder of Work");
        profiles.Find("work").ShouldNotBeNull();
    }

    [Fact]
    public void Sign_ins_that_end_together_leave_a_whole_profile()
    {
        var profiles = new Profiles(_folder.FullName);
        var profile = new Profile { Name = "work", Issuer = "https://login.example.com", ClientId = "cli", Scope = "openid" };

        Parallel.For(0, 64, _ =>
        {
            profiles.Remember(profile);
            profiles.Activate("work");
            profiles.Find("work").ShouldNotBeNull();
        });

        Directory.EnumerateFiles(_folder.FullName, "*.new", SearchOption.AllDirectories).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("con")]
    [InlineData("NUL")]
    [InlineData("aux.work")]
    [InlineData("Com3")]
    public void The_name_of_a_device_is_no_name(string name) => Should.Throw<CommandException>(() => Profiles.Checked(name)).Problem.ShouldContain("device");
}
