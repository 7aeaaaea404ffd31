using System.Runtime.CompilerServices;

namespace ProofKey.Client.Tests;

/// <summary>docs/errors: a page for each code, and no page for none.</summary>
public sealed class ErrorPageTests
{
    private static string Folder([CallerFilePath] string path = "") => Path.Combine(Path.GetDirectoryName(path)!, "..", "..", "docs", "errors");

    private static IEnumerable<string> Pages => Directory.GetFiles(Folder(), "*.md").Select(path => Path.GetFileNameWithoutExtension(path)).Where(name => name != "README");

    [Fact]
    public void Every_code_has_its_page_and_every_page_its_code() => Pages.Order(StringComparer.Ordinal).ShouldBe(ErrorPages.Codes.Order(StringComparer.Ordinal));

    [Fact]
    public void Every_page_says_what_happened_why_it_stops_and_what_to_do()
    {
        foreach (var page in Pages)
        {
            var text = File.ReadAllText(Path.Combine(Folder(), page + ".md"));
            text.ShouldStartWith($"# {page}\n\n");
            text.ShouldContain("\n## Why it stops here\n\n", customMessage: page);
            text.ShouldContain("\n## What to do\n\n", customMessage: page);
        }
    }

    [Fact]
    public void The_list_of_pages_has_them_all()
    {
        var list = File.ReadAllText(Path.Combine(Folder(), "README.md"));
        Pages.Where(page => !list.Contains($"]({page}.md)", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    public static TheoryData<SignInResult> Endings => new()
    {
        new SignInResult.Cancelled(CancelReason.TimedOut),
        new SignInResult.Cancelled(CancelReason.UserDenied),
        new SignInResult.Refused(new OAuthError("invalid_scope", "No.")),
        new SignInResult.Refused(new OAuthError("of_their_own", "No.")),
        new SignInResult.Unavailable(true, new AuthorizationServerUnavailableException("timeout", "an answer", "there was none", "Try again.")),
        new SignInResult.Rejected(new ProtocolViolation("issuer_missing", "an issuer", "there was none", "Do not go on.")),
    };

    [Theory]
    [MemberData(nameof(Endings))]
    public void Every_ending_without_a_session_says_what_was_expected_what_came_what_to_do_and_where_it_is_explained(SignInResult ending)
    {
        var failure = ending.Failure.ShouldNotBeNull();
        foreach (var text in (string[])[failure.Expected, failure.Actual, failure.Remedy]) text.ShouldNotBeNullOrWhiteSpace();
        ErrorPages.Codes.ShouldContain(failure.Code);
        failure.Help.ShouldBe($"docs/errors/{failure.Code}.md");
        ending.ToString().ShouldContain($"Outcome = {ending.Outcome}");
        Should.Throw<ClientException>(ending.SessionOrThrow).Code.ShouldBe(failure.Code);
    }

    [Fact]
    public void Every_literal_code_in_the_sources_is_in_the_list()
    {
        var sources = Directory.GetFiles(Path.Combine(Folder(), "..", "..", "src", "ProofKey.Client"), "*.cs", SearchOption.AllDirectories).Where(path => !path.Contains("/obj/", StringComparison.Ordinal));
        var thrown = sources.SelectMany(path => System.Text.RegularExpressions.Regex.Matches(
            File.ReadAllText(path), """(?:ProtocolViolation(?:Exception)?|AuthorizationServerUnavailableException|Violation|Unavailable)\(\s*"(?<code>[a-z0-9_]+)",""")).Select(match => match.Groups["code"].Value).ToList();

        thrown.Count.ShouldBeGreaterThan(25);
        thrown.Where(code => !ErrorPages.Codes.Contains(code)).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_exception_and_a_violation_name_their_page()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.SpoilMetadata = metadata => metadata["issuer"] = "https://other.example";
        await using var client = new PublicClient(server.Options());

        var problem = await Should.ThrowAsync<ProtocolViolationException>(() => client.BeginAsync(TestContext.Current.CancellationToken));

        problem.Help.ShouldBe("docs/errors/metadata_issuer.md");
        problem.Violation.Help.ShouldBe(problem.Help);
    }
}
