namespace EndToEnd.Providers;

/// <summary>A server of Debian's Authlib and Flask: answers by query alone, RS256, no issuer in its answers, no pushed requests.</summary>
public sealed class AuthlibServer : ForeignProvider
{
    private const string Python = "/usr/bin/python3";
    private const string Remedy = "These tests run a server of Debian's Authlib: apt-get install python3-authlib python3-flask";

    protected override async Task<ChildProcess> StartAsync(CancellationToken cancellation)
    {
        File.Exists(Python).ShouldBeTrue(Remedy);
        await using (var imports = ChildProcess.Start(Python, ["-c", "import authlib, flask"], new Dictionary<string, string>()))
            (await imports.ExitAsync(cancellation)).ExitCode.ShouldBe(0, Remedy);
        return ChildProcess.Start(
            Python, ["-u", Path.Combine(AppContext.BaseDirectory, "Providers", "authlib_server.py")],
            new Dictionary<string, string> { ["ISSUER"] = Issuer, ["PORT"] = $"{Port}", ["AUTHLIB_INSECURE_TRANSPORT"] = "1", ["PYTHONDONTWRITEBYTECODE"] = "1" });
    }
}
