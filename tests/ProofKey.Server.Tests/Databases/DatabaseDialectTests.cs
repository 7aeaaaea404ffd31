using System.Reflection;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Tests.Databases;

/// <summary>What is said of a database.</summary>
public sealed class DatabaseDialectTests
{
    [Fact]
    public void A_driver_that_separates_statements_changes_nothing_else_of_a_dialect()
    {
        foreach (var dialect in (DatabaseDialect[])[DatabaseDialect.Sqlite, DatabaseDialect.PostgreSql])
        {
            var same = dialect.WithSeparateStatements(_ => { });
            same.Separate.ShouldNotBeNull();
            dialect.Separate.ShouldBeNull("the one that it is made of stays as it is");
            same.NamesParameters.ShouldBe(dialect.NamesParameters);
            foreach (var property in typeof(DatabaseDialect).GetProperties(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Where(property => property.Name != nameof(same.Separate)))
                property.GetValue(same).ShouldBe(property.GetValue(dialect), property.Name);
        }
    }
}
