using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using ProofKey.Cli.Hosting;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests.Databases;

/// <summary>
/// A database as a released program left it: its tables and rows as text, for SQLite and for PostgreSQL, and beside them what people and clients held
/// at that moment. CONTRIBUTING.md says how one is made.
/// </summary>
internal sealed record SchemaFixture(int Version, DateTimeOffset MadeAt, string Issuer, string ClientId, string RedirectUri, string Verifier, string Code, string RefreshToken, string AccessToken, string Cookie)
{
    private const int Port = 48_722;

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>The root key of every fixture.</summary>
    public static byte[] RootKey { get; } = [.. Enumerable.Range(0, RootKeyFile.Length).Select(number => (byte)number)];

    private static string Folder { get; } = FindFolder();

    /// <summary>The versions that there are fixtures of.</summary>
    public static IEnumerable<int> Versions => Directory.GetFiles(Folder, "schema-*.json").Select(file => int.Parse(Path.GetFileNameWithoutExtension(file)["schema-".Length..], CultureInfo.InvariantCulture)).Order();

    public static SchemaFixture Read(int version) => JsonSerializer.Deserialize<SchemaFixture>(File.ReadAllText(FileOf(version, "json")))!;

    /// <summary>The statements that make the database.</summary>
    public string Sql(DatabaseDialect dialect) => File.ReadAllText(FileOf(Version, $"{dialect.Name.ToLowerInvariant()}.sql"));

    /// <summary>Makes the fixture of the present version, by the present program.</summary>
    public static async Task MakeAsync()
    {
        using var folder = new StorageFolder();
        SchemaFixture fixture;
        await using (var server = await RunningServer.StartAsync(folder.Path, port: Port, serve: settings => settings with { Data = DataFolder.Open(folder.Path, RootKey) }))
        {
            var client = await server.AddClientAsync("https://app.example/callback", registration => registration with { IsFirstParty = true });
            using var person = server.NewPerson();
            var (redeemed, waiting) = (new AuthorizeUrl(server, client).Set("scope", "openid offline_access"), new AuthorizeUrl(server, client));
            var tokens = await server.RedeemAsync(client, redeemed, (await person.AuthorizeAsync(redeemed))["code"]);
            fixture = new SchemaFixture(
                Schema.NewestVersion, server.Time.Now, server.Issuer, client.Id, waiting.RedirectUri, waiting.Verifier.Reveal(), (await person.AuthorizeAsync(waiting))["code"],
                tokens.Text("refresh_token"), tokens.Text("access_token"), person.Cookies.GetCookieHeader(new Uri(server.Issuer)));
        }
        await using var connection = await StorageFolder.OpenAsync(folder.Path);
        foreach (var dialect in new[] { DatabaseDialect.Sqlite, DatabaseDialect.PostgreSql })
            await File.WriteAllTextAsync(FileOf(fixture.Version, $"{dialect.Name.ToLowerInvariant()}.sql"), await DumpAsync(connection, dialect));
        await File.WriteAllTextAsync(FileOf(fixture.Version, "json"), JsonSerializer.Serialize(fixture, Indented) + "\n");
    }

    private static async Task<string> DumpAsync(SqliteConnection connection, DatabaseDialect dialect)
    {
        var text = new StringBuilder("create table schema_version (version bigint primary key, applied_at bigint not null);\n");
        // What the migrations themselves insert is among the rows.
        foreach (var statement in Schema.Migrations(dialect).SelectMany(migration => migration).Where(statement => !statement.StartsWith("insert", StringComparison.Ordinal)))
            text.AppendJoin('\n', statement.Split('\n').Select(line => line.TrimEnd())).Append(";\n");
        foreach (var table in TableCopy.Tables.Append("schema_version"))
        {
            await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // the names are constants of ours
            command.CommandText = $"select * from {table}";
#pragma warning restore CA2100
            await using var rows = await command.ExecuteReaderAsync();
            var names = string.Join(", ", Enumerable.Range(0, rows.FieldCount).Select(rows.GetName));
            while (await rows.ReadAsync())
                text.Append(CultureInfo.InvariantCulture, $"insert into {table} ({names}) values (").AppendJoin(", ", Enumerable.Range(0, rows.FieldCount).Select(column => Literal(rows.GetValue(column), dialect))).Append(");\n");
        }
        return text.ToString();
    }

    private static string Literal(object value, DatabaseDialect dialect) => value switch
    {
        DBNull => "null",
        long number => number.ToString(CultureInfo.InvariantCulture),
        byte[] bytes => dialect == DatabaseDialect.Sqlite ? $"x'{Convert.ToHexStringLower(bytes)}'" : $@"'\x{Convert.ToHexStringLower(bytes)}'",
        var other => $"'{((string)other).Replace("'", "''", StringComparison.Ordinal)}'",
    };

    private static string FileOf(int version, string extension) => Path.Combine(Folder, $"schema-{version}.{extension}");

    private static string FindFolder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "ProofKey.slnx"))) return Path.Combine(folder.FullName, "tests", "ProofKey.Server.Tests", "Databases", "Fixtures");
        throw new DirectoryNotFoundException("There is no ProofKey.slnx above the tests.");
    }
}
