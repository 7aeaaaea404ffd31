using System.Text.RegularExpressions;
using ProofKey.Cli.Demo;

namespace ProofKey.Cli.Tests;

/// <summary>A person who is sent to the address that <c>proofkey login</c> prints, signs in there and agrees.</summary>
internal sealed partial class ScriptedBrowser() : IDisposable
{
    private readonly ScriptedPerson _person = new("alice", TestServer.Password);

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+/authorize\?\S+(?=\s)")]
    public static partial Regex Address();

    /// <summary>Signs in at an address, and gives where the browser ends.</summary>
    public async Task<Uri> AnswerAsync(string address)
    {
        var answer = await _person.AnswerAsync(new Uri(address), TestContext.Current.CancellationToken);
        if (Parameters.TryParse(answer.Query.AsSpan().TrimStart('?'), out var parameters, out _) && parameters["code"] is { } code) SuiteWitness.OfThisSuite.Secret("code", code);
        return answer;
    }

    /// <summary>Signs in where a device sent the person, sees the code there, and agrees.</summary>
    public static async Task EnterAsync(Uri address)
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var http = new HttpClient(new SocketsHttpHandler { CookieContainer = new System.Net.CookieContainer() });
        var (here, page) = (address, await http.GetStringAsync(address, cancellation));
        for (var pages = 0; pages < 5 && !page.Contains("Device connected", StringComparison.Ordinal); pages++)
        {
            var form = Form().Match(page);
            form.Success.ShouldBeTrue(page);
            var fields = Field().Matches(form.Value).ToDictionary(field => field.Groups["name"].Value, field => System.Net.WebUtility.HtmlDecode(field.Groups["value"].Value));
            if (form.Value.Contains("name=\"username\"", StringComparison.Ordinal)) (fields["username"], fields["password"]) = ("alice", TestServer.Password);
            if (form.Value.Contains("name=\"decision\"", StringComparison.Ordinal)) fields["decision"] = "allow";
            var method = form.Groups["method"].Value == "post" ? HttpMethod.Post : HttpMethod.Get;
            var action = new Uri(here, System.Net.WebUtility.HtmlDecode(form.Groups["action"].Value));
            using var content = new FormUrlEncodedContent(fields);
            using var sent = method == HttpMethod.Post ? new HttpRequestMessage(method, action) { Content = content } : new HttpRequestMessage(method, new Uri($"{action}?{await content.ReadAsStringAsync(cancellation)}"));
            sent.Headers.Add("Origin", here.GetLeftPart(UriPartial.Authority));
            using var answer = await http.SendAsync(sent, cancellation);
            (here, page) = (answer.RequestMessage!.RequestUri!, await answer.Content.ReadAsStringAsync(cancellation));
        }
        page.Contains("Device connected", StringComparison.Ordinal).ShouldBeTrue(page);
    }

    [GeneratedRegex("<form [^>]*?method=\"(?<method>[^\"]*)\"[^>]*?action=\"(?<action>[^\"]*)\".*?</form>", RegexOptions.Singleline)]
    private static partial Regex Form();

    [GeneratedRegex("<input (?![^>]*checkbox)(?=[^>]*name=\"(?<name>[^\"]*)\")[^>]*value=\"(?<value>[^\"]*)\"")]
    private static partial Regex Field();

    /// <summary>Does so, and brings the answer back to the program.</summary>
    public async Task SignInAsync(RunningCli login)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var callback = await _person.AnswerAsync(new Uri((await login.UntilAsync(Address())).Value), cancellation);
        using var answer = await _person.OpenAsync(callback, cancellation);
        // An answer that is posted was so by the person already, and this is where the browser was sent after it.
        if (answer.IsSuccessStatusCode) return;
        using var page = await _person.OpenAsync(new Uri(callback, answer.Headers.Location!), cancellation);
        page.IsSuccessStatusCode.ShouldBeTrue();
    }

    public void Dispose() => _person.Dispose();
}
