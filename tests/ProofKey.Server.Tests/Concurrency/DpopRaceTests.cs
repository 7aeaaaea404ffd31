using System.Net;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests.Concurrency;

/// <summary>What a refresh costs the database with and without a key, and what ends a sign-in while its bound refresh is on the way.</summary>
public sealed class DpopRaceTests(PausingTokenServer at) : IClassFixture<PausingTokenServer>
{
    private const int Rounds = 50;

    public enum Ending
    {
        Revoked,
        AccountDisabled,
        PasswordChanged,
        ClientRemoved,
    }

    public static TheoryData<Ending, bool> Races => new MatrixTheoryData<Ending, bool>([Ending.Revoked, Ending.AccountDisabled, Ending.PasswordChanged, Ending.ClientRemoved], [true, false]);

    [Fact]
    [Assertion("DP-05")]
    [Rfc("RFC 9700", "2.2.2")]
    public async Task A_bound_refresh_reads_its_client_and_its_grant_and_writes_nothing()
    {
        using var key = new ClientKey(at.Server);
        var token = (await key.PostAsync("/token", (await at.CodeAsync(scope: "openid offline_access")).Exchange())).Text("refresh_token");
        (await StatementsOfAsync(() => key.PostAsync("/token", ClientKey.Refresh(at.Client.Id, token)))).ShouldBe(["select client", "select authorization_grant"]);
        at.Server.Time.Advance(TimeSpan.FromHours(1));
        await key.PostAsync("/token", ClientKey.Refresh(at.Client.Id, token));
        (await StatementsOfAsync(() => key.PostAsync("/token", ClientKey.Refresh(at.Client.Id, token)))).ShouldBe(["select client", "select authorization_grant"]);
    }

    [Fact]
    [Assertion("DP-04")]
    public async Task Clients_without_a_key_ask_the_database_nothing_more()
    {
        var code = await at.CodeAsync(scope: "openid offline_access");
        var token = "";
        (await StatementsOfAsync(async () =>
        {
            var tokens = await at.RedeemAsync(code);
            token = tokens.Text("refresh_token");
            return tokens;
        })).ShouldBe(["begin", "insert authorization_grant", "commit"]);
        (await StatementsOfAsync(() => at.RefreshAsync(token))).ShouldBe(["begin", "update authorization_grant", "commit"]);
    }

    [Theory, MemberData(nameof(Races))]
    [Assertion("DP-05")]
    [Assertion("RT-08")]
    public async Task A_bound_refresh_that_meets_the_end_gives_nothing_that_works(Ending ending, bool isNoted)
    {
        using var key = new ClientKey(at.Server);
        for (var round = 0; round < Rounds; round++)
        {
            var (account, person) = await NewPersonAsync();
            using var _ = person;
            var client = ending == Ending.ClientRemoved ? await at.AddClientAsync() : at.Client;
            var token = (await key.PostAsync("/token", (await at.CodeAsync(client, "openid offline_access", person, account.Name)).Exchange())).Text("refresh_token");
            if (isNoted) at.Server.Time.Advance(TimeSpan.FromHours(1));
            await key.LearnNonceAsync(client.Id);
            // Once an hour it stops where all was found good and the use is going to be noted, else where the row is going to be read.
            var point = isNoted ? at.Pauses.StopBeforeWriting() : at.Pauses.StopOnce(Side.Before, text => text.Contains("from authorization_grant", StringComparison.Ordinal));
            try
            {
                var asked = at.PostAsync(ClientKey.Refresh(client.Id, token), ClientKey.With(key.Prove("POST", "/token")));
                await point.Reached;
                await EndAsync(ending, token, account, client);
                point.Release();
                (await asked).Error.ShouldBe("invalid_grant");
            }
            finally
            {
                point.Release();
            }
            (await key.PostAsync("/token", ClientKey.Refresh(client.Id, token))).Error.ShouldBe(ending == Ending.ClientRemoved ? "invalid_client" : "invalid_grant");
        }
    }

    private async Task<(Account Account, Person Person)> NewPersonAsync()
    {
        var account = new Account { Subject = Secret.NewText(16), Name = "p" + Secret.NewText(8), Epoch = 1, CreatedAt = at.Server.Time.Now };
        (await at.Accounts.AddAsync(account, at.PasswordHash, new AuditEvent("user-added"))).ShouldBeTrue();
        return (account, await at.Server.SignedInAsync(account.Name));
    }

    private Task EndAsync(Ending ending, string token, Account account, RegisteredClient client) => ending switch
    {
        Ending.Revoked => at.Grants.RevokeAsync(Protocol.RefreshToken.Open(token, at.Server.Service<Keys.KeyRing>())!.GrantId, at.Server.Time.Now, new AuditEvent("grant-revoked")).AsTask(),
        Ending.AccountDisabled => at.Accounts.DisableAsync(account.Subject).AsTask(),
        Ending.PasswordChanged => at.Accounts.SetPasswordAsync(account.Subject, at.PasswordHash),
        _ => at.Clients.RemoveAsync(client.Id, new AuditEvent("client-removed")).AsTask(),
    };

    // The first word of each statement, with its table.
    private async Task<List<string>> StatementsOfAsync(Func<Task<JsonAnswer>> request)
    {
        var statements = new List<string>();
        var watch = at.Pauses.StopOnce(Side.Before, text =>
        {
            lock (statements) statements.Add(Summary(text));
            return false;
        });
        (await request()).Status.ShouldBe(HttpStatusCode.OK);
        at.Pauses.StopOnce(Side.Before, _ => false);
        watch.Release();
        return statements;
    }

    private static string Summary(string text)
    {
        var words = text.Split((char[])[' ', '\n', '\r', '('], StringSplitOptions.RemoveEmptyEntries);
        var table = words[0] switch
        {
            "select" => words[Array.LastIndexOf(words, "from") + 1],
            "insert" => words[2],
            "update" => words[1],
            _ => "",
        };
        return $"{words[0]} {table}".TrimEnd();
    }
}
