using System.Text;

namespace ProofKey.Cli.Output;

/// <summary>Bytes that others wrote, in pieces, made fit for a terminal: text in UTF-8 with its lines and tabs, and nothing that steers.</summary>
internal sealed class PlainBytes
{
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private bool _afterReturn;

    /// <summary>The next piece.</summary>
    public string Next(ReadOnlySpan<byte> bytes)
    {
        var text = new char[_decoder.GetCharCount(bytes, flush: false)];
        return Shown(new string(text, 0, _decoder.GetChars(bytes, text, flush: false)), isEnd: false);
    }

    /// <summary>What is left where the last piece broke off in the middle of a character.</summary>
    public string End()
    {
        var text = new char[_decoder.GetCharCount([], flush: true)];
        return Shown(new string(text, 0, _decoder.GetChars([], text, flush: true)), isEnd: true);
    }

    // A carriage return before a line end is how some systems write one; alone it goes back over what was read.
    private string Shown(string text, bool isEnd)
    {
        if (_afterReturn) text = '\r' + text;
        _afterReturn = !isEnd && text.EndsWith('\r');
        if (_afterReturn) text = text[..^1];
        var lines = text.Replace("\r\n", "\n", StringComparison.Ordinal).Split('\n');
        return string.Join('\n', lines.Select(line => string.Join('\t', line.Split('\t').Select(PlainText.Of))));
    }
}
