using System.CommandLine;
using ProofKey.Cli.Configuration;
using ProofKey.Cli.Hosting;
using ProofKey.Cli.Output;
using ProofKey.Cli.Sessions;

namespace ProofKey.Cli.Commands;

/// <summary>One run of a verb: what was typed and set, where to speak, and when to stop.</summary>
internal sealed record Invocation(ParseResult Parsed, Settings Settings, Terminal Terminal, CancellationToken Cancellation)
{
    public static Invocation Of(ParseResult parsed, CancellationToken cancellation)
    {
        var path = new Settings(parsed, ConfigurationFile.None).Text(CommonOptions.Config);
        var file = path is null ? ConfigurationFile.None : ConfigurationFile.Read(path, CommonOptions.KeysOf(parsed.RootCommandResult.Command));
        return new Invocation(parsed, new Settings(parsed, file), new Terminal(), cancellation);
    }

    /// <summary>The value of an argument that must be there.</summary>
    public string Argument(Argument<string> argument) => Parsed.GetValue(argument) ?? "";

    /// <summary>The profile that is meant.</summary>
    public string ProfileName => Profiles.Checked(Settings.Text(CommonOptions.Profile) ?? Profile.DefaultName);

    /// <summary>Opens the data folder that is meant.</summary>
    public DataFolder OpenData() => DataFolder.Open(Settings.Text(CommonOptions.Data) ?? Folders.Data());

    /// <summary>Opens the registry in that folder.</summary>
    public Task<Administration> AdministerAsync() => Administration.OpenAsync(OpenData(), Cancellation);
}
