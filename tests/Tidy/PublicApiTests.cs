using System.Reflection;

namespace Tidy;

/// <summary>Nothing becomes public, changes or goes away by accident.</summary>
public class PublicApiTests
{
    public static TheoryData<string> Libraries => DependencyTableTests.Libraries;

    [Theory, MemberData(nameof(Libraries))]
    public void The_public_surface_of_a_library_is_what_its_text_file_says(string library)
    {
        var path = $"src/{library}/PublicApi.txt";
        var built = PublicApi.Of(Assembly.Load(library)).TrimEnd('\n') + "\n";
        if (Environment.GetEnvironmentVariable("PROOFKEY_ACCEPT_API") == "1") File.WriteAllText(Tree.Full(path), built);
        var (wanted, found) = (Members(Tree.Exists(path) ? Tree.Read(path) : ""), Members(built));
        var differences = found.Except(wanted).Select(member => "+ " + member).Concat(wanted.Except(found).Select(member => "- " + member));
        differences.ShouldBeEmpty($"the public surface of {library} has changed; if that is meant, PROOFKEY_ACCEPT_API=1 ./test PublicApi renews {path}");
    }

    // Each member under its type, since many types have the same one.
    private static List<string> Members(string text)
    {
        var type = "";
        return [.. text.Split('\n').Where(line => line.Length > 0).Select(line => line.StartsWith(' ') ? $"{type} {line}" : type = line)];
    }
}
