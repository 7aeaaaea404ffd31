using System.CommandLine;
using ProofKey.Cli.Commands;
using ProofKey.Cli.Configuration;
using ProofKey.Cli.Sessions;

namespace ProofKey.Cli.Tests;

/// <summary>How long a person may take over a sign-in.</summary>
public sealed class TimeoutTests
{
    [Theory]
    [InlineData("", 300)]
    [InlineData("--timeout 20m", 1200)]
    public async Task It_is_five_minutes_unless_another_time_is_said(string typed, int seconds)
    {
        var (roads, command) = (new RoadOptions(), new RootCommand());
        foreach (var option in roads.All) command.Options.Add(option);
        var said = roads.Timeout(new Settings(command.Parse(typed), ConfigurationFile.None));
        var profile = new Profile { Name = "work", Issuer = "https://login.example.com", ClientId = "app", Scope = Profile.DefaultScope };

        await using var client = profile.CreateClient(TokenStore.InMemory, said);

        client.Options.Timeout.ShouldBe(TimeSpan.FromSeconds(seconds));
    }
}
