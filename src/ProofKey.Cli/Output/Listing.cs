using Spectre.Console;

namespace ProofKey.Cli.Output;

/// <summary>Rows under headings: a table on a terminal, aligned columns on a pipe.</summary>
internal sealed class Listing(params string[] headings)
{
    private readonly List<string[]> _rows = [];

    public void Add(params string[] row) => _rows.Add([.. row.Select(PlainText.Of)]);

    public void WriteTo(Terminal terminal)
    {
        if (terminal.OutIsTerminal) WriteTable(terminal);
        else WriteColumns(terminal.Out);
    }

    private void WriteTable(Terminal terminal)
    {
        var table = new Table { Border = TableBorder.Rounded };
        foreach (var heading in headings) table.AddColumn(new TableColumn(Markup.Escape(heading)));
        foreach (var row in _rows) table.AddRow([.. row.Select(Markup.Escape)]);
        AnsiConsole.Create(new AnsiConsoleSettings { ColorSystem = terminal.MayColour ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors }).Write(table);
    }

    private void WriteColumns(TextWriter writer)
    {
        var all = _rows.Prepend(headings).ToList();
        var widths = Enumerable.Range(0, headings.Length).Select(column => all.Max(row => row[column].Length)).ToArray();
        foreach (var row in all) writer.WriteLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }
}
