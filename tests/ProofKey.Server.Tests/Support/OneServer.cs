using System.Net;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Tests.Support;

/// <summary>One running server for all tests of a class, with the kinds of clients that are treated differently.</summary>
public sealed class OneServer : IAsyncLifetime
{
    public const string NativeUri = "http://127.0.0.1/callback";
    public const string WebUri = "https://app.example/callback";

    internal RunningServer Server { get; private set; } = null!;

    /// <summary>A program on the device: its address does not identify it.</summary>
    internal RegisteredClient Native { get; private set; } = null!;

    /// <summary>A client on an https address.</summary>
    internal RegisteredClient Web { get; private set; } = null!;

    /// <summary>A client that the operator vouches for.</summary>
    internal RegisteredClient FirstParty { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Server = await RunningServer.StartAsync();
        Native = await Server.AddClientAsync(NativeUri);
        Web = await Server.AddClientAsync(WebUri);
        FirstParty = await Server.AddClientAsync(NativeUri, registration => registration with { IsFirstParty = true, ResponseModes = ["form_post"] });
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();

    internal AuthorizeUrl Request(RegisteredClient? client = null) => new(Server, client ?? Native);

    /// <summary>Someone with a live session, without the cost of a password.</summary>
    internal Task<Person> SignedInAsync(string userName = RunningServer.UserName) => Server.SignedInAsync(userName);

    /// <summary>A code for a request, by someone who agrees to all that is asked.</summary>
    internal async Task<string> CodeAsync(AuthorizeUrl request)
    {
        using var person = await SignedInAsync();
        return (await person.AuthorizeAsync(request))["code"];
    }
}

/// <summary>Sessions that no password was typed for.</summary>
internal static class Sessions
{
    public const string SessionCookie = "proofkey-session";
    public const string BrowserCookie = "proofkey-browser";

    /// <summary>A person with a live session, made where the server keeps its sessions.</summary>
    public static async Task<Person> SignedInAsync(this RunningServer server, string userName = RunningServer.UserName)
    {
        var person = server.NewPerson();
        await server.SignInAsync(person, userName);
        return person;
    }

    /// <summary>Gives a browser another session.</summary>
    /// <returns>The value of the session cookie.</returns>
    public static async Task<string> SignInAsync(this RunningServer server, Person person, string userName)
    {
        var account = await server.Service<AccountStore>().FindByNameAsync(userName, CancellationToken.None);
        var cookie = Secret.NewText();
        var (now, lifetime) = (server.Time.Now, server.Service<ServerOptions>().SessionLifetime);
        await server.Service<SessionStore>().AddAsync(new BrowserSession(Secret.NewId(now), SessionStore.KeyOf(cookie), account!.Subject, account.Name, account.Epoch, now, "pwd", now + lifetime, now) { Acr = "urn:proofkey:acr:password" });
        person.SetCookie(server, SessionCookie, cookie);
        return cookie;
    }

    public static void SetCookie(this Person person, RunningServer server, string name, string value) =>
        person.Cookies.Add(new Uri(server.Issuer), new Cookie(name, value, "/") { HttpOnly = true });

    public static string? CookieOf(this Person person, RunningServer server, string name) => person.Cookies.GetCookies(new Uri(server.Issuer))[name]?.Value;
}

/// <summary>Requests of a browser, one at a time.</summary>
internal static class Browsing
{
    /// <summary>Sends one request and follows nothing.</summary>
    public static async Task<HttpResponseMessage> SendAsync(this Person person, HttpMethod method, string address, IEnumerable<KeyValuePair<string, string>>? form = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, new Uri(address, UriKind.RelativeOrAbsolute));
        if (form is not null) request.Content = new FormUrlEncodedContent(form);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value).ShouldBeTrue();
        return await person.Http.SendAsync(request);
    }

    public static Task<HttpResponseMessage> GetOnceAsync(this Person person, string address, params (string Name, string Value)[] headers) => person.SendAsync(HttpMethod.Get, address, null, headers);

    /// <summary>Posts a form and follows nothing.</summary>
    public static Task<HttpResponseMessage> PostOnceAsync(this Person person, PageForm form, (string Name, string Value)[] fields, params (string Name, string Value)[] headers) =>
        person.SendAsync(HttpMethod.Post, form.Action, form.With(fields), headers);

    /// <summary>Posts the parameters of a request to the authorization endpoint, and follows redirects within the server.</summary>
    public static async Task<HttpResponseMessage> PostToAuthorizeAsync(this Person person, AuthorizeUrl request)
    {
        var moved = await person.SendAsync(HttpMethod.Post, request.Path, request.Parameters);
        return moved.StatusCode == HttpStatusCode.SeeOther && !moved.Headers.Location!.IsAbsoluteUri ? await person.GetAsync(moved.Headers.Location.OriginalString) : moved;
    }

    /// <summary>Goes to the sign-in page of a request.</summary>
    public static async Task<PageForm> SignInFormAsync(this Person person, AuthorizeUrl request)
    {
        var form = await Person.FormOf(await person.GetAsync(request.ToString()));
        form.Fields.ShouldContainKey("username");
        return form;
    }

    /// <summary>Goes to the consent page of a request.</summary>
    public static async Task<PageForm> ConsentFormAsync(this Person person, AuthorizeUrl request)
    {
        var form = await Person.FormOf(await person.GetAsync(request.ToString()));
        form.Action.ShouldContain("/consent?");
        return form;
    }

    /// <summary>The same form, with a parameter of its address set or removed.</summary>
    public static PageForm WithParameter(this PageForm form, string name, string? value) => form with { Action = WithParameter(form.Action, name, value) };

    /// <summary>A path and query with one parameter set or removed.</summary>
    public static string WithParameter(string address, string name, string? value)
    {
        var (path, parameters) = Parts(address);
        parameters = parameters.Without(name);
        return $"{path}?{(value is null ? parameters : parameters.With(name, value)).ToQuery()}";
    }

    /// <summary>A parameter of a path and query.</summary>
    public static string? Parameter(string address, string name) => Parts(address).Parameters[name];

    private static (string Path, Parameters Parameters) Parts(string address)
    {
        var question = address.IndexOf('?', StringComparison.Ordinal);
        Parameters.TryParse(address.AsSpan(question + 1), out var parameters, out _).ShouldBeTrue();
        return (address[..question], parameters!);
    }
}
