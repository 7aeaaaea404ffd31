using System.Net;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

public sealed class PkceRestartTests
{
    [Fact]
    [Assertion("PK-17")]
    [Rfc("RFC 7636", "4.4")]
    public async Task A_code_keeps_its_challenge_over_a_restart()
    {
        var first = await RunningServer.StartAsync();
        var client = await first.AddClientAsync();
        using var person = await first.SignedInAsync();
        var request = new AuthorizeUrl(first, client);
        var code = (await person.AuthorizeAsync(request))["code"];

        await using var second = await first.RestartAsync();

        var form = TokenCalls.CodeExchange(client, request, code);
        form["code_verifier"] = CodeVerifier.New().Reveal();
        (await second.PostFormAsync("/token", form)).Error.ShouldBe("invalid_grant");
        form.Remove("code_verifier");
        (await second.PostFormAsync("/token", form)).Error.ShouldBe("invalid_grant");
        (await second.RedeemAsync(client, request, code)).Status.ShouldBe(HttpStatusCode.OK);
        (await second.RedeemAsync(client, request, code)).Error.ShouldBe("invalid_grant");
    }
}
