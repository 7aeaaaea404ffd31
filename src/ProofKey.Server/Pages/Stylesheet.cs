using Microsoft.AspNetCore.Components;

namespace ProofKey.Server.Pages;

/// <summary>The one stylesheet, which stands in every page, so that a page is a single request.</summary>
internal static class Stylesheet
{
    /// <summary>The exact text between the style tags, which the Content Security Policy names by its hash.</summary>
    public static string Text { get; } = Read();

    /// <summary>The text as markup, written as it is.</summary>
    public static MarkupString Markup { get; } = new(Text);

    private static string Read()
    {
        using var stream = typeof(Stylesheet).Assembly.GetManifestResourceStream("style.css")
            ?? throw new InvalidOperationException("The stylesheet is missing from the assembly; build ProofKey.Server again.");
        using var reader = new StreamReader(stream);
        // A browser reads every line end as LF before it makes the hash, whatever the checkout made of the file.
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
