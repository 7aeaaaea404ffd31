namespace ProofKey.Client.Tests;

/// <summary>Several who find that the address of a pushed request has ended.</summary>
public sealed class PushedOnceTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Rfc("RFC 9126", "2.2")]
    public async Task They_get_one_address_of_one_request()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.TakesPushed = true;
        await using var client = new PublicClient(server.Options());
        await using var pending = await client.BeginAsync(Cancel);
        server.Time.Shift = TimeSpan.FromHours(2);

        var addresses = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => pending.RenewAuthorizeUriAsync(Cancel)));

        server.Pushed.Count.ShouldBe(2);
        addresses.Distinct().ShouldHaveSingleItem().ShouldBe(pending.AuthorizeUri);
    }

    [Fact]
    [Rfc("RFC 9126", "2.3")]
    public async Task What_the_server_refuses_is_not_asked_once_more()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.TakesPushed = true;
        await using var client = new PublicClient(server.Options());
        await using var pending = await client.BeginAsync(Cancel);
        server.Time.Shift = TimeSpan.FromHours(2);
        server.PushedError = _ => """{"error":"unauthorized_client"}""";

        for (var time = 0; time < 3; time++)
            (await Should.ThrowAsync<SignInRequiredException>(() => pending.RenewAuthorizeUriAsync(Cancel))).Error!.Code.ShouldBe("unauthorized_client");

        server.Count("/par").ShouldBe(2);
    }
}
