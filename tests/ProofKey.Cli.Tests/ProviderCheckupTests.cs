using System.Net;
using System.Net.Sockets;
using System.Text;
using ProofKey.Cli.Doctor;

namespace ProofKey.Cli.Tests;

/// <summary>What <c>doctor</c> makes of an address that many tenants share, and of a connection that breaks.</summary>
public sealed class ProviderCheckupTests
{
    private const string Template = "https://login.microsoftonline.com/{tenantid}/v2.0";

    [Theory]
    [InlineData("https://login.microsoftonline.com/common/v2.0", Template, true)]
    [InlineData("https://login.microsoftonline.com/common/v2.0", "https://login.microsoftonline.com/common/v2.0", false)]
    [InlineData("https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0", Template, false)]
    [InlineData("https://login.example.com", Template, false)]
    [Assertion("MD-11")]
    public async Task A_template_is_the_name_of_the_shared_addresses_alone(string issuer, string named, bool isFine)
    {
        using var wire = new Wire($$"""{"issuer":"{{named}}"}""");
        using var http = new HttpClient(wire);

        var found = await new ProviderCheckup(Issuer.Parse(issuer), http, TimeProvider.System, TestContext.Current.CancellationToken).RunAsync();

        found.Any(finding => finding.ToString()!.Contains("names itself as you do", StringComparison.Ordinal)).ShouldBe(isFine);
        found.Any(finding => finding.ToString()!.Contains($"names itself {named}", StringComparison.Ordinal)).ShouldBe(!isFine);
    }

    [Theory]
    [InlineData("""{"issuer":"https://login.example.com","end_session_endpoint":"https://login.example.com/logout"}""", "logout --browser opens its page")]
    [InlineData("""{"issuer":"https://login.example.com"}""", "logout --browser does not work there")]
    [InlineData("""{"issuer":"https://login.example.com","end_session_endpoint":7}""", "logout --browser does not work there")]
    public async Task Whether_a_browser_can_be_signed_out_is_told(string metadata, string said)
    {
        using var wire = new Wire(metadata);
        using var http = new HttpClient(wire);

        var found = await new ProviderCheckup(Issuer.Parse("https://login.example.com"), http, TimeProvider.System, TestContext.Current.CancellationToken).RunAsync();

        var finding = found.Single(finding => finding.Name == "sign-out");
        finding.State.ShouldBe(Finding.Good);
        finding.Text.ShouldContain(said);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_connection_that_ends_while_it_is_made_is_a_finding(bool ofProvider)
    {
        using var http = new HttpClient(new Broken());
        var issuer = Issuer.Parse("https://login.example.com");

        var found = ofProvider
            ? await new ProviderCheckup(issuer, http, TimeProvider.System, TestContext.Current.CancellationToken).RunAsync()
            : await new ServerCheckup(issuer, http, TestContext.Current.CancellationToken).RunAsync();

        var finding = found.ShouldHaveSingleItem();
        (finding.Name, finding.State).ShouldBe(("metadata", Finding.Bad));
        finding.Text.ShouldContain("Nobody answers");
        finding.Text.ShouldContain("(NotConnected)");
    }

    /// <summary>Does what the platform does with a connection whose other end is gone when it asks for its address.</summary>
    private sealed class Broken : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => throw new SocketException((int)SocketError.NotConnected);
    }

    /// <summary>Answers with metadata, in the name of a server on the Internet.</summary>
    private sealed class Wire(string metadata) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(metadata, Encoding.UTF8, "application/json"), RequestMessage = request });
    }
}
