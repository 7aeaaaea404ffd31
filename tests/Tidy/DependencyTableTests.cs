using System.Reflection;
using System.Xml.Linq;
using Microsoft.AspNetCore.Builder;

namespace Tidy;

/// <summary>Which project may know what: the table of docs/architecture.md, held.</summary>
public class DependencyTableTests
{
    private static readonly Dictionary<string, Row> Table = new()
    {
        ["ProofKey.Core"] = new([], AspNetCore: false),
        ["ProofKey.Client"] = new(["ProofKey.Core"], AspNetCore: false),
        ["ProofKey.Client.Extensions"] = new(["ProofKey.Core", "ProofKey.Client"], AspNetCore: false, Package: "Microsoft.Extensions.Http"),
        ["ProofKey.Testing"] = new(["ProofKey.Core", "ProofKey.Client"], AspNetCore: true),
        ["ProofKey.Server"] = new(["ProofKey.Core"], AspNetCore: true),
        ["ProofKey.ResourceServer"] = new(["ProofKey.Core"], AspNetCore: true),
        ["ProofKey.Cli"] = new(["ProofKey.Core", "ProofKey.Client", "ProofKey.Server", "ProofKey.ResourceServer"], AspNetCore: true, IsProgram: true),
    };

    public static TheoryData<string> Projects => [.. Tree.In("src/", ".csproj").Select(path => Path.GetFileNameWithoutExtension(path))];

    public static TheoryData<string> Libraries => [.. Table.Where(row => !row.Value.IsProgram).Select(row => row.Key)];

    [Fact]
    public void Every_project_of_src_has_a_row_and_every_row_a_project() =>
        Projects.Select(row => row.Data).ShouldBe(Table.Keys, ignoreOrder: true);

    [Theory, MemberData(nameof(Projects))]
    public void A_project_references_only_what_its_row_allows(string project)
    {
        var row = Table[project];
        Names(Project(project), "ProjectReference").Select(path => Path.GetFileNameWithoutExtension(path)).ShouldBeSubsetOf(row.Projects);
        Names(Project(project), "FrameworkReference").ShouldBeSubsetOf(row.AspNetCore ? ["Microsoft.AspNetCore.App"] : []);
        if (!row.IsProgram) Names(Project(project), "PackageReference").ShouldBeSubsetOf(row.Package is { } package ? [package] : []);
    }

    [Theory, MemberData(nameof(Libraries))]
    public void A_library_is_built_on_the_base_class_library_and_its_row(string library)
    {
        var row = Table[library];
        Assembly.Load(library).GetReferencedAssemblies().Select(name => name.Name!).Where(name => !Allowed(name, row)).ShouldBeEmpty();
    }

    [Fact]
    public void Projects_share_one_file_of_analyzers_and_it_ships_nothing()
    {
        var packages = XDocument.Load(Tree.Full("src/Directory.Build.props")).Descendants("PackageReference");
        packages.ShouldAllBe(package => (string?)package.Attribute("PrivateAssets") == "all");
    }

    [Fact]
    public void Versions_of_packages_stand_in_one_file_only()
    {
        var versions = Tree.In("", ".csproj").SelectMany(path => XDocument.Load(Tree.Full(path)).Descendants("PackageReference"))
            .Where(package => package.Attribute("Version") is not null || package.Element("Version") is not null);
        versions.ShouldBeEmpty();
    }

    [Fact]
    public void Every_project_is_in_the_solution() =>
        XDocument.Load(Tree.Full("ProofKey.slnx")).Descendants("Project").Select(project => (string)project.Attribute("Path")!)
            .ShouldBe(Tree.In("", ".csproj"), ignoreOrder: true);

    private static bool Allowed(string assembly, Row row) =>
        row.Projects.Contains(assembly) || IsBeside(typeof(object), assembly) || (row.AspNetCore && IsBeside(typeof(WebApplication), assembly))
        // What the one package brings is the platform's own too.
        || (row.Package is not null && assembly.StartsWith("Microsoft.Extensions.", StringComparison.Ordinal));

    // A shared framework is a folder; what a package brings lies elsewhere.
    private static bool IsBeside(Type ofFramework, string assembly) =>
        File.Exists(Path.Combine(Path.GetDirectoryName(ofFramework.Assembly.Location)!, assembly + ".dll"));

    private static XDocument Project(string name) => XDocument.Load(Tree.Full($"src/{name}/{name}.csproj"));

    private static IEnumerable<string> Names(XDocument project, string element) =>
        project.Descendants(element).Select(reference => (string)reference.Attribute("Include")!);

    private sealed record Row(string[] Projects, bool AspNetCore, string? Package = null, bool IsProgram = false);
}
