using System.Net;

namespace ProofKey.Bench;

/// <summary>A browser in which somebody is signed in, and has agreed to what the client asks for: from now on no page is shown.</summary>
internal sealed record SignedInBrowser(string Cookies)
{
    private const int MostSteps = 12;

    /// <summary>Signs a person in over HTTP: follows the issuer's own redirects and fills in its forms until it sends the browser to the client.</summary>
    public static async Task<SignedInBrowser> SignInAsync(IssuerUnderLoad issuer, LoadClient client, string username, string password)
    {
        var jar = new CookieContainer();
        using var http = new HttpClient(new SocketsHttpHandler { CookieContainer = jar, AllowAutoRedirect = false });
        var address = new Uri(issuer.AuthorizationEndpoint, Flow.AuthorizePath(issuer, client, CodeVerifier.New(), state: Secret.NewText(16), nonce: Secret.NewText(16)));
        var answer = await http.GetAsync(address);
        for (var step = 0; step < MostSteps; step++)
        {
            if (answer.Headers.Location is { } location)
            {
                // A private-use or foreign address is not fetched: it is the client's.
                if (location.OriginalString.StartsWith(client.RedirectUri, StringComparison.Ordinal))
                    return location.OriginalString.Contains("code=", StringComparison.Ordinal)
                        ? new SignedInBrowser(jar.GetCookieHeader(issuer.AuthorizationEndpoint))
                        : throw new InvalidOperationException($"The sign-in ended with {location}.");
                address = new Uri(address, location);
                answer.Dispose();
                answer = await http.GetAsync(address);
                continue;
            }
            var page = await answer.Content.ReadAsStringAsync();
            if (answer.StatusCode != HttpStatusCode.OK) throw new InvalidOperationException($"{address} answered {answer.StatusCode}: {page}");
            var form = PageForm.FillIn(page, username, password);
            address = new Uri(address, form.Action);
            answer.Dispose();
            using var fields = new FormUrlEncodedContent(form.Fields);
            answer = await http.PostAsync(address, fields);
        }
        throw new InvalidOperationException($"The sign-in took more than {MostSteps} steps.");
    }

    public override string ToString() => nameof(SignedInBrowser);
}
