using System.Diagnostics;
using System.Text.Json;

namespace ProofKey.Bench;

/// <summary>Our own program with one database: people and a client are registered as an operator would.</summary>
/// <param name="program">The program, or its assembly.</param>
/// <param name="place">The options that say where the database is.</param>
internal sealed class ProofKeyProgram(string program, params string[] place)
{
    public const string RedirectUri = "https://bench.example/callback";
    public const string Password = "a password for benchmarks";

    /// <summary>Who can sign in: the server takes ten thousand proofs of one account in twenty minutes, so one alone does not do.</summary>
    public static IReadOnlyList<string> People { get; } = [.. Enumerable.Range(0, 16).Select(i => $"bench{i}")];

    /// <summary>The program that was built with the benchmark.</summary>
    public static string Built => Path.Combine(AppContext.BaseDirectory, "proofkey.dll");

    /// <summary>The same program at another place.</summary>
    public ProofKeyProgram At(params string[] otherPlace) => new(program, otherPlace);

    /// <summary>Registers people and a first-party client.</summary>
    /// <returns>The client's id.</returns>
    public async Task<string> PrepareAsync()
    {
        foreach (var person in People) await RunAsync(Password + "\n", ["user", "add", person, "--password-stdin"]);
        var json = await RunAsync("", ["client", "add", "Bench", "--public", "--first-party", "--redirect-uri", RedirectUri, "--json"]);
        return JsonDocument.Parse(json).RootElement.GetProperty("client_id").GetString()!;
    }

    /// <summary>Registers an API that introspects its tokens, and a client that gets them.</summary>
    public async Task<IntrospectionEnds> PrepareIntrospectionAsync()
    {
        const string Api = "https://api.bench.example/";
        await RunAsync("", ["resource", "add", Api, "--name", "Bench API", "--scope", "bench.read"]);
        var api = JsonDocument.Parse(await RunAsync("", ["client", "add", "Bench API", "--confidential", "--introspects", Api, "--json"])).RootElement;
        var json = await RunAsync("", ["client", "add", "Bench of the API", "--public", "--first-party", "--redirect-uri", RedirectUri, "--audience", Api, "--json"]);
        var client = JsonDocument.Parse(json).RootElement.GetProperty("client_id").GetString()!;
        return new IntrospectionEnds(api.GetProperty("client_id").GetString()!, api.GetProperty("client_secret").GetString()!, Api, Client(client, strictRotation: true));
    }

    /// <summary>The client as the load needs to know it.</summary>
    public static LoadClient Client(string id, bool strictRotation) => new(id, RedirectUri, "openid profile offline_access", strictRotation);

    public async Task<ServerProcess> ServeAsync(bool strictRotation)
    {
        var issuer = $"http://127.0.0.1:{ServerProcess.FreePort()}";
        return await ServerProcess.StartAsync(Command(["serve", "--urls", issuer, "--rotation", strictRotation ? "strict" : "tolerant"]), issuer);
    }

    private async Task<string> RunAsync(string input, string[] arguments)
    {
        var command = Command(arguments);
        command.RedirectStandardInput = command.RedirectStandardOutput = command.RedirectStandardError = true;
        using var process = Process.Start(command)!;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"proofkey {string.Join(' ', arguments)}: {await errors}");
    }

    private ProcessStartInfo Command(string[] arguments)
    {
        var isAssembly = program.EndsWith(".dll", StringComparison.Ordinal);
        string[] all = [.. isAssembly ? [program] : Array.Empty<string>(), .. arguments, .. place];
        return new ProcessStartInfo(isAssembly ? "dotnet" : program, all);
    }
}
