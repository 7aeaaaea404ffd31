using Microsoft.AspNetCore.Builder;
using Microsoft.Data.Sqlite;
using ProofKey.Server;

namespace Tidy.Examples;

internal static class Server
{
    public static void Readme(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.Services.AddProofKeyServer(options =>
        {
            options.IssuerAddress = "https://login.example.com";
            options.DataSource = SqliteFactory.Instance.CreateDataSource("Data Source=/var/lib/my-app/proofkey.db;Pooling=False;Default Timeout=5");
            options.RootKey = Convert.FromHexString(builder.Configuration["RootKey"] ?? "");     // 32 random bytes
        });
        var app = builder.Build();
        app.MapProofKeyServer();          // the protocol
        app.MapProofKeyAccounts();        // the pages of ProofKey's own accounts
        app.Run();
    }
}
