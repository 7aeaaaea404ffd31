using System.Globalization;
using System.Net;
using System.Text;

namespace ProofKey.Bench;

/// <summary>The comparison as a picture: plain SVG without a script, readable on a light and on a dark page.</summary>
internal static class Chart
{
    private const int Width = 860;
    private const int LabelWidth = 290;
    private const int ValueWidth = 80;
    private const int BarHeight = 16;
    private const int RowHeight = 24;
    private const int GroupHead = 40;
    private const int Top = 64;

    public static string Draw(IReadOnlyList<ComparisonRow> rows, string title)
    {
        var scale = (Width - LabelWidth - ValueWidth) / rows.Max(row => row.Microseconds);
        var groups = rows.GroupBy(row => row.Operation).OrderBy(group => group.Key).ToList();
        var height = Top + (groups.Count * GroupHead) + (rows.Count * RowHeight) + 16;
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {height}" width="{Width}" height="{height}" role="img" aria-labelledby="title">""").Append('\n');
        svg.Append(CultureInfo.InvariantCulture, $"<title id=\"title\">{WebUtility.HtmlEncode(title)}</title>\n{Style}\n");
        Text(svg, "head", 16, 28, title);
        Legend(svg, 16, "server", "part-server");
        Legend(svg, 106, "database", "part-database");
        var y = Top;
        foreach (var group in groups)
        {
            Text(svg, "group", 16, y + 26, $"{Comparison.Name(group.Key)}, µs");
            y += GroupHead;
            foreach (var row in group.OrderBy(row => row.Kind.OnPostgres))
            {
                Row(svg, row, scale, y);
                y += RowHeight;
            }
        }
        return svg.Append("</svg>\n").ToString();
    }

    // Ours are told from the others by the weight of their names, so that the two colours keep one meaning.
    private static void Row(StringBuilder svg, ComparisonRow row, double scale, int y)
    {
        Text(svg, row.Kind.IsOurs ? "ours" : "label", 16, y + 13, $"{row.Kind.Title}, {row.Kind.Database}");
        Bar(svg, "part-server", LabelWidth, y, row.Server * scale);
        Bar(svg, "part-database", LabelWidth + (row.Server * scale), y, row.DatabaseTime * scale);
        Text(svg, row.Kind.IsOurs ? "ours" : "label", LabelWidth + ((row.Server + row.DatabaseTime) * scale) + 6, y + 13, row.Microseconds.ToString("F0", CultureInfo.InvariantCulture));
    }

    private static void Legend(StringBuilder svg, int x, string name, string part)
    {
        svg.Append(CultureInfo.InvariantCulture, $"""<rect class="{part}" x="{x}" y="42" width="12" height="12"/>""").Append('\n');
        Text(svg, "label", x + 18, 52, name);
    }

    private static void Bar(StringBuilder svg, string part, double x, int y, double width)
    {
        if (width > 0) svg.Append(CultureInfo.InvariantCulture, $"""<rect class="{part}" x="{x:F1}" y="{y}" width="{width:F1}" height="{BarHeight}"/>""").Append('\n');
    }

    private static void Text(StringBuilder svg, string kind, double x, int y, string text) =>
        svg.Append(CultureInfo.InvariantCulture, $"""<text class="{kind}" x="{x:F1}" y="{y}">{WebUtility.HtmlEncode(text)}</text>""").Append('\n');

    private const string Style = """
        <style>
        text { font: 13px system-ui, sans-serif; fill: #24292f; }
        .head { font-size: 15px; font-weight: 600; }
        .group, .ours { font-weight: 600; }
        .part-server { fill: #0969da; }
        .part-database { fill: #bf8700; }
        @media (prefers-color-scheme: dark) {
          text { fill: #e6edf3; }
          .part-server { fill: #58a6ff; }
          .part-database { fill: #d29922; }
        }
        </style>
        """;
}
