using System.Text.RegularExpressions;

namespace Tidy;

/// <summary>Habits that need no discussion in a review.</summary>
public partial class SourceFileTests
{
    [Fact]
    public void Nothing_in_src_is_left_unfinished() => Matches(Tree.Sources, Unfinished()).ShouldBeEmpty();

    [Fact]
    public void A_source_file_has_at_most_400_lines() => Tree.Sources.Where(path => Tree.Lines(path).Length > 400).ShouldBeEmpty();

    [Fact]
    public void No_type_has_a_name_that_says_nothing() => Matches(Tree.Sources.Concat(Tree.TestSources), EmptyName()).ShouldBeEmpty();

    [Fact]
    public void No_test_is_skipped_and_no_test_sleeps() => Matches(Tree.TestSources.Except(["tests/Tidy/SourceFileTests.cs"]), SkippedOrSleeping()).ShouldBeEmpty();

    [Fact]
    public void Every_test_file_has_a_test() =>
        Tree.TestSources.Where(path => path.EndsWith("Tests.cs", StringComparison.Ordinal) && !TestAttribute().IsMatch(Tree.Read(path))).ShouldBeEmpty();

    [Fact]
    public void A_test_file_has_the_name_of_its_class() => Tree.TestSources
        .Where(path => path.EndsWith("Tests.cs", StringComparison.Ordinal) && !Regex.IsMatch(Tree.Read(path), $@"\bclass {Path.GetFileNameWithoutExtension(path)}\b")).ShouldBeEmpty();

    [Fact]
    public void No_assertion_is_passed_over_where_there_is_nothing_to_look_at() =>
        Matches(Tree.TestSources.Except(["tests/Tidy/SourceFileTests.cs"]), PassedOver()).ShouldBeEmpty();

    [Fact]
    public void Every_warning_that_is_switched_off_has_its_reason_beside_it() => Tree.TextFiles
        .Where(path => path is not "tests/Tidy/SourceFileTests.cs")
        .Where(path => path.EndsWith(".cs", StringComparison.Ordinal) || path.EndsWith("proj", StringComparison.Ordinal) || path.EndsWith(".props", StringComparison.Ordinal))
        .SelectMany(UnexplainedSuppressions).ShouldBeEmpty();

    [Fact]
    public void No_file_names_a_folder_of_somebodys_machine_or_a_package_registry() =>
        Matches(Tree.TextFiles.Except(["tests/Tidy/SourceFileTests.cs"]), PlaceOfOurs()).ShouldBeEmpty();

    // Another program with the library has other options; proofkey says its own in the place of these.
    [Fact]
    public void The_library_names_no_option_and_no_command_of_the_program() =>
        Matches(Tree.Sources.Where(path => path.StartsWith("src/ProofKey.Client", StringComparison.Ordinal)), WordOfTheProgram()).ShouldBeEmpty();

    [Fact]
    public void A_lock_file_names_versions_and_digests_and_no_place_where_packages_come_from()
    {
        var locks = Tree.TextFiles.Where(path => path.EndsWith("package-lock.json", StringComparison.Ordinal)).ToList();
        locks.ShouldNotBeEmpty();
        locks.Where(path => Tree.Read(path).Contains("\"resolved\"", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Fact]
    public void No_line_ends_with_white_space_and_every_file_ends_with_a_line_end()
    {
        Matches(Tree.TextFiles.Where(path => path is not "LICENSE"), TrailingSpace()).ShouldBeEmpty();
        Tree.TextFiles.Where(path => Tree.Read(path) is { Length: > 0 } text && !text.EndsWith('\n')).ShouldBeEmpty();
    }

    [Fact]
    public void Every_script_can_be_run()
    {
        var scripts = Tree.TextFiles.Where(path => Tree.Read(path).StartsWith("#!", StringComparison.Ordinal)).ToList();
        scripts.ShouldContain("test");
        scripts.ShouldContain("demo");
        scripts.ShouldContain(".ci/run");
        scripts.Where(path => !CanBeRun(Tree.Full(path))).ShouldBeEmpty();
    }

    // Windows keeps no such mode.
    private static bool CanBeRun(string file) => OperatingSystem.IsWindows() || File.GetUnixFileMode(file).HasFlag(UnixFileMode.UserExecute);

    private static IEnumerable<string> Matches(IEnumerable<string> paths, Regex unwanted) =>
        from path in paths
        from line in Tree.Lines(path).Index()
        where unwanted.IsMatch(line.Item)
        select $"{path}:{line.Index + 1}: {line.Item.Trim()}";

    private static IEnumerable<string> UnexplainedSuppressions(string path)
    {
        var lines = Tree.Lines(path);
        for (var i = 0; i < lines.Length; i++)
            if (Suppression().IsMatch(lines[i]) && !Explained(lines[i]) && !(i > 0 && Explained(lines[i - 1]))) yield return $"{path}:{i + 1}: {lines[i].Trim()}";
    }

    private static bool Explained(string line) => line.Contains("//", StringComparison.Ordinal) || line.Contains("<!--", StringComparison.Ordinal)
        || line.Contains("-->", StringComparison.Ordinal) || line.Contains("Justification = ", StringComparison.Ordinal);

    [GeneratedRegex("""^(?!\s*//)[^"]*"[^"]*(--[a-z]{2}|\(-[a-z]\)|proofkey [a-z]+ [a-z]+\b)[^"]*"(?!u8)""", RegexOptions.Multiline)]
    private static partial Regex WordOfTheProgram();

    [GeneratedRegex("TODO|FIXME|HACK|XXX|NotImplementedException")]
    private static partial Regex Unfinished();

    [GeneratedRegex(@"\b(class|record|struct|interface|enum)\s+\w*(Helpers?|Manager|Utils?|Utilities)\b")]
    private static partial Regex EmptyName();

    [GeneratedRegex(@"Skip\s*=|Thread\.Sleep\(|Assert\.True\(true\)")]
    private static partial Regex SkippedOrSleeping();

    // What is null has no value to compare: (x?.Name).ShouldBe("a") sees that, and x?.Name.ShouldBe("a") does not.
    [GeneratedRegex(@"\?\.\w+(\([^()]*\))?(\.\w+(\([^()]*\))?)*\.Should(?!Not)")]
    private static partial Regex PassedOver();

    [GeneratedRegex(@"\[(Fact|Theory)\b|, Fact\b|, Theory\b")]
    private static partial Regex TestAttribute();

    [GeneratedRegex(@"#pragma warning disable|SuppressMessage\(|<NoWarn>")]
    private static partial Regex Suppression();

    [GeneratedRegex(@"(?<![\w.~}])/(work|root|home/\w|Users/\w)/|https?://[a-z.-]*(nuget|npmjs|debian)[a-z.-]*/")]
    private static partial Regex PlaceOfOurs();

    [GeneratedRegex(@"[ \t]+$")]
    private static partial Regex TrailingSpace();
}
