using ProofKey.Cli.Output;

namespace ProofKey.Cli.Demo;

/// <summary>
/// Tells the demo: numbered steps, facts, and checks that are counted. At most 80 columns; without colours and control characters where no
/// terminal reads it.
/// </summary>
internal sealed class Story(TextWriter writer, bool colour)
{
    private const int Width = 80;
    private const int Indent = 3;
    private const int LabelWidth = 23;
    private const string Bold = "\e[1m";
    private const string Faint = "\e[2m";
    private const string Green = "\e[32m";
    private const string Red = "\e[1;31m";
    private const string Normal = "\e[0m";

    private int _steps;

    public int Checks { get; private set; }

    public int Failed { get; private set; }

    /// <summary>A secret as it may be shown: enough to recognise it, too little to use it.</summary>
    public static string Masked(string secret) => $"{secret[..Math.Min(6, secret.Length / 4)]}… ({secret.Length} characters)";

    public void Title(string text) => writer.WriteLine(Ink(Bold, text));

    public void Step(string text)
    {
        _steps++;
        writer.WriteLine();
        writer.WriteLine(Ink(Bold, $"{_steps,2} {text}"));
    }

    /// <summary>A sentence or two.</summary>
    public void Say(string text) => Lines("", text);

    /// <summary>Something that is so.</summary>
    public void Fact(string label, string value) => Lines(label.PadRight(LabelWidth), value);

    /// <summary>Something on a line of its own, whole, so that it can be copied.</summary>
    public void Whole(string text) => writer.WriteLine(PlainText.Of(text));

    /// <summary>Lines that keep their breaks, such as JSON.</summary>
    public void Block(string text)
    {
        foreach (var line in text.Split('\n')) writer.WriteLine($"{Blank(Indent)}{Ink(Faint, PlainText.Of(line))}");
    }

    /// <summary>Something that must be so.</summary>
    public void Check(bool isSo, string text)
    {
        Checks++;
        if (!isSo) Failed++;
        var lines = Wrapped(PlainText.Of(text), Width - Indent - 4).ToList();
        writer.WriteLine($"{Blank(Indent)}{(isSo ? Ink(Green, "ok") : Ink(Red, "NO"))}  {lines[0]}");
        foreach (var line in lines.Skip(1)) writer.WriteLine($"{Blank(Indent + 4)}{line}");
    }

    /// <summary>The last line.</summary>
    public void End(string good, string bad)
    {
        writer.WriteLine();
        writer.WriteLine(Failed == 0 ? Ink(Green, good) : Ink(Red, bad));
    }

    private void Lines(string label, string text)
    {
        var lines = Wrapped(PlainText.Of(text), Width - Indent - label.Length).ToList();
        writer.WriteLine($"{Blank(Indent)}{Ink(Faint, label)}{lines[0]}".TrimEnd());
        foreach (var line in lines.Skip(1)) writer.WriteLine($"{Blank(Indent + label.Length)}{line}");
    }

    // At a space where there is one, else where the width ends.
    private static IEnumerable<string> Wrapped(string text, int width)
    {
        while (text.Length > width)
        {
            var space = text.LastIndexOf(' ', width);
            var end = space > 0 ? space : width;
            yield return text[..end];
            text = text[end..].TrimStart();
        }
        yield return text;
    }

    private static string Blank(int count) => new(' ', count);

    private string Ink(string ink, string text) => colour && text.Length > 0 ? $"{ink}{text}{Normal}" : text;
}
