using System.Text.Json;
using ProofKey.Cli.Output;
using ProofKey.Client;
using ProofKey.Jose;

namespace ProofKey.Cli.Demo;

/// <summary>What the sign-in left: the session, the request that began it, and the exchange that ended it.</summary>
internal sealed record SignedIn(Session Session, Parameters Request, TokenExchange Exchange, TokenResponse Tokens);

/// <summary>The sign-in, step by step, as ProofKey's own client does it.</summary>
internal sealed class SignInAct(Story story, DemoWorld world, Wiretap wiretap, ScriptedPerson? script, Terminal terminal)
{
    private static readonly string[] Shown = ["response_type", "client_id", "redirect_uri", "scope", "code_challenge", "code_challenge_method", "state", "nonce"];
    private static readonly string[] Secrets = ["state", "nonce", "code", "code_verifier", "request_uri"];

    /// <summary>Signs in.</summary>
    /// <exception cref="CommandException">The sign-in came to nothing.</exception>
    public async Task<SignedIn> PlayAsync(PublicClient client, CancellationToken cancellation)
    {
        await using var pending = await client.BeginAsync(cancellation);
        var pushed = wiretap.Pushed!;
        var request = pushed.Form;
        ShowChallenge(request);
        ShowRequest(pending, pushed);
        var session = await CompleteAsync(pending, request, cancellation);
        var exchange = wiretap.Last!;
        var tokens = JsonSerializer.Deserialize(exchange.Body, Wire.Default.TokenResponse)!;
        ShowExchange(exchange, request, tokens);
        await CheckIdTokenAsync(tokens, request, cancellation);
        ShowAccessToken(tokens);
        return new SignedIn(session, request, exchange, tokens);
    }

    private void ShowChallenge(Parameters request)
    {
        story.Step("The client makes a secret, and shows its digest alone (RFC 7636)");
        story.Fact("verifier", "made; it stays inside the client until step 5");
        story.Fact("challenge", request["code_challenge"] ?? "none");
        story.Fact("", "= BASE64URL(SHA-256(verifier))");
    }

    // RFC 9126 section 1: what the browser does not carry, nobody can read or change there
    private void ShowRequest(PendingSignIn pending, TokenExchange pushed)
    {
        story.Step("The client pushes its request; the browser takes a reference");
        story.Fact("POST", pushed.Address.AbsoluteUri);
        ShowFields(pushed.Form, Shown);
        story.Check(pushed.Status == 201, $"the server answers HTTP {pushed.Status}, and keeps the request");
        story.Fact("address", pending.AuthorizeUri.GetLeftPart(UriPartial.Path));
        var address = Parameters.TryParse(pending.AuthorizeUri.Query.AsSpan(1), out var read, out _) ? read : Parameters.Empty;
        ShowFields(address, ["client_id", "request_uri"]);
        story.Check(address.Pairs.Count == 2, "there is nothing else in the address");
    }

    private async Task<Session> CompleteAsync(PendingSignIn pending, Parameters request, CancellationToken cancellation)
    {
        var completing = pending.CompleteAsync(cancellation);
        if (script is null) await SendPersonAsync(pending, cancellation);
        else await AnswerByScriptAsync(pending, request, script, cancellation);
        var result = await completing;
        if (Failure.Of(result) is { } failure) throw new CommandException(failure.ExitCode, failure.Problem, failure.Remedy);
        story.Check(result is SignInResult.SignedIn, "the client took the answer: path, state and iss were right, and every check below passed inside it");
        return ((SignInResult.SignedIn)result).Session;
    }

    // The page in the browser waits for a person.
    private async Task SendPersonAsync(PendingSignIn pending, CancellationToken cancellation)
    {
        story.Say("");
        story.Fact("your name here", DemoWorld.UserName);
        story.Fact("your password", world.Password);
        await terminal.Out.FlushAsync(cancellation);
        var opened = await pending.OpenBrowserAsync(cancellation);
        story.Say(opened ? "A browser was opened: sign in there, then press Allow. Its address, should you need it:" : "No browser could be opened here. Open this address, or run: proofkey demo --no-browser");
        story.Whole(pending.AuthorizeUri.AbsoluteUri);
        story.Step("The answer comes back to the client");
        await ForgeAsync(pending, cancellation);
    }

    private async Task AnswerByScriptAsync(PendingSignIn pending, Parameters request, ScriptedPerson person, CancellationToken cancellation)
    {
        var callback = await person.AnswerAsync(pending.AuthorizeUri, cancellation);
        story.Fact("the person, by script", string.Join(", ", person.Done));
        story.Step("The answer comes back to the client");
        await ForgeAsync(pending, cancellation);
        var answer = Parameters.TryParse(callback.Query.AsSpan(1), out var read, out _) ? read : Parameters.Empty;
        story.Fact("address", callback.GetLeftPart(UriPartial.Path));
        story.Fact("code", Story.Masked(answer["code"] ?? ""));
        story.Check(answer["state"] is { } state && state == request["state"], "state is the one that was sent: this browser began it");
        story.Check(answer["iss"] == world.Issuer.Value, $"iss is {world.Issuer}: no other server mixed in (RFC 9207)");
        await ShowPageAsync(callback, person, cancellation);
    }

    // The client answers the callback with a redirect, so that the code does not stay in the browser's address bar.
    private async Task ShowPageAsync(Uri callback, ScriptedPerson person, CancellationToken cancellation)
    {
        using var answer = await person.OpenAsync(callback, cancellation);
        using var page = answer.Headers.Location is { } location ? await person.OpenAsync(new Uri(callback, location), cancellation) : answer;
        story.Check(page.IsSuccessStatusCode && page.RequestMessage!.RequestUri!.Query.Length == 0, $"the browser leaves the address with the code at once (HTTP {(int)answer.StatusCode}), and shows how it went (HTTP {(int)page.StatusCode})");
    }

    // Any page of the world can send the browser to a loopback port.
    private async Task ForgeAsync(PendingSignIn pending, CancellationToken cancellation)
    {
        using var http = new HttpClient();
        using var answer = await http.GetAsync(new Uri($"{pending.RedirectUri}?code=forged&state=guessed&iss={Uri.EscapeDataString(world.Issuer.Value)}"), cancellation);
        story.Check(answer.StatusCode == System.Net.HttpStatusCode.NotFound, $"a forged answer with another state: HTTP {(int)answer.StatusCode}, and the client goes on waiting");
    }

    private void ShowExchange(TokenExchange exchange, Parameters request, TokenResponse tokens)
    {
        story.Step("The client redeems the code, and proves that it made the challenge");
        story.Fact("POST", exchange.Address.AbsoluteUri);
        ShowFields(exchange.Form, ["grant_type", "code", "redirect_uri", "client_id", "code_verifier"]);
        var proves = CodeVerifier.TryParse(exchange.Form["code_verifier"], out var verifier) && verifier.Challenge.ToString() == request["code_challenge"];
        story.Check(proves, "SHA-256 of this verifier is the challenge of step 2");
        story.Check(exchange.Status == 200, $"the server answers HTTP {exchange.Status}");
        story.Fact("access_token", Story.Masked(tokens.AccessToken));
        story.Fact("id_token", Story.Masked(tokens.IdToken ?? ""));
        story.Fact("refresh_token", Story.Masked(tokens.RefreshToken ?? ""));
        story.Fact("expires_in", $"{tokens.ExpiresIn} s");
    }

    // OpenID Connect Core section 3.1.3.7
    private async Task CheckIdTokenAsync(TokenResponse tokens, Parameters request, CancellationToken cancellation)
    {
        story.Step("The ID token says who signed in");
        using var http = new HttpClient();
        var keys = JwkSet.TryParse(await http.GetByteArrayAsync(new Uri(world.Issuer.Endpoint("/jwks")), cancellation), out var set, out _) ? set : new JwkSet([]);
        var expected = new JwtExpectations { Issuer = world.Issuer.Value, Audience = world.ClientId, Types = [] };
        var good = Jwt.Verify(tokens.IdToken, keys, expected, TimeProvider.System.GetUtcNow()).TryGet(out var idToken, out var problem);
        ShowToken(tokens.IdToken, request["nonce"]);
        story.Check(good, good ? $"signature by a key of {world.Issuer.Endpoint("/jwks")}; iss, aud and exp are right" : problem!.Message);
        story.Check(idToken?.Text("nonce") is { } nonce && nonce == request["nonce"], "nonce is the one that was sent: it was made for this sign-in");
        story.Check(idToken?.Text("at_hash") == Base64UrlText.Encode(Secret.Digest(tokens.AccessToken).AsSpan(0, 16)), "at_hash is the digest of the access token beside it");
    }

    private void ShowAccessToken(TokenResponse tokens)
    {
        story.Step("The access token says what the client may do, and where");
        ShowToken(tokens.AccessToken);
    }

    private void ShowToken(string? text, string? secret = null)
    {
        if (!DecodedToken.TryRead(text ?? "", out var token, out _)) return;
        story.Block($"header {token.Header}");
        story.Block($"claims {(secret is null ? token.Claims : token.Claims.Replace(secret, Story.Masked(secret), StringComparison.Ordinal))}");
        story.Fact("signature", "not shown");
    }

    private void ShowFields(Parameters parameters, IEnumerable<string> names)
    {
        foreach (var name in names)
            if (parameters[name] is { } value) story.Fact(name, Secrets.Contains(name) ? Story.Masked(value) : value);
    }
}
