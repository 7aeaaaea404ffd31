using Spectre.Console;

namespace ProofKey.Cli.Output;

/// <summary>Rows under headings: a table on a terminal, or one block for each row where it is too narrow for that; aligned columns on a pipe.</summary>
internal sealed class Listing(params string[] headings)
{
    // Narrower than that, sentences are not read.
    private const int LeastOfText = 16;

    private readonly List<string[]> _rows = [];

    public void Add(params string[] row) => _rows.Add([.. row.Select(PlainText.Of)]);

    public void WriteTo(Terminal terminal)
    {
        if (!terminal.OutIsTerminal) WriteColumns(terminal.Out);
        else if (terminal.OutWidth is not { } room) WriteTable(terminal, widths: null);
        else if (Widths(room) is { } widths) WriteTable(terminal, widths);
        else WriteBlocks(terminal);
    }

    // The widest gives way first, as far as its words allow: what is cut within cannot be copied.
    private int[]? Widths(int room)
    {
        var texts = headings.Select((heading, column) => _rows.Select(row => row[column]).Prepend(heading).ToList()).ToList();
        int[] widths = [.. texts.Select(cells => cells.Max(WordWrap.Columns))];
        int[] least = [.. texts.Select((cells, column) => Math.Min(widths[column], Math.Max(LeastOfText, cells.SelectMany(cell => cell.Split(' ')).Max(WordWrap.Columns))))];
        // A space on both sides of each, a line between them, and one at each end
        for (var excess = widths.Sum() + (3 * widths.Length) + 1 - room; excess > 0; excess--)
        {
            var column = Enumerable.Range(0, widths.Length).Where(column => widths[column] > least[column]).DefaultIfEmpty(-1).MaxBy(column => column < 0 ? 0 : widths[column]);
            if (column < 0) return null;
            widths[column]--;
        }
        return widths;
    }

    private void WriteTable(Terminal terminal, int[]? widths)
    {
        var table = new Table { Border = TableBorder.Rounded };
        foreach (var (column, heading) in headings.Index()) table.AddColumn(new TableColumn(Markup.Escape(heading)) { Width = widths?[column] });
        foreach (var row in _rows) table.AddRow([.. row.Select(Markup.Escape)]);
        AnsiConsole.Create(new AnsiConsoleSettings { ColorSystem = terminal.MayColour ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors }).Write(table);
    }

    // A line for each cell that says something, and an empty one between rows
    private void WriteBlocks(Terminal terminal)
    {
        var indent = headings.Max(heading => heading.Length) + 2;
        foreach (var (at, row) in _rows.Index())
        {
            if (at > 0) terminal.Write("");
            foreach (var (heading, cell) in headings.Zip(row))
                if (cell.Length > 0) terminal.Write($"{heading.PadRight(indent)}{cell}", indent);
        }
        if (_rows.Count == 0) terminal.Say("There are none.");
    }

    private void WriteColumns(TextWriter writer)
    {
        var all = _rows.Prepend(headings).ToList();
        var widths = Enumerable.Range(0, headings.Length).Select(column => all.Max(row => row[column].Length)).ToArray();
        foreach (var row in all) writer.WriteLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }
}
