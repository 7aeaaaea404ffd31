using System.Text.Json;
using EndToEnd.Interop;
using Microsoft.Playwright;

namespace EndToEnd;

/// <summary>The rules of WCAG 2.2, levels A and AA, as far as axe-core can tell. What it cannot tell counts too: then a page must be made so that it can.</summary>
public static class Axe
{
    // The rule on the size of targets (WCAG 2.2 section 2.5.8) is off unless it is named. Section 1.4.3 asks nothing of a name that is part of a logo.
    private const string Run =
        """
        async () => {
            // A text that is still coming into sight has no colours yet.
            await Promise.all(document.getAnimations().map((animation) => animation.finished));
            const options = { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], rules: { 'target-size': { enabled: true } } };
            const found = await axe.run({ exclude: ['.wordmark'] }, options);
            const told = (results) => results.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.target.join(' ')}: ${node.failureSummary}`));
            return { wrong: [...told(found.violations), ...told(found.incomplete)], rules: [...found.passes, ...found.inapplicable].map((rule) => rule.id) };
        }
        """;

    private static readonly Lazy<string> Source = new(() => File.ReadAllText(Path.Combine(ThirdPartyClient.NodeModules, "axe-core", "axe.min.js")));

    /// <summary>Looks at a page as it is now.</summary>
    public static async Task CheckAsync(IPage page, string name)
    {
        // Not as a script of the page, which its policy refuses.
        await page.EvaluateAsync(Source.Value);
        var found = await page.EvaluateAsync<JsonElement>(Run);
        found.GetProperty("wrong").EnumerateArray().Select(wrong => wrong.GetString()).ShouldBeEmpty(name);
        var rules = found.GetProperty("rules").EnumerateArray().Select(rule => rule.GetString()).ToList();
        foreach (var needed in (string[])["color-contrast", "target-size", "label", "html-has-lang"]) rules.ShouldContain(needed, name);
    }
}
