namespace EndToEnd;

/// <summary>The single-file programs of samples/, run with <c>dotnet run</c> as their readers do.</summary>
public sealed class CSharpSampleTests(RunningServer server, CSharpSampleTests.Document003 sample) : IClassFixture<CSharpSampleTests.Document003>
{
    private const string RedirectUri = "https://your-app.example/callback";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("allow", "", 0, "Signed in as ")]
    [InlineData("deny", "", 9, "Not signed in: UserDenied.")]
    [InlineData("allow", "&state=another", 7, "This is not an answer to our request")]
    public async Task Document_003_in_three_steps_of_the_client_library(string decision, string addition, int exitCode, string sentence)
    {
        var client = await server.AddClientAsync("Document 003", Cancellation, "--redirect-uri", RedirectUri);
        await using var program = sample.Run(server.Issuer, client, RedirectUri);
        using var person = new Person { Decision = decision };

        var request = await program.ReadUntilAsync(PythonProgram.AuthorizationRequest, Cancellation);
        var answer = await person.AnswerAsync(new Uri(request.Value), Cancellation);
        await program.WriteLineAsync($"{answer.AbsoluteUri}{addition}");
        var result = await program.ExitAsync(Cancellation);

        result.Output.ShouldContain(sentence);
        result.ExitCode.ShouldBe(exitCode, result.Errors);
    }

    /// <summary>The sample, compiled once into a folder of its own.</summary>
    public sealed class Document003 : IAsyncLifetime
    {
        private readonly DirectoryInfo _artifacts = Directory.CreateTempSubdirectory("proofkey-samples-");
        private readonly string _file = Path.Combine(Root(), "samples", "document-003.cs");

        public async ValueTask InitializeAsync()
        {
            await using var build = Dotnet("build", _file, "--artifacts-path", _artifacts.FullName, "-v", "quiet");
            var result = await build.ExitAsync(Cancellation, TimeSpan.FromMinutes(5));
            result.ExitCode.ShouldBe(0, result.Output + result.Errors);
        }

        public ChildProcess Run(params string[] arguments) =>
            Dotnet(["run", _file, "--no-build", "--artifacts-path", _artifacts.FullName, "--", .. arguments]);

        public ValueTask DisposeAsync()
        {
            _artifacts.Delete(recursive: true);
            return ValueTask.CompletedTask;
        }

        private static ChildProcess Dotnet(params string[] arguments) => ChildProcess.Start(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            arguments,
            new Dictionary<string, string>
            {
                ["DOTNET_NOLOGO"] = "1",
                ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
                // No build server outlives the test.
                ["MSBUILDDISABLENODEREUSE"] = "1",
                ["UseSharedCompilation"] = "false",
            });

        private static string Root()
        {
            for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
                if (File.Exists(Path.Combine(folder.FullName, "ProofKey.slnx"))) return folder.FullName;
            return Environment.GetEnvironmentVariable("PROOFKEY_ROOT")
                ?? throw new InvalidOperationException("The tests are not inside the repository: set PROOFKEY_ROOT to its root.");
        }
    }
}
