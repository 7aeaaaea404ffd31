using System.Net;

namespace ProofKey.Cli.Demo;

/// <summary>Three attacks over HTTP, each with what the server answers.</summary>
internal sealed class AttackAct(Story story, RawFlow flow, ScriptedPerson person)
{
    private const string Attacker = "https://attacker.example/callback";

    public async Task PlayAsync(CancellationToken cancellation)
    {
        var verifier = CodeVerifier.New();
        var code = await flow.CodeAsync(verifier, cancellation);
        var tokens = await StealAsync(code, verifier, cancellation);
        await ReplayAsync(code, verifier, tokens, cancellation);
        await RedirectAsync(cancellation);
    }

    // RFC 7636 section 1: the interception that PKCE is for
    private async Task<TokenResponse?> StealAsync(string code, CodeVerifier verifier, CancellationToken cancellation)
    {
        story.Step("Attack: somebody steals the code on its way through the browser");
        story.Fact("stolen code", Story.Masked(code));
        var without = await flow.RedeemAsync(code, RawFlow.RedirectUri, null, cancellation);
        story.Check(without.Tokens is null && without.Status == 400, $"without a verifier: {without.Shown}");
        var guessed = await flow.RedeemAsync(code, RawFlow.RedirectUri, CodeVerifier.New().Reveal(), cancellation);
        story.Check(guessed.Is("invalid_grant"), $"with a verifier of the thief's: {guessed.Shown}");
        var right = await flow.RedeemAsync(code, RawFlow.RedirectUri, verifier.Reveal(), cancellation);
        story.Check(right.Tokens is not null, $"with the right one, the client still gets in: {right.Shown}");
        return right.Tokens;
    }

    // RFC 6749 section 4.1.2: a code is good once, and a second use ends what the first one gave
    private async Task ReplayAsync(string code, CodeVerifier verifier, TokenResponse? first, CancellationToken cancellation)
    {
        story.Step("Attack: somebody plays the code again, with everything right");
        var before = first is null ? 0 : await flow.UserinfoAsync(first.AccessToken, cancellation);
        story.Check(before == 200, $"before it, the first access token is good at the server: HTTP {before}");
        var again = await flow.RedeemAsync(code, RawFlow.RedirectUri, verifier.Reveal(), cancellation);
        story.Check(again.Is("invalid_grant"), $"the same code again: {again.Shown}");
        if (first is null) return;
        var userinfo = await flow.UserinfoAsync(first.AccessToken, cancellation);
        story.Check(userinfo == 401, $"the first access token is dead too: HTTP {userinfo}");
        var refresh = await flow.RefreshAsync(first.RefreshToken ?? "", cancellation);
        story.Check(refresh.Is("invalid_grant"), $"and the first refresh token: {refresh.Shown}");
    }

    // RFC 9700 section 4.1
    private async Task RedirectAsync(CancellationToken cancellation)
    {
        story.Step("Attack: somebody changes the redirect URI");
        story.Fact("redirect_uri", Attacker);
        using var answer = await person.OpenAsync(flow.Request(CodeVerifier.New(), Attacker), cancellation);
        story.Check(answer.StatusCode == HttpStatusCode.BadRequest && answer.Headers.Location is null, $"asked for at /authorize: HTTP {(int)answer.StatusCode}, a page, and the browser is sent nowhere");
        var verifier = CodeVerifier.New();
        var code = await flow.CodeAsync(verifier, cancellation);
        var elsewhere = await flow.RedeemAsync(code, Attacker, verifier.Reveal(), cancellation);
        story.Check(elsewhere.Is("invalid_grant"), $"said at /token for a code of another: {elsewhere.Shown}");
    }
}
