
namespace ProofKey.Cli.Tests;

/// <summary>What a provider needs of its own is what the program says.</summary>
public sealed class ProviderFailureTests
{
    [Fact]
    public void What_helps_with_a_provider_is_what_the_program_says() =>
        Failure.Of(new SignInResult.Refused(new OAuthError("invalid_client", "No.")).At(Issuer.Parse("https://accounts.google.com")))!.Remedy.ShouldContain("client_secret");
}
