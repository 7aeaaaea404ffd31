using System.Text.RegularExpressions;

namespace Tidy;

/// <summary>
/// A test, or a class of tests, that carries an attribute which says what it proves: its name is <c>Class.Method</c>, or <c>Class</c>
/// where the whole class carries it; and whether it is run at all.
/// </summary>
internal sealed partial record NamedTest(string Path, string Name, bool IsTest, Match Attribute)
{
    public static IEnumerable<NamedTest> Carrying(Regex attribute) => Tree.TestSources
        .Where(path => !path.StartsWith("tests/Shared/", StringComparison.Ordinal)).SelectMany(path => In(path, attribute));

    private static IEnumerable<NamedTest> In(string path, Regex attribute)
    {
        var text = Tree.Read(path);
        var declarations = Declaration().Matches(text);
        foreach (Match found in attribute.Matches(text))
        {
            if (declarations.FirstOrDefault(declaration => declaration.Index > found.Index) is not { } carrier) continue;
            var before = declarations.LastOrDefault(declaration => declaration.Index < found.Index);
            var type = carrier.Groups["type"].Success ? carrier : declarations.Last(declaration => declaration.Index < found.Index && declaration.Groups["type"].Success);
            var head = text[(before is null ? 0 : before.Index + before.Length)..carrier.Index];
            yield return carrier.Groups["type"].Success
                ? new(path, carrier.Groups["type"].Value, IsTest: Test().IsMatch(text), found)
                : new(path, $"{type.Groups["type"].Value}.{carrier.Groups["method"].Value}", IsTest: Test().IsMatch(head), found);
        }
    }

    [GeneratedRegex(@"^[ \t]*(?:(?:public|internal|sealed|abstract|static|partial)\s+)*(?:class|record)\s+(?<type>\w+)|^[ \t]*public\s+(?:(?:static|async|override|virtual)\s+)*[\w<>\[\],.?]+\s+(?<method>\w+)\s*\(", RegexOptions.Multiline)]
    private static partial Regex Declaration();

    [GeneratedRegex(@"[\[,]\s*(Fact|Theory)\b")]
    private static partial Regex Test();
}
