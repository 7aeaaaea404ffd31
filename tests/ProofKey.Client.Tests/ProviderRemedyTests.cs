using System.Net;
using System.Text;
using ProofKey.Client.Loopback;

namespace ProofKey.Client.Tests;

/// <summary>What a provider needs is said where it refuses, and not only in the list.</summary>
public sealed class ProviderRemedyTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("https://accounts.google.com", "invalid_client", "client_secret")]
    [InlineData("https://accounts.google.com", "invalid_request", "client_secret")]
    [InlineData("https://accounts.google.com", "invalid_scope", "Ask for scopes that this client may have.")]
    [InlineData("https://login.example.com", "invalid_client", "Check the client id")]
    [InlineData("https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc", "invalid_client", "Check the client id")]
    public async Task A_refusal_of_the_code_says_what_helps_with_this_provider(string issuer, string error, string remedy)
    {
        using var server = new RefusingServer(issuer, error);
        await using var client = new PublicClient(new ClientOptions { Issuer = Issuer.Parse(issuer), ClientId = "cli", HttpMessageHandler = server, ResponseMode = ResponseMode.Query });
        await using var pending = await client.BeginAsync(Cancel);
        var state = SignInTests.Query(pending.AuthorizeUri)["state"];

        var refused = (await pending.EndAsync(new Uri($"{pending.RedirectUri}?code=x&state={state}"), Cancel)).ShouldBeOfType<SignInResult.Refused>();

        refused.Remedy.ShouldContain(remedy);
        Should.Throw<SignInRequiredException>(() => refused.SessionOrThrow()).Remedy.ShouldBe(refused.Remedy);
        CallbackPage.For(refused, client.Options).Html.ShouldContain(WebUtility.HtmlEncode(refused.Remedy));
    }

    [Fact]
    [Rfc("RFC 9126", "2.3")]
    public async Task A_refusal_of_a_pushed_request_says_what_helps_with_this_provider()
    {
        using var server = new RefusingServer("https://accounts.google.com", "invalid_client", pushed: ""","pushed_authorization_request_endpoint":"https://a.example/p" """);
        await using var client = new PublicClient(new ClientOptions { Issuer = Issuer.Parse("https://accounts.google.com"), ClientId = "cli", HttpMessageHandler = server, ResponseMode = ResponseMode.Query });

        (await Should.ThrowAsync<SignInRequiredException>(() => client.BeginAsync(Cancel))).Remedy.ShouldContain("client_secret");
    }

    /// <summary>Has metadata and no keys, and takes no code and no pushed request, in the name of a server on the Internet.</summary>
    private sealed class RefusingServer(string issuer, string error, string pushed = "") : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var isRead = request.Method == HttpMethod.Get;
            var json = request.RequestUri!.AbsolutePath == "/k" ? """{"keys":[]}""" : isRead
                ? $$"""{"issuer":"{{issuer}}","authorization_endpoint":"https://a.example/a","token_endpoint":"https://a.example/t","jwks_uri":"https://a.example/k","code_challenge_methods_supported":["S256"]{{pushed}}}"""
                : $$"""{"error":"{{error}}"}""";
            return Task.FromResult(new HttpResponseMessage(isRead ? HttpStatusCode.OK : HttpStatusCode.BadRequest) { Content = new StringContent(json, Encoding.UTF8, "application/json"), RequestMessage = request });
        }
    }
}
