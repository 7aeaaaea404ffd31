using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>What the pages show, and the headers they come with.</summary>
public sealed class SignInPageTests(OneServer shared) : IClassFixture<OneServer>
{
    private readonly RunningServer _server = shared.Server;

    private async Task<HttpResponseMessage> PageOfAsync(string name)
    {
        var person = await shared.SignedInAsync();
        var request = shared.Request();
        return name switch
        {
            "sign-in" => await person.GetAsync(request.Set("prompt", "login").ToString()),
            "sign-in again" => await person.SubmitAsync(await person.SignInFormAsync(request.Set("prompt", "login")), ("username", "x"), ("password", "y")),
            "consent" => await person.GetAsync(request.ToString()),
            "consent again" => await person.SubmitAsync(await person.ConsentFormAsync(request)),
            "error" => await person.GetAsync("/authorize"),
            "form_post" => await person.GetAsync(shared.Request(shared.FirstParty).ToString()),
            _ => throw new ArgumentOutOfRangeException(nameof(name)),
        };
    }

    public static TheoryData<string> Pages => ["sign-in", "sign-in again", "consent", "consent again", "error", "form_post"];

    [Theory]
    [MemberData(nameof(Pages))]
    [Assertion("UI-01")]
    [Assertion("UI-02")]
    [Assertion("UI-03")]
    [Assertion("UI-04")]
    [Rfc("RFC 9700", "4.16")]
    [Rfc("RFC 6749", "10.13")]
    [Rfc("RFC 9700", "4.2.4")]
    public async Task Every_page_comes_with_the_headers_that_keep_it_ours(string name)
    {
        var response = await PageOfAsync(name);
        var page = await response.ShouldBeKeptOursAsync();
        page.QuerySelectorAll("script").Length.ShouldBe(name == "form_post" ? 1 : 0);
        page.QuerySelectorAll("a").Select(link => link.GetAttribute("href")).ShouldAllBe(address => address!.StartsWith("/signin?", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("http://127.0.0.1/cb", "http://127.0.0.1:5123/cb", "http://127.0.0.1:5123")]
    [InlineData("http://[::1]/cb", "http://[::1]:5123/cb", "http:")]
    [InlineData("http://localhost:8080/cb", "http://localhost:8080/cb", "http://localhost:8080")]
    [InlineData("https://app.example/cb?a=b", "https://app.example/cb?a=b", "https://app.example")]
    [InlineData("https://app.example:8443/cb", "https://app.example:8443/cb", "https://app.example:8443")]
    [InlineData("com.example.app:/cb", "com.example.app:/cb", "com.example.app:")]
    [Assertion("UI-02")]
    public async Task A_form_may_be_answered_by_a_redirect_to_the_client_and_to_nobody_else(string registered, string requested, string source)
    {
        var client = await _server.AddClientAsync(registered);
        using var nobody = _server.NewPerson();
        using var person = await shared.SignedInAsync();
        var request = new AuthorizeUrl(_server, client, requested).ToString();
        (await nobody.GetAsync(request)).Policy("form-action").ShouldBe(["'self'", source]);
        (await person.GetAsync(request)).Policy("form-action").ShouldBe(["'self'", source]);
        (await person.GetAsync("/authorize")).Policy("form-action").ShouldBe(["'none'"]);
    }

    [Fact]
    public async Task The_sign_in_page_names_the_client_and_where_the_answer_goes()
    {
        using var person = _server.NewPerson();
        var native = await (await person.GetAsync(shared.Request().ToString())).PageAsync();
        native.Body!.TextContent.ShouldContain("Test client");
        native.Body.TextContent.ShouldContain("an app on this device");
        native.QuerySelector("input[type=password]")!.GetAttribute("autocomplete").ShouldBe("current-password");
        var web = await (await person.GetAsync(shared.Request(shared.Web).ToString())).PageAsync();
        web.Body!.TextContent.ShouldContain("app.example");
        web.QuerySelectorAll("form").ShouldHaveSingleItem().GetAttribute("method").ShouldBe("post");
    }

    public static TheoryData<string> HostileTexts =>
        ["\"><script>alert(1)</script>", "' autofocus onfocus=alert(1) x='", "</style><img src=x onerror=alert(1)>", "{{7*7}}", "\u202Eevil\u2066", "a\r\nSet-Cookie: x=y", "&lt;b&gt;", "<!--", "javascript:alert(1)"];

    [Theory]
    [MemberData(nameof(HostileTexts))]
    [Assertion("AZ-01")]
    [Assertion("UI-17")]
    public async Task What_others_chose_is_text_on_every_page(string text)
    {
        var name = string.Concat(text.Where(character => !char.IsControl(character)));
        var client = await _server.AddClientAsync(change: registration => registration with { Name = name });
        using var nobody = _server.NewPerson();
        using var person = await shared.SignedInAsync();
        var hinted = new AuthorizeUrl(_server, client).Set("login_hint", text).Set("state", text).Set("nonce", text);
        var signIn = await nobody.GetAsync(hinted.ToString());
        var again = await nobody.SubmitAsync(await nobody.SignInFormAsync(hinted), ("username", text), ("password", text));
        var consent = await person.GetAsync(hinted.ToString());
        foreach (var response in (HttpResponseMessage[])[signIn, again, consent])
        {
            var page = await response.PageAsync();
            page.QuerySelectorAll("script, img, b, [onfocus], [onerror]").ShouldBeEmpty();
            page.QuerySelectorAll("style, title, form").Length.ShouldBe(3);
            page.Body!.TextContent.ShouldNotContain("\u202E");
            page.Body.TextContent.ShouldNotContain("49");
        }
        if (text.All(character => !char.IsControl(character)))
            (await signIn.PageAsync()).QuerySelector("input[name=username]")!.GetAttribute("value").ShouldBe(text, "a hint fills in the name");
    }

    [Fact]
    public async Task A_hint_that_is_longer_than_a_name_is_left_out()
    {
        using var person = _server.NewPerson();
        var form = await person.SignInFormAsync(shared.Request().Set("login_hint", new string('x', 257)));
        form.Fields["username"].ShouldBe("");
    }

    [Fact]
    [Assertion("UI-09")]
    public async Task A_failed_page_keeps_the_name_and_never_the_password()
    {
        using var person = _server.NewPerson();
        var again = await person.SubmitAsync(await person.SignInFormAsync(shared.Request()), ("username", "somebody"), ("password", "a-password-to-look-for"));
        var page = await again.ShouldBeFormAgainAsync();
        page.QuerySelector("input[name=username]")!.GetAttribute("value").ShouldBe("somebody");
        page.QuerySelector("input[name=password]")!.GetAttribute("value").ShouldBeNullOrEmpty();
        page.DocumentElement.OuterHtml.ShouldNotContain("a-password-to-look-for");
    }
}
