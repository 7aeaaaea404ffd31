using System.Net;
using System.Text.RegularExpressions;

namespace ProofKey.Cli.Demo;

/// <summary>
/// A person and a browser by script: keeps cookies, follows the server's redirects, fills in its forms as a person would, and presses
/// Allow.
/// </summary>
internal sealed partial class ScriptedPerson(string name, string password) : IDisposable
{
    private const int MostPages = 12;

    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = new CookieContainer() });

    /// <summary>What was done on the server's pages, in order.</summary>
    public List<string> Done { get; } = [];

    /// <summary>Opens an authorization request and does what the pages ask.</summary>
    /// <returns>Where the server sends the browser in the end, outside of itself.</returns>
    /// <exception cref="CommandException">The server shows something else than its forms.</exception>
    public async Task<Uri> AnswerAsync(Uri request, CancellationToken cancellation)
    {
        Done.Clear();
        var here = request;
        var response = await _http.GetAsync(here, cancellation);
        for (var pages = 0; pages < MostPages; pages++)
        {
            if (response.Headers.Location is { } location)
            {
                here = new Uri(here, location);
                if (here.Authority != request.Authority) return here;
                response = await _http.GetAsync(here, cancellation);
            }
            else
            {
                (here, response) = await FillInAsync(here, response, cancellation);
            }
        }
        throw new CommandException(ExitCodes.Failed, "The server goes on asking.", "Run the demo in a browser, to see what it asks: proofkey demo");
    }

    /// <summary>Opens an address as a browser does, without following where it leads.</summary>
    public Task<HttpResponseMessage> OpenAsync(Uri address, CancellationToken cancellation) => _http.GetAsync(address, cancellation);

    public void Dispose() => _http.Dispose();

    private async Task<(Uri, HttpResponseMessage)> FillInAsync(Uri here, HttpResponseMessage response, CancellationToken cancellation)
    {
        var page = await response.Content.ReadAsStringAsync(cancellation);
        var form = FormPattern().Match(page) is { Success: true } match ? match
            : throw new CommandException(ExitCodes.Failed, $"The server answered {(int)response.StatusCode} without a form.", "Run the demo in a browser, to see what it shows: proofkey demo");
        var action = new Uri(here, WebUtility.HtmlDecode(form.Groups["action"].Value));
        using var post = new HttpRequestMessage(HttpMethod.Post, action) { Content = new FormUrlEncodedContent(FieldsOf(form.Value)) };
        post.Headers.Add("Origin", here.GetLeftPart(UriPartial.Authority));
        return (action, await _http.SendAsync(post, cancellation));
    }

    private Dictionary<string, string> FieldsOf(string form)
    {
        var fields = HiddenPattern().Matches(form).ToDictionary(input => input.Groups["name"].Value, input => WebUtility.HtmlDecode(input.Groups["value"].Value));
        if (form.Contains("name=\"username\"", StringComparison.Ordinal))
        {
            (fields["username"], fields["password"]) = (name, password);
            Done.Add("typed name and password");
        }
        else
        {
            fields["decision"] = "allow";
            Done.Add("pressed Allow");
        }
        return fields;
    }

    [GeneratedRegex("<form [^>]*action=\"(?<action>[^\"]*)\".*?</form>", RegexOptions.Singleline)]
    private static partial Regex FormPattern();

    [GeneratedRegex("<input type=\"hidden\" name=\"(?<name>[^\"]*)\" value=\"(?<value>[^\"]*)\"")]
    private static partial Regex HiddenPattern();
}
