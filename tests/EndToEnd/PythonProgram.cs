using System.Text.RegularExpressions;

namespace EndToEnd;

/// <summary>A program of <c>samples/seeds</c>, run by the system's own Python with the system's own libraries.</summary>
public static partial class PythonProgram
{
    private const string Python = "/usr/bin/python3";

    /// <summary>The address of an authorization request, as the programs print it.</summary>
    [GeneratedRegex(@"http://127\.0\.0\.1:\d+/authorize\?\S+")]
    public static partial Regex AuthorizationRequest { get; }

    public static ChildProcess Start(string file, RunningServer server, string clientId, string redirectUri, params string[] arguments) =>
        Start(file, arguments, Settings(server, clientId, redirectUri));

    /// <summary>Starts a program that calls an API by itself.</summary>
    public static ChildProcess StartWithApi(string file, RunningServer server, string clientId, string redirectUri, Uri api)
    {
        var settings = Settings(server, clientId, redirectUri);
        settings["API_URL"] = api.AbsoluteUri;
        return Start(file, [], settings);
    }

    // -u: no line waits in a buffer.
    private static ChildProcess Start(string file, string[] arguments, Dictionary<string, string> settings) =>
        ChildProcess.Start(Python, ["-u", Path.Combine(AppContext.BaseDirectory, "samples", "seeds", file), .. arguments], settings);

    private static Dictionary<string, string> Settings(RunningServer server, string clientId, string redirectUri) => new()
    {
        ["ISSUER"] = server.Issuer,
        ["CLIENT_ID"] = clientId,
        ["REDIRECT_URI"] = redirectUri,
        // oauthlib refuses http everywhere, loopback too, unless told.
        ["OAUTHLIB_INSECURE_TRANSPORT"] = "1",
        // webbrowser.open runs this instead of a browser.
        ["BROWSER"] = "true",
        ["PYTHONDONTWRITEBYTECODE"] = "1",
    };

    /// <summary>Fails with the remedy when Debian's packages are missing.</summary>
    public static async Task RequireAsync(CancellationToken cancellation)
    {
        File.Exists(Python).ShouldBeTrue(Remedy);
        await using var imports = ChildProcess.Start(Python, ["-c", "import requests, requests_oauthlib"], new Dictionary<string, string>());
        (await imports.ExitAsync(cancellation)).ExitCode.ShouldBe(0, Remedy);
    }

    private const string Remedy = "The documents' programs need: apt-get install python3-requests python3-requests-oauthlib";
}
