using System.Net;

namespace ProofKey.Client.Tests;

/// <summary>What an API writes into <c>WWW-Authenticate</c>, be it a friend or not.</summary>
public sealed class ChallengeTests
{
    [Theory]
    [InlineData("Bearer error=\"invalid_token\"", "invalid_token")]
    [InlineData("bearer ERROR=invalid_token", "invalid_token")]
    [InlineData("DPoP algs=\"ES256\", error = \"use_dpop_nonce\" , realm=\"a, b=c\"", "use_dpop_nonce")]
    [InlineData("Bearer realm=\"say \\\"hi\\\"\", error=\"x\"", "x")]
    [InlineData("Basic realm=\"a\", Bearer error=\"invalid_token\"", "invalid_token")]
    [Rfc("RFC 9110", "11.2")]
    public void A_challenge_about_tokens_is_read(string header, string error) => Read(header).Select(one => one.Error).ShouldBe([error]);

    [Theory]
    [InlineData("Basic realm=\"a\"")]
    [InlineData("Negotiate abc==")]
    [InlineData("Bearer error=\"a\", error=\"b\"")]
    [InlineData("Bearer error=\"open")]
    [InlineData("Bearer error=\"a\" scope=\"b\"")]
    [InlineData("Bearer =a")]
    [InlineData("Bearer error=")]
    [Rfc("RFC 9110", "11.2")]
    public void What_is_none_is_left_out(string header) => Read(header).Select(one => one.Error).Where(error => error is not null).ShouldBeEmpty();

    [Fact]
    public void Text_without_end_and_answers_of_another_status_are_not_read()
    {
        Read($"Bearer error=\"{new string('x', 9000)}\"").ShouldBeEmpty();
        using var fine = new HttpResponseMessage(HttpStatusCode.OK);
        fine.Headers.TryAddWithoutValidation("WWW-Authenticate", "Bearer error=\"invalid_token\"");
        Challenge.Of(fine).ShouldBeEmpty();
    }

    private static IReadOnlyList<Challenge> Read(string header)
    {
        using var answer = new HttpResponseMessage(HttpStatusCode.Unauthorized);
        answer.Headers.TryAddWithoutValidation("WWW-Authenticate", header);
        return Challenge.Of(answer);
    }
}
