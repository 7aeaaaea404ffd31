using System.Text;
using ProofKey.Cli.Output;

namespace ProofKey.Cli.Tests;

/// <summary><c>decode</c> shows what a token says, claims nothing about it, and lets nothing in it steer the terminal.</summary>
public sealed class DecodeTests : IDisposable
{
    private const string Token = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIiwiZXhwIjoxNzAwMDAwMDAwfQ.c2lnbmF0dXJl";

    private readonly Cli _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Header_claims_and_times_are_shown_and_that_nothing_is_verified()
    {
        var outcome = await _cli.RunWithAsync(Token + "\n", "decode", "-");
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        outcome.Output.ShouldContain("\"alg\": \"ES256\"");
        outcome.Output.ShouldContain("\"typ\": \"at+jwt\"");
        outcome.Output.ShouldContain("\"iss\": \"https://login.example.com\"");
        outcome.Output.ShouldMatch(@"exp +2023-11-14 22:13:20 UTC \(\d+ days ago\)");
        outcome.Output.ShouldNotContain("c2lnbmF0dXJl");
        outcome.Errors.ShouldBe("Not verified: anybody can write a token that says this.\n");
    }

    [Fact]
    public async Task A_token_as_an_argument_is_shown_with_a_warning() =>
        (await _cli.RunAsync("decode", Token)).Errors.ShouldContain("A token is a secret");

    [Theory]
    [InlineData("opaque", "three parts")]
    [InlineData("eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..aXY.dGV4dA.dGFn", "encrypted")]
    [InlineData("a.b.c.d.e", "three parts")]
    [InlineData("{\"access_token\":\"e30.e30.x\",\"scope\":\"openid https://a.example/b.c\"}", "That is JSON")]
    [InlineData("e30.e30=.x", "base64url")]
    [InlineData("e30.W10.x", "JSON objects")]
    [InlineData("", "three parts")]
    [InlineData("e30.eyJhIjoiXHVkODAwIn0.x", "in Unicode")]
    [InlineData("e30.eyJhIjoi_yJ9.x", "in Unicode")]
    [InlineData("e30.eyJhIjoxLCJhIjoyfQ.x", "each member once")]
    public async Task What_is_no_JWT_is_explained(string text, string problem)
    {
        var outcome = await _cli.RunWithAsync(text, "decode", "-");
        outcome.ShouldBeFailure(1, problem, "opaque");
    }

    [Theory]
    [InlineData("Bearer ")]
    [InlineData("DPoP ")]
    [InlineData("Authorization: Bearer ")]
    [InlineData("authorization:bearer  ")]
    public async Task A_token_may_have_its_scheme_before_it(string before)
    {
        var outcome = await _cli.RunWithAsync(before + Token + "\n", "decode", "-");
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        outcome.Output.ShouldContain("\"alg\": \"ES256\"");
        outcome.Errors.ShouldBe("Not verified: anybody can write a token that says this.\n");
    }

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    public async Task That_a_token_has_no_signature_is_said(string algorithm)
    {
        var header = Base64UrlText.Encode(Encoding.UTF8.GetBytes($$"""{"alg":"{{algorithm}}"}"""));
        var outcome = await _cli.RunWithAsync($"{header}.e30.", "decode", "-");
        outcome.ExitCode.ShouldBe(0, outcome.ToString());
        outcome.Errors.ShouldContain("no signature (alg none)");
    }

    [Fact]
    public async Task Control_C_ends_the_wait_for_a_token()
    {
        await using var waiting = _cli.Start("decode", "-");
        // More than a pipe holds, so that what was typed is known to be read.
        await waiting.TypeAsync(new string('e', 200_000));
        waiting.PressControlC();
        (await waiting.EndAsync()).ShouldBeFailure(9, "Cancelled.");
    }

    [Fact]
    public async Task Control_and_format_characters_do_not_reach_the_terminal()
    {
        var claims = Base64UrlText.Encode(Encoding.UTF8.GetBytes("{\"name\":\"\u202Eecila \\u001b[31m \u009b \u2066\"}"));
        var outcome = await _cli.RunWithAsync($"e30.{claims}.x", "decode", "-");
        outcome.Output.ShouldContain("name");
        outcome.Output.Where(character => character is not '\n' && (char.IsControl(character) || char.GetUnicodeCategory(character) == System.Globalization.UnicodeCategory.Format)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(0, "now")]
    [InlineData(30, "in 30 s")]
    [InlineData(-89, "89 s ago")]
    [InlineData(600, "in 10 min")]
    [InlineData(-7200, "2 h ago")]
    [InlineData(1_000_000, "in 12 days")]
    public void A_time_is_told_as_a_distance(int seconds, string expected)
    {
        var now = DateTimeOffset.UnixEpoch;
        TimeText.Relative(now.AddSeconds(seconds), now).ShouldBe(expected);
    }
}
