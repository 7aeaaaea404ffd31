using System.Net;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;

namespace ProofKey.Server.Tests.Support;

/// <summary>What every page and every answer must look like.</summary>
internal static class PageChecks
{
    public static async Task<IHtmlDocument> PageAsync(this HttpResponseMessage response)
    {
        (response.Content.Headers.ContentType?.ToString()).ShouldBe("text/html; charset=utf-8");
        return await new HtmlParser().ParseDocumentAsync(await response.Content.ReadAsStringAsync());
    }

    /// <summary>A page that nobody can frame or keep, and that loads nothing.</summary>
    public static async Task<IHtmlDocument> ShouldBeKeptOursAsync(this HttpResponseMessage response)
    {
        response.Policy("default-src").ShouldBe(["'none'"]);
        response.Policy("frame-ancestors").ShouldBe(["'none'"]);
        response.Policy("object-src").ShouldBe(["'none'"]);
        response.Policy("base-uri").ShouldBe(["'none'"]);
        response.Header("X-Frame-Options").ShouldBe("DENY");
        response.Header("X-Content-Type-Options").ShouldBe("nosniff");
        response.Header("Referrer-Policy").ShouldBe("no-referrer");
        response.Header("Cross-Origin-Opener-Policy").ShouldBe("same-origin");
        response.Header("Cache-Control").ShouldBe("no-store");
        response.Header("Content-Security-Policy")!.ShouldNotContain("unsafe");
        response.Headers.Contains("Server").ShouldBeFalse();

        var page = await response.PageAsync();
        response.Policy("style-src").ShouldBe([$"'sha256-{Convert.ToBase64String(Secret.Digest(page.QuerySelectorAll("style").ShouldHaveSingleItem().TextContent))}'"]);
        page.QuerySelectorAll("[style], [onclick], [onload], [onsubmit], [onerror], [src], link, img, iframe, object, embed, base, meta[http-equiv]").ShouldBeEmpty();
        return page;
    }

    /// <summary>Our own error page, with no way on to anywhere.</summary>
    public static async Task<IHtmlDocument> ShouldBeErrorPageAsync(this HttpResponseMessage response, string? because = null)
    {
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest, because);
        response.Headers.Location.ShouldBeNull(because);
        response.Headers.Contains("Refresh").ShouldBeFalse(because);
        var page = await response.PageAsync();
        page.QuerySelectorAll("a, form, meta[http-equiv], script, iframe, frame, object, embed, img, link, base").ShouldBeEmpty(because);
        page.QuerySelector("h1")!.TextContent.ShouldBe("This sign-in cannot go on");
        return page;
    }

    /// <summary>A page with a form that was not accepted.</summary>
    public static async Task<IHtmlDocument> ShouldBeFormAgainAsync(this HttpResponseMessage response, string? because = null)
    {
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest, because);
        response.Headers.Location.ShouldBeNull(because);
        var page = await response.PageAsync();
        page.QuerySelector("form[method=post]").ShouldNotBeNull(because);
        page.QuerySelector("p#problem[role=alert]").ShouldNotBeNull(because).TextContent.ShouldNotBeNullOrWhiteSpace(because);
        return page;
    }

    /// <summary>An error at the client's own address.</summary>
    public static Dictionary<string, string> ShouldRedirectWith(this HttpResponseMessage response, string error, AuthorizeUrl request, string issuer)
    {
        response.StatusCode.ShouldBe(HttpStatusCode.SeeOther, request.ToString());
        response.Headers.Location!.OriginalString.ShouldStartWith(request.RedirectUri + "?");
        var answer = Person.AnswerOf(response);
        answer["error"].ShouldBe(error, answer.GetValueOrDefault("error_description"));
        answer["iss"].ShouldBe(issuer);
        answer.ShouldNotContainKey("code");
        return answer;
    }

    /// <summary>The sources of one directive of the page's policy.</summary>
    public static string[] Policy(this HttpResponseMessage response, string directive)
    {
        var policy = response.Headers.GetValues("Content-Security-Policy").ShouldHaveSingleItem();
        var found = policy.Split(';', StringSplitOptions.TrimEntries).Where(part => part.Split(' ')[0] == directive).ToList();
        return found.ShouldHaveSingleItem($"{directive} in {policy}").Split(' ')[1..];
    }

    public static string? Header(this HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? string.Join(", ", values) : null;
}
