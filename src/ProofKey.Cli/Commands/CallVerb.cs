using System.CommandLine;
using System.Net;
using System.Net.Http.Headers;
using ProofKey.Cli.Output;
using ProofKey.Cli.Sessions;
using ProofKey.Client;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey call</c>: calls an API with the session's token. The token goes to the address's origin and nowhere else.</summary>
internal sealed class CallVerb : SessionVerb
{
    private readonly Argument<string> _method = new("METHOD") { Description = "The HTTP method, such as GET." };
    private readonly Argument<string> _url = new("URL") { Description = "The API's address, https or on this machine." };
    private readonly Option<string> _body = new("--body", "-d") { HelpName = "BODY|@FILE|-", Description = "The body: the text itself, a file's content, or stdin. It is sent as application/json unless -H says otherwise." };
    private readonly Option<string[]> _headers = new("--header", "-H") { HelpName = "HEADER", Description = "One more header, such as \"Accept: text/csv\"; may be repeated." };

    public CallVerb()
        : base(
            "call",
            "Call an API with a fresh access token.",
            "proofkey call GET https://api.example.com/orders",
            "proofkey call POST https://api.example.com/orders -d '{\"item\":7}'",
            "proofkey call PUT https://api.example.com/logo -d @logo.png -H \"Content-Type: image/png\"")
    {
        Add(_method);
        Add(_url);
        Add(_body);
        Add(_headers);
    }

    protected override async Task<int> RunAsync(Invocation invocation, OpenProfile open)
    {
        var address = AddressOf(invocation);
        using var request = await RequestAsync(invocation, address);
        var session = await open.SessionAsync(invocation.Cancellation);
        var resource = ResourceOf(open.Profile, address);
        await WarnAsync(session, open.Profile, resource, address, invocation);
        var origin = new Uri(address.GetLeftPart(UriPartial.Authority));
        using var http = resource is null ? session.CreateHttpClient(onlyFor: origin) : session.CreateHttpClient(onlyFor: origin, resource);
        using var response = await SendAsync(http, request, open.Profile, invocation.Cancellation);
        invocation.Terminal.Say($"{(int)response.StatusCode} {PlainText.Of(response.ReasonPhrase ?? "")}".TrimEnd());
        await CopyAsync(response, address, invocation);
        if (response.IsSuccessStatusCode) return ExitCodes.Done;
        if (await HintForAsync(response, session, open.Profile, invocation.Cancellation) is { } hint) invocation.Terminal.Say(hint);
        return ExitCodes.Failed;
    }

    private Uri AddressOf(Invocation invocation) =>
        Uri.TryCreate(invocation.Argument(_url), UriKind.Absolute, out var address) && address.UserInfo.Length == 0
        && (address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback))
            ? address
            : throw CommandException.Usage("A token is sent over https, or over http to this machine only.", "Give an absolute address, such as https://api.example.com/orders");

    // Of the APIs that the session is for, the one whose address this is below.
    private static string? ResourceOf(Profile profile, Uri address) => profile.Resources?
        .Where(resource => Audience.Covers(resource, address))
        .MaxBy(resource => resource.Length);

    // RFC 9700 section 4.9.1: a token may be sent to any address that is typed, but not without a word
    private static async Task WarnAsync(Session session, Profile profile, string? resource, Uri address, Invocation invocation)
    {
        var token = resource is null ? await session.GetAccessTokenAsync(cancel: invocation.Cancellation) : await session.GetAccessTokenAsync(resource, cancel: invocation.Cancellation);
        var said = DecodedToken.TryRead(token.Reveal(), out var decoded, out _) ? decoded.Audiences : [];
        if (Audience.Elsewhere(said, profile.Resources ?? [], address) is { } audience)
            invocation.Terminal.Say($"The token is meant for {audience}, and goes to {address.GetLeftPart(UriPartial.Path)}.");
    }

    private async Task<HttpRequestMessage> RequestAsync(Invocation invocation, Uri address)
    {
        var method = invocation.Argument(_method);
        if (method.Length == 0 || !method.All(char.IsAsciiLetter)) throw CommandException.Usage("That is not an HTTP method.", "Write METHOD before URL, such as: proofkey call GET https://api.example.com/orders");
        var request = new HttpRequestMessage(new HttpMethod(method.ToUpperInvariant()), address);
        if (invocation.Settings.Text(_body) is { } body)
        {
            request.Content = new ByteArrayContent(await BytesAsync(body, invocation.Cancellation));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }
        foreach (var header in invocation.Settings.Texts(_headers)) AddHeader(request, header);
        return request;
    }

    private static async Task<byte[]> BytesAsync(string body, CancellationToken cancellation)
    {
        if (body == "-")
        {
            await using var input = Console.OpenStandardInput();
            using var read = new MemoryStream();
            await input.CopyToAsync(read, cancellation).WaitAsync(cancellation);
            return read.ToArray();
        }
        if (!body.StartsWith('@')) return System.Text.Encoding.UTF8.GetBytes(body);
        return File.Exists(body[1..]) ? await File.ReadAllBytesAsync(body[1..], cancellation)
            : throw CommandException.Usage($"There is no file {body[1..]}.", "Write -d @FILE with the path of a file, or -d TEXT.");
    }

    private static void AddHeader(HttpRequestMessage request, string header)
    {
        var colon = header.IndexOf(':', StringComparison.Ordinal);
        var (name, value) = colon > 0 ? (header[..colon].Trim(), header[(colon + 1)..].Trim()) : ("", "");
        if (name.Equals("Authorization", StringComparison.OrdinalIgnoreCase)) throw CommandException.Usage("The Authorization header is what this command itself sends.", "Leave it out, or use another program.");
        if (name.Equals("Content-Type", StringComparison.OrdinalIgnoreCase)) request.Content?.Headers.Remove(name);
        // What is not ASCII no two programs read alike, and the platform does not send it.
        if (name.Length == 0 || value.Any(character => character is < ' ' or > '~') || !(request.Headers.TryAddWithoutValidation(name, value) || request.Content?.Headers.TryAddWithoutValidation(name, value) == true))
            throw CommandException.Usage("That is not a header of this request.", "Write NAME: VALUE in ASCII, such as -H \"Accept: text/csv\"; one about the body needs -d.");
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient http, HttpRequestMessage request, Profile profile, CancellationToken cancellation)
    {
        try
        {
            return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        }
        catch (SignInRequiredException needed) when (MoreOf(needed, profile) is { } more)
        {
            throw new CommandException(ExitCodes.SignInNeeded, $"The session is good, but {PlainText.Of(needed.Actual)}.", $"Sign in again with: {profile.LoginCommand} {more}") { Help = needed.Help };
        }
        catch (OperationCanceledException slow) when (!cancellation.IsCancellationRequested)
        {
            throw new CommandException(ExitCodes.TimedOut, $"{http.BaseAddress} did not answer within {http.Timeout.TotalSeconds:F0} s.", "Try again later.", slow);
        }
        catch (HttpRequestException away)
        {
            throw new CommandException(ExitCodes.Unavailable, $"{http.BaseAddress} could not be reached ({away.HttpRequestError}).", "Check the address and the network, then try again.", away);
        }
    }

    private static async Task CopyAsync(HttpResponseMessage response, Uri address, Invocation invocation)
    {
        var (terminal, buffer, last) = (invocation.Terminal, new byte[16 * 1024], (byte)'\n');
        var shown = terminal.OutIsTerminal ? new PlainBytes() : null;
        await using var body = await response.Content.ReadAsStreamAsync(invocation.Cancellation);
        while (!terminal.ReaderIsGone && await ReadAsync(body, buffer, address, invocation.Cancellation) is > 0 and var length)
        {
            if (shown is not null) terminal.Out.Write(shown.Next(buffer.AsSpan(0, length)));
            else await terminal.OutBytes.WriteAsync(buffer.AsMemory(0, length), invocation.Cancellation);
            last = buffer[length - 1];
        }
        // A shell would put its prompt behind it.
        if (shown is not null && last != '\n') terminal.Write(shown.End());
    }

    private static async Task<int> ReadAsync(Stream body, byte[] buffer, Uri address, CancellationToken cancellation)
    {
        try
        {
            return await body.ReadAsync(buffer, cancellation);
        }
        catch (Exception broken) when (broken is IOException or HttpRequestException)
        {
            throw new CommandException(ExitCodes.Unavailable, $"{address.GetLeftPart(UriPartial.Authority)} broke off its answer.", "What was printed is not all of it. Try again.", broken);
        }
    }

    // What an API asks for is its own text, which a person is about to copy into a shell.
    private static string? MoreOf(SignInRequiredException needed, Profile profile) => needed switch
    {
        { StepUp: { } stepUp } => string.Join(' ', new[]
        {
            stepUp.AcrValues.Count > 0 ? $"--acr-values {CommandText.Argument(string.Join(' ', stepUp.AcrValues))}" : "",
            stepUp.MaxAge is { TotalSeconds: < 1_000_000 } age ? $"--max-age {age.TotalSeconds:F0}s" : "",
        }.Where(option => option.Length > 0)),
        { Scope: { } scope } => $"--scope {CommandText.Argument(Scope.Parse(profile.Scope).Union(scope).ToString())}",
        _ => null,
    };

    // RFC 9728 section 5.1: what the API says about itself goes before what we can guess
    private static async Task<string?> HintForAsync(HttpResponseMessage response, Session session, Profile profile, CancellationToken cancellation)
    {
        if (!ProtectedResource.IsNamedIn(response)) return HintFor(response, session, profile);
        try
        {
            var api = await ProtectedResource.DiscoverAsync(response, cancel: cancellation);
            var command = $"{CommandText.Argument(api.AuthorizationServers[0].Value)} --client-id ID --resource {CommandText.Argument(api.Resource)}{(api.RequiresDpop ? " --dpop" : "")}";
            if (!api.AuthorizationServers.Contains(session.Issuer)) return $"The API takes tokens of {string.Join(", ", api.AuthorizationServers)}, and this profile is of {session.Issuer}. If you trust them, sign in there: proofkey login {command} -p ANOTHER-PROFILE";
            if (profile.Resources?.Contains(api.Resource) != true) return $"The API takes tokens that are for it. Sign in for one: {profile.LoginCommand} --resource {CommandText.Argument(api.Resource)}";
            return HintFor(response, session, profile);
        }
        catch (ClientException useless)
        {
            return $"The API points to metadata of itself that cannot be used: expected {PlainText.Of(useless.Expected)}, but {PlainText.Of(useless.Actual)}. {useless.Help}";
        }
    }

    // RFC 6750 section 3.1, RFC 9449 section 7.1
    private static string? HintFor(HttpResponseMessage response, Session session, Profile profile) => response.StatusCode switch
    {
        HttpStatusCode.Unauthorized when session.IsBound && !response.Headers.WwwAuthenticate.Any(challenge => challenge.Scheme.Equals("DPoP", StringComparison.OrdinalIgnoreCase)) =>
            $"The API seems to take no tokens that are bound to a key. Sign in for others: {profile.LoginCommand} --dpop=false",
        HttpStatusCode.Unauthorized => $"The API did not take the token. See whether it is meant for this API, in aud and iss: proofkey token{profile.Option} | proofkey decode -",
        HttpStatusCode.Forbidden => $"The token may not do that. Sign in with the scope that the API asks for: {profile.LoginCommand} --scope \"…\"",
        _ => null,
    };
}
