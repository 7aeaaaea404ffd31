using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace ProofKey.Client.Extensions.Tests;

/// <summary>What is registered, read and checked before anybody signs in.</summary>
public sealed class RegistrationTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_client_is_made_from_its_section_of_the_configuration()
    {
        using var app = App(services => services.AddProofKeyClient("contoso"), new()
        {
            ["ProofKey:Clients:contoso:Issuer"] = "https://login.example.com",
            ["ProofKey:Clients:contoso:ClientId"] = "desktop",
            ["ProofKey:Clients:contoso:Scope"] = "openid orders.read",
            ["ProofKey:Clients:contoso:Resource"] = "https://api.example.com/",
            ["ProofKey:Clients:contoso:Application"] = "my-app",
            ["ProofKey:Clients:contoso:KeyFile"] = "session.key",
            ["ProofKey:Clients:contoso:Port"] = "8400",
            ["ProofKey:Clients:contoso:RedirectPath"] = "/oauth/callback",
            ["ProofKey:Clients:contoso:UseLocalhost"] = "true",
            ["ProofKey:Clients:contoso:ResponseMode"] = "query",
            ["ProofKey:Clients:contoso:Timeout"] = "00:02:00",
            ["ProofKey:Clients:contoso:RequestTimeout"] = "00:00:10",
            ["ProofKey:Clients:contoso:AcceptUnadvertisedPkce"] = "true",
            ["ProofKey:Clients:contoso:AdditionalParameters:prompt"] = "login",
        });
        await app.StartAsync(Cancel);

        var options = app.Services.GetRequiredKeyedService<PublicClient>("contoso").Options;

        options.Issuer.ShouldBe(Issuer.Parse("https://login.example.com"));
        options.ClientId.ShouldBe("desktop");
        options.Scope.ToString().ShouldBe("openid orders.read");
        options.Resource.ShouldBe("https://api.example.com/");
        options.Profile.ShouldBe("contoso", "two clients of one app have a session each");
        options.Store.Folder.ShouldBe(TokenStore.DefaultFolder("my-app"));
        options.Redirect.ShouldBe(new Redirect.LoopbackPort(8400) { Path = "/oauth/callback", UseLocalhost = true });
        options.ResponseMode.ShouldBe(ResponseMode.Query);
        options.Timeout.ShouldBe(TimeSpan.FromMinutes(2));
        options.RequestTimeout.ShouldBe(TimeSpan.FromSeconds(10));
        options.AcceptUnadvertisedPkce.ShouldBeTrue();
        options.AdditionalParameters["prompt"].ShouldBe("login");
    }

    [Fact]
    public void What_no_key_says_is_as_in_a_program_without_configuration()
    {
        using var app = App(services => services.AddProofKeyClient("contoso"), Good);
        var options = app.Services.GetRequiredKeyedService<PublicClient>("contoso").Options;

        var plain = new ClientOptions { Issuer = options.Issuer, ClientId = options.ClientId };

        (options.Timeout, options.RequestTimeout).ShouldBe((plain.Timeout, plain.RequestTimeout));
        (options.Scope.ToString(), options.Redirect, options.ResponseMode, options.Dpop, options.AcceptUnadvertisedPkce).ShouldBe((plain.Scope.ToString(), plain.Redirect, plain.ResponseMode, plain.Dpop, plain.AcceptUnadvertisedPkce));
    }

    [Fact]
    public void Code_goes_on_from_the_configuration_and_Adjust_has_the_last_word()
    {
        using var app = App(services => services.AddProofKeyClient("contoso", options =>
        {
            options.ClientId = "from code";
            options.Adjust = client => client with { Profile = $"{client.ClientId}, adjusted", Redirect = new Redirect.PrivateUse(RedirectUri.Parse("com.example.app:/callback")) };
        }), Good);

        var options = app.Services.GetRequiredKeyedService<PublicClient>("contoso").Options;

        options.Issuer.ShouldBe(Issuer.Parse("https://login.example.com"));
        options.Profile.ShouldBe("from code, adjusted");
        options.Redirect.ShouldBeOfType<Redirect.PrivateUse>();
    }

    [Fact]
    public void Clients_are_found_by_their_name_and_the_first_one_without_it()
    {
        using var app = App(services => services.AddProofKeyClient("contoso").AddProofKeyClient("fabrikam", options => (options.Issuer, options.ClientId) = ("https://fabrikam.example", "two")), Good);

        var contoso = app.Services.GetRequiredKeyedService<PublicClient>("contoso");
        var fabrikam = app.Services.GetRequiredKeyedService<PublicClient>("fabrikam");

        contoso.ShouldNotBeSameAs(fabrikam);
        fabrikam.Options.ClientId.ShouldBe("two");
        fabrikam.Options.Profile.ShouldBe("fabrikam");
        app.Services.GetRequiredService<PublicClient>().ShouldBeSameAs(contoso);
        app.Services.GetRequiredKeyedService<PublicClient>("contoso").ShouldBeSameAs(contoso);
        app.Services.GetKeyedService<PublicClient>("nobody").ShouldBeNull();
    }

    [Fact]
    public void A_section_of_the_apps_own_choice_will_do()
    {
        using var app = App(services => { }, new() { ["SignIn:Issuer"] = "https://login.example.com", ["SignIn:ClientId"] = "desktop" });
        var section = app.Services.GetRequiredService<IConfiguration>().GetSection("SignIn");

        using var other = App(services => services.AddProofKeyClient("contoso", section, options => options.Timeout = TimeSpan.Zero), []);

        Should.Throw<OptionsValidationException>(() => other.Services.GetRequiredKeyedService<PublicClient>("contoso")).Message.ShouldContain("SignIn:Timeout is more than zero");
    }

    [Theory]
    [InlineData("Issuer", "", "Issuer is missing. Write the address of the authorization server, such as https://login.example.com.")]
    [InlineData("Issuer", "http://login.example.com", "Issuer is no issuer: ")]
    [InlineData("ClientId", "", "ClientId is missing. Write the id under which this program is registered at the server.")]
    [InlineData("ClientId", "naïve", "ClientId is printable ASCII.")]
    [InlineData("Scope", "a \"b\"", "Scope is not a scope. Write words with one space between them, such as openid orders.read.")]
    [InlineData("Resource", "api", "Resource is an absolute address without fragment")]
    [InlineData("Application", "my app", "Application is no name of a program. Write 1 to 64 letters, digits, dots, hyphens or underscores, such as my-app.")]
    [InlineData("KeyFile", "session.key", "KeyFile needs Application too. Write the program's name there, such as my-app.")]
    [InlineData("Port", "84oo", "Port cannot be read. Write a number such as 8400.")]
    [InlineData("Port", "70000", "Port is no port. Write 1 to 65535, or leave it out for a free one.")]
    [InlineData("RedirectPath", "callback", "RedirectPath starts with a slash")]
    [InlineData("UseLocalhost", "yes", "UseLocalhost cannot be read. Write true or false.")]
    [InlineData("AcceptUnadvertisedPkce", "", "AcceptUnadvertisedPkce cannot be read. Write true or false.")]
    [InlineData("ResponseMode", "fragment", "ResponseMode cannot be read. Write Automatic or Query or FormPost.")]
    [InlineData("ResponseMode", "7", "ResponseMode cannot be read. Write Automatic or Query or FormPost.")]
    [InlineData("Timeout", "five minutes", "Timeout cannot be read. Write a time such as 00:05:00.")]
    [InlineData("Timeout", "2.00:00:00", "Timeout is more than zero and at most a day.")]
    [InlineData("RequestTimeout", "01:00:00", "RequestTimeout is more than zero and at most 10 minutes.")]
    [InlineData("Profile", "", "Profile has 1 to 100 printable characters.")]
    [InlineData("AdditionalParameters:state", "x", "AdditionalParameters cannot set state: the client does.")]
    [InlineData("Isuer", "https://login.example.com", "Isuer is no key of a client. Take it out, or write one of Issuer, ClientId,")]
    [InlineData("Scope:0", "openid", "Scope cannot be read. Write one text.")]
    [InlineData("Resource:0", "https://a.example/", "Resource cannot be read. Write one text.")]
    [InlineData("Application:Name", "my-app", "Application cannot be read. Write one text.")]
    [InlineData("AdditionalParameters", "max_age=300", "AdditionalParameters cannot be read. Write a text under the name of each parameter.")]
    [InlineData("AdditionalParameters:max_age:seconds", "300", "AdditionalParameters cannot be read. Write a text under the name of each parameter.")]
    [InlineData("FurtherResources", "https://a.example/", "FurtherResources cannot be read. Write a list of addresses.")]
    [InlineData("FurtherResources:0", "https://a.example/", "FurtherResources need a Resource")]
    [InlineData("Dpop", "Sometimes", "Dpop cannot be read. Write WhenAdvertised or ")]
    [InlineData("ClientSecret", "hunter2hunter2", "ClientSecret is no key of a client. Take it out")]
    public async Task An_app_does_not_start_with_a_wrong_key_and_is_told_which_and_what_to_write(string key, string value, string said)
    {
        using var app = App(services => services.AddProofKeyClient("contoso"), new(Good) { [$"ProofKey:Clients:contoso:{key}"] = value });

        var refused = await Should.ThrowAsync<OptionsValidationException>(() => app.StartAsync(Cancel));

        refused.Failures.ShouldHaveSingleItem().ShouldStartWith($"ProofKey:Clients:contoso:{said}");
        if (value.Length > 5 && !said.Contains(value, StringComparison.Ordinal)) refused.Message.ShouldNotContain(value, Case.Sensitive, "a value may be a secret in the wrong place");
    }

    [Fact]
    public async Task Every_problem_is_told_at_once()
    {
        using var app = App(services => services.AddProofKeyClient("contoso"), new()
        {
            ["ProofKey:Clients:contoso:ClientID"] = "",
            ["ProofKey:Clients:contoso:Port"] = "x",
            ["ProofKey:Clients:contoso:Nonsense"] = "x",
        });

        var refused = await Should.ThrowAsync<OptionsValidationException>(() => app.StartAsync(Cancel));

        refused.Failures.Count().ShouldBe(4);
        foreach (var key in (string[])["Issuer is missing", "ClientId is missing", "Port cannot be read", "Nonsense is no key"]) refused.Message.ShouldContain($"ProofKey:Clients:contoso:{key}");
    }

    [Fact]
    public async Task What_Adjust_does_is_checked_too()
    {
        using var following = new HttpClientHandler();
        using var app = App(services => services.AddProofKeyClient("contoso", options => options.Adjust = client => client with { HttpMessageHandler = following }), Good);

        (await Should.ThrowAsync<OptionsValidationException>(() => app.StartAsync(Cancel))).Message
            .ShouldBe("ProofKey:Clients:contoso, as Adjust changed it: HttpMessageHandler must not follow redirects, which would carry tokens to other hosts: set AllowAutoRedirect to false.");
    }

    [Fact]
    public async Task An_HTTP_client_without_an_address_or_a_client_stops_the_start()
    {
        using var app = App(services => services.AddHttpClient("orders").AddProofKeyToken("contoso"), []);

        var refused = await Should.ThrowAsync<OptionsValidationException>(() => app.StartAsync(Cancel));

        refused.Failures.ShouldBe(
        [
            "The HTTP client orders asks for tokens of contoso, which is not registered. Write services.AddProofKeyClient(\"contoso\").",
            "The HTTP client orders has no address to send tokens to. Write its BaseAddress in AddHttpClient, or the API's address in AddProofKeyToken(\"contoso\", onlyFor).",
        ]);
    }

    [Fact]
    [Assertion("CL-11")]
    public async Task An_HTTP_client_whose_address_is_in_the_clear_stops_the_start()
    {
        using var app = App(services => services.AddProofKeyClient("contoso").AddHttpClient("orders", http => http.BaseAddress = new Uri("http://api.example.com/")).AddProofKeyToken("contoso"), Good);

        (await Should.ThrowAsync<OptionsValidationException>(() => app.StartAsync(Cancel))).Failures.ShouldHaveSingleItem().ShouldContain("Write an https address");
    }

    internal static Dictionary<string, string?> Good => new() { ["ProofKey:Clients:contoso:Issuer"] = "https://login.example.com", ["ProofKey:Clients:contoso:ClientId"] = "desktop" };

    private static IHost App(Action<IServiceCollection> register, Dictionary<string, string?> configuration)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(configuration);
        register(builder.Services);
        return builder.Build();
    }
}
