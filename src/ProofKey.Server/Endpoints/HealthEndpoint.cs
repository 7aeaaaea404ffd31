using System.Text;
using Microsoft.AspNetCore.Http;
using ProofKey.Server.Http;
using ProofKey.Server.Keys;
using ProofKey.Server.Storage;

namespace ProofKey.Server.Endpoints;

/// <summary>
/// Whether the process lives, and whether it can serve: for whoever starts, stops and balances servers. Neither says anything that a
/// stranger may not know.
/// </summary>
internal sealed class HealthEndpoint(Database database, KeyRing keys)
{
    public const string LivePath = "/healthz";
    public const string ReadyPath = "/readyz";

    /// <summary>The process answers. It asks nothing of the database: one that fails is no reason to start the server again.</summary>
    public static Task LiveAsync(HttpContext context) => AnswerAsync(context, """{"status":"ok"}""", StatusCodes.Status200OK);

    /// <summary>The database answers and the keys are there: requests may come.</summary>
    public async Task ReadyAsync(HttpContext context)
    {
        var hasKeys = keys.PublicKeys.Keys.Count > 0;
        var hasDatabase = await AnswersAsync(context.RequestAborted);
        var (status, code) = hasKeys && hasDatabase ? ("ready", StatusCodes.Status200OK) : ("not ready", StatusCodes.Status503ServiceUnavailable);
        await AnswerAsync(context, $$"""{"status":"{{status}}","database":{{Json(hasDatabase)}},"keys":{{Json(hasKeys)}}}""", code);
    }

    private async Task<bool> AnswersAsync(CancellationToken cancellation)
    {
        try
        {
            return await database.FindAsync($"select version from schema_version limit 1", reader => reader.GetValue(0), cancellation) is not null;
        }
        catch (DatabaseException)
        {
            return false;
        }
    }

    private static Task AnswerAsync(HttpContext context, string json, int status)
    {
        Answers.NoStore(context);
        context.Response.StatusCode = status;
        return Answers.JsonAsync(context, Encoding.UTF8.GetBytes(json));
    }

    private static string Json(bool value) => value ? "true" : "false";
}
