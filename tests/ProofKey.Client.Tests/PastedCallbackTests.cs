namespace ProofKey.Client.Tests;

/// <summary>What people paste, and what it is taken for.</summary>
public sealed class PastedCallbackTests
{
    private const string RedirectUri = "http://127.0.0.1:8400/callback";

    [Theory]
    [InlineData("code=4/0Ab_x-Y&state=abc")]
    [InlineData("?code=4/0Ab_x-Y&state=abc")]
    [InlineData("state=abc&iss=https://login.example.com&code=x?y")]
    [InlineData("127.0.0.1:8400/callback?code=4/0Ab_x-Y&state=abc")]
    [InlineData("http://127.0.0.1:8400/callback?code=4/0Ab_x-Y&state=abc")]
    public void A_query_alone_may_have_slashes_in_its_values(string pasted)
    {
        var address = PastedCallback.Read(pasted, RedirectUri).ShouldNotBeNull();

        address.GetLeftPart(UriPartial.Path).ShouldBe(RedirectUri);
        address.Query.ShouldContain("state=abc");
    }

    [Theory]
    [InlineData("https://login.example.com/authorize?code=x&state=y", "https://login.example.com/authorize")]
    [InlineData("com.example.app:/callback?code=x", "com.example.app:/callback")]
    public void Another_address_stays_another_address(string pasted, string path) =>
        PastedCallback.Read(pasted, RedirectUri)!.OriginalString.ShouldStartWith(path);

    [Theory]
    [InlineData("")]
    [InlineData("hello")]
    [InlineData("=x")]
    public void What_is_neither_is_no_address(string pasted) => PastedCallback.Read(pasted, RedirectUri).ShouldBeNull();
}
