using System.Text.Json;
using System.Text.RegularExpressions;

namespace EndToEnd.Interop;

/// <summary>
/// A program around a client library that others wrote. It prints <c>BROWSE address</c> where a person must act, reads the address that the
/// browser ended at, and prints what came of it as JSON.
/// </summary>
public static partial class ThirdPartyClient
{
    public const string RedirectUri = "http://127.0.0.1/callback";
    public const string PostLogoutRedirectUri = "http://127.0.0.1/signed-out";

    private const string Python = "/usr/bin/python3";
    private const string NodeRemedy = "These tests run clients from npm: install Node.js 20 or newer, then run npm ci in tests/EndToEnd (or ./test, which does that)";
    private const string PythonRemedy = "These tests run Debian's Authlib: apt-get install python3-authlib python3-requests";

    private static readonly string Scripts = Path.Combine(AppContext.BaseDirectory, "Interop");

    [GeneratedRegex(@"^BROWSE (?<address>\S+)$|^(?<result>\{.*\})$")]
    private static partial Regex Line { get; }

    /// <summary>Where npm has put the clients.</summary>
    public static string NodeModules
    {
        get
        {
            for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
                if (Directory.Exists(Path.Combine(folder.FullName, "node_modules", "openid-client")))
                    return Path.Combine(folder.FullName, "node_modules");
            throw new InvalidOperationException(NodeRemedy);
        }
    }

    /// <summary>Runs one scenario of a script to its end.</summary>
    /// <param name="script">The file, whose ending tells what runs it.</param>
    /// <param name="scenario">The name of the scenario.</param>
    /// <param name="settings">What the script reads as variables, over the issuer and the redirect URI.</param>
    /// <param name="person">What the person does with each address that the script sends them to.</param>
    /// <param name="cancellation">Ends the test.</param>
    public static async Task<JsonElement> RunAsync(
        string script, string scenario, Dictionary<string, string> settings, Func<Uri, Task<Uri>> person, CancellationToken cancellation)
    {
        await using var program = await StartAsync(script, scenario, settings, cancellation);
        while (true)
        {
            var line = await program.ReadUntilAsync(Line, cancellation);
            if (line.Groups["result"].Success)
                return JsonDocument.Parse(line.Groups["result"].Value).RootElement;
            await program.WriteLineAsync((await person(new Uri(line.Groups["address"].Value))).AbsoluteUri);
        }
    }

    private static async Task<ChildProcess> StartAsync(string script, string scenario, Dictionary<string, string> settings, CancellationToken cancellation)
    {
        var file = Path.Combine(Scripts, script);
        if (Path.GetExtension(script) == ".mjs")
        {
            _ = NodeModules;
            return ChildProcess.Start("node", [file, scenario], settings);
        }

        File.Exists(Python).ShouldBeTrue(PythonRemedy);
        await using (var imports = ChildProcess.Start(Python, ["-c", "import authlib, requests"], new Dictionary<string, string>()))
            (await imports.ExitAsync(cancellation)).ExitCode.ShouldBe(0, PythonRemedy);
        return ChildProcess.Start(Python, ["-u", file, scenario], new Dictionary<string, string>(settings) { ["PYTHONDONTWRITEBYTECODE"] = "1", ["AUTHLIB_INSECURE_TRANSPORT"] = "1" });
    }
}
