using ProofKey.Cli.Sessions;

namespace ProofKey.Cli.Tests;

/// <summary>The command that signs in to a profile has all that a bare one would not say.</summary>
public sealed class LoginCommandTests
{
    private static readonly Profile Bare = new() { Name = "default", IsActive = true, Issuer = "https://login.example.com", ClientId = "app", Scope = Profile.DefaultScope, Store = "keychain" };

    private static readonly Profile Full = Bare with
    {
        Name = "work",
        IsActive = false,
        Scope = "openid orders.read",
        Resources = ["https://orders.example/", "https://invoices.example/"],
        Dpop = true,
        Ports = [8400, 8401],
        RedirectPath = "/oauth/callback",
        Localhost = true,
        ResponseMode = "query",
        AcceptUnadvertisedPkce = true,
        Store = "file",
        KeyFile = "/home/alice/session key",
    };

    [Fact]
    public void A_profile_that_is_new_is_told_whole()
    {
        LoginCommand.For(Bare, null).ShouldBe("proofkey login https://login.example.com --client-id app");
        LoginCommand.For(Full, null).ShouldBe("proofkey login https://login.example.com --client-id app --scope 'openid orders.read' --resource https://orders.example/ --resource https://invoices.example/ --dpop --port 8400,8401 "
            + "--redirect-path /oauth/callback --localhost --response-mode query --accept-unadvertised-pkce --key-file '/home/alice/session key' -p work");
        LoginCommand.For(Bare with { Store = "file" }, null).ShouldBe("proofkey login https://login.example.com --client-id app --store file");
        LoginCommand.For(Bare with { Store = "file", PassphraseFile = "/run/words" }, null).ShouldBe("proofkey login https://login.example.com --client-id app --passphrase-file /run/words");
    }

    [Fact]
    public void Of_one_that_is_known_what_differs_is_told()
    {
        LoginCommand.For(Full, Full).ShouldBe("proofkey login -p work");
        LoginCommand.For(Full with { Scope = "openid", Dpop = false, Localhost = false, ClientId = "other" }, Full).ShouldBe("proofkey login --client-id other --scope openid --dpop=false --localhost=false -p work");
        LoginCommand.For(Full with { Issuer = "https://other.example" }, Full).ShouldStartWith("proofkey login https://other.example --client-id app --scope 'openid orders.read' ");
    }
}
