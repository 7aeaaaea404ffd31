namespace ProofKey.Cli.Tests;

/// <summary>What was typed wrong is said in a sentence, with another one that helps, and ends with exit code 2.</summary>
public sealed class UsageTests : IDisposable
{
    private readonly Cli _cli = new();

    public void Dispose() => _cli.Dispose();

    [Theory]
    [InlineData("", "Required command was not provided.", "proofkey --help")]
    [InlineData("fly", "'fly'", "proofkey --help")]
    [InlineData("tokn", "'tokn'", "Did you mean: proofkey token")]
    [InlineData("client shw", "'shw'", "Did you mean: proofkey client show")]
    [InlineData("client", "Required command was not provided.", "proofkey client --help")]
    [InlineData("client add", "NAME is missing.", "proofkey client add --help")]
    [InlineData("call", "METHOD is missing. URL is missing.", "proofkey call --help")]
    [InlineData("call GET", "error: URL is missing.", "proofkey call --help")]
    [InlineData("exec -p work", "error: COMMAND is missing.", "proofkey exec --help")]
    [InlineData("login https://login.example.com/.well-known/openid-configuration --client-id x", "address of a server's metadata", "Did you mean: proofkey login https://login.example.com\n")]
    [InlineData("login https://login.example.com/tenant/.well-known/openid-configuration", "address of a server's metadata", "Did you mean: proofkey login https://login.example.com/tenant\n")]
    [InlineData("login https://login.example.com/.well-known/oauth-authorization-server/tenant", "address of a server's metadata", "Did you mean: proofkey login https://login.example.com/tenant\n")]
    [InlineData("client add App", "either public or confidential", "--public")]
    [InlineData("client add App --public --confidential", "either public or confidential", "--confidential")]
    [InlineData("client add App --public --secret x", "'--secret'", "proofkey client add --help")]
    [InlineData("client add App --public", "at least one redirect URI", "http://127.0.0.1/callback")]
    [InlineData("client add App --public --redirect-uri http://127.0.0.1/cb --origin https://a.example/path", "An origin is scheme, host and port", "https://app.example.com")]
    [InlineData("client add App --public --redirect-uri http://127.0.0.1/cb --response-mode web_message", "no response mode web_message", "query")]
    [InlineData("user add alice", "no terminal", "--password-stdin")]
    [InlineData("user add alice --password-stdin", "no password on stdin", "--password-stdin")]
    [InlineData("serve --rotation never", "--rotation is not never", "tolerant or strict")]
    [InlineData("serve --urls 8080", "8080 is not an address", "--urls http://127.0.0.1:8080")]
    [InlineData("serve --urls http://127.0.0.1:8080/path", "is not an address", "--urls http://127.0.0.1:8080")]
    [InlineData("serve --urls http://login.internal:8080 --issuer https://login.example.com", "login.internal is a name", "* for every address")]
    [InlineData("serve --urls http://127.0.0.1:8080;http://127.0.0.1:8081", "issuer cannot be told", "--issuer")]
    [InlineData("serve --urls http://0.0.0.0:8080", "issuer cannot be told", "--issuer")]
    [InlineData("serve --urls http://127.0.0.1:0", "issuer cannot be told", "--issuer")]
    [InlineData("serve --issuer http://login.example.com", "must be https", "--issuer https://login.example.com")]
    [InlineData("serve --issuer https://login.example.com/?a=b", "no query", "--issuer https://login.example.com")]
    [InlineData("login", "address is needed", "proofkey login https://login.example.com")]
    [InlineData("login login.example.com --client-id x", "absolute https address", "https://login.example.com")]
    [InlineData("login http://login.example.com --client-id x", "must be https", "https://login.example.com")]
    [InlineData("login https://login.example.com", "--client-id is needed", "PROOFKEY_CLIENT_ID")]
    [InlineData("login https://login.example.com --client-id x --profile ../x", "A profile's name", "--profile")]
    [InlineData("logout --data x", "'--data'", "proofkey logout --help")]
    [InlineData("token --bogus", "'--bogus'", "proofkey token --help")]
    [InlineData("token --bogus value", "'--bogus'", "proofkey token --help")]
    [InlineData("login --profil work", "'--profil'", "Did you mean: proofkey login --profile")]
    [InlineData("user add --admn", "'--admn'", "Did you mean: proofkey user add --admin")]
    [InlineData("database backup --jsn", "'--jsn'", "proofkey database backup --help")]
    [InlineData("exec --profil work -- true", "'--profil'", "Did you mean: proofkey exec --profile")]
    [InlineData("token --profil value", "'--profil'", "Did you mean: proofkey token --profile")]
    public async Task A_wrong_command_line_is_explained(string line, string problem, string remedy)
    {
        _cli.Environment["PROOFKEY_DATA"] = _cli.Data;
        var outcome = await _cli.RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        outcome.ShouldBeFailure(2, problem, remedy);
    }

    [Theory]
    [InlineData("--data is empty", "serve", "--data", "")]
    [InlineData("--client-id is empty", "login", "https://login.example.com", "--client-id", "")]
    [InlineData("printable ASCII", "login", "https://login.example.com", "--client-id", "ü")]
    [InlineData("--scope is empty", "login", "https://login.example.com", "--client-id", "x", "--scope", "")]
    public async Task An_unset_variable_of_a_shell_is_explained(string problem, params string[] words) => (await _cli.RunAsync(words)).ShouldBeFailure(2, problem);

    [Fact]
    [Assertion("RU-09")]
    public async Task Redirect_URIs_that_cannot_be_are_refused_with_the_remedy()
    {
        foreach (var (uri, problem) in new[]
        {
            ("http://app.example.com/callback", "use https"),
            ("https://app.example.com/callback#x", "no fragment"),
            ("https://*.example.com/callback", "no wildcards"),
            ("https://alice@app.example.com/callback", "no user name"),
            ("HTTPS://app.example.com/callback", "small letters"),
            ("https://app.example.com:443/callback", "did you mean"),
            ("myapp://callback", "has a dot"),
            ("/callback", "is absolute"),
            ("https://app.example.com/callback?code=1", "has no code"),
        })
        {
            var outcome = await _cli.RunAsync("client", "add", "App", "--public", "--redirect-uri", uri, "--data", _cli.Data);
            outcome.ShouldBeFailure(2, problem);
        }
        (await _cli.OutputOfAsync("client", "list", "--json", "--data", _cli.Data)).ShouldBe("[]");
    }
}
