using System.Net.Http.Headers;
using System.Text.Json;
using ProofKey.Client;

namespace ProofKey.Cli.Demo;

/// <summary>What the session is good for: an API, again and again.</summary>
internal sealed class UseAct(Story story, DemoWorld world, Wiretap wiretap, ForwardClock clock)
{
    public async Task PlayAsync(SignedIn signedIn, CancellationToken cancellation)
    {
        await CallAsync(signedIn, cancellation);
        await RefreshAsync(signedIn, cancellation);
    }

    private async Task CallAsync(SignedIn signedIn, CancellationToken cancellation)
    {
        story.Step("The client calls an API with the access token");
        story.Fact("GET", world.Api.Orders.AbsoluteUri);
        using var stranger = new HttpClient();
        using var nothing = await stranger.GetAsync(world.Api.Orders, cancellation);
        story.Check((int)nothing.StatusCode == 401, $"without a token: HTTP {(int)nothing.StatusCode}");
        using var request = new HttpRequestMessage(HttpMethod.Get, world.Api.Orders) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", signedIn.Tokens.IdToken) } };
        using var mistaken = await stranger.SendAsync(request, cancellation);
        story.Check((int)mistaken.StatusCode == 401, $"with the ID token, which is for the client: HTTP {(int)mistaken.StatusCode}");
        await CheckCallAsync(signedIn.Session, "with the access token", cancellation);
    }

    private async Task RefreshAsync(SignedIn signedIn, CancellationToken cancellation)
    {
        story.Step("The access token is about to end, so the client refreshes it");
        clock.Offset = TimeSpan.FromSeconds((signedIn.Tokens.ExpiresIn ?? 600) - 30);
        story.Say($"The client's clock is set forward by {clock.Offset.TotalSeconds:F0} s.");
        var token = await signedIn.Session.GetAccessTokenAsync(cancel: cancellation);
        var exchange = wiretap.Last!;
        var tokens = JsonSerializer.Deserialize(exchange.Body, Wire.Default.TokenResponse)!;
        story.Fact("POST", exchange.Address.AbsoluteUri);
        story.Fact("grant_type", exchange.Form["grant_type"] ?? "");
        story.Check(token.Reveal() != signedIn.Tokens.AccessToken, "there is a new access token");
        story.Check(tokens.RefreshToken is { } next && next != signedIn.Tokens.RefreshToken, "and a new refresh token: the old one is used up");
        await CheckCallAsync(signedIn.Session, "with the new access token", cancellation);
    }

    private async Task CheckCallAsync(Session session, string how, CancellationToken cancellation)
    {
        using var api = session.CreateHttpClient(onlyFor: world.Api.Orders);
        using var answer = await api.GetAsync(world.Api.Orders, cancellation);
        story.Check(answer.IsSuccessStatusCode, $"{how}: HTTP {(int)answer.StatusCode}, {await answer.Content.ReadAsStringAsync(cancellation)}");
    }
}
