using System.Globalization;

namespace ProofKey.Bench;

/// <summary>Drives an issuer that somebody else started, and registered a public client and a person at.</summary>
internal static class AnyIssuer
{
    public static async Task RunAsync(Arguments arguments)
    {
        var issuer = await IssuerUnderLoad.DiscoverAsync(arguments.Required("issuer"));
        var client = new LoadClient(arguments.Required("client-id"), arguments.Required("redirect-uri"), arguments["scope"] ?? "openid offline_access", arguments["rotates"] != "no", arguments["resource"]);
        var connections = arguments.Number("connections", 8);
        var operations = arguments.Number("operations", 20_000);
        var (server, database) = (Tree(arguments, "server-pid"), Tree(arguments, "database-pid"));
        var browsers = new List<SignedInBrowser>();
        for (var i = 0; i < connections; i++) browsers.Add(await SignedInBrowser.SignInAsync(issuer, client, arguments.Required("username"), arguments.Required("password")));
        Console.WriteLine("| what | connections | operations | server CPU µs each | database CPU µs each | per second |");
        Console.WriteLine("|---|---|---|---|---|---|");
        foreach (var operation in Enum.GetValues<Operation>())
        {
            if (arguments["operation"] is { } only && only != Comparison.Name(operation)) continue;
            var flows = browsers.ConvertAll(browser => new Flow(issuer, client, browser));
            Action<Flow> act = operation == Operation.SignIn ? flow => flow.SignIn() : flow => flow.Refresh();
            Load.Run(flows, arguments.Number("warm-up", 2000), act, null);
            var measured = Load.Run(flows, operations, act, server, database);
            if (operation == Operation.Refresh) flows.ForEach(flow => flow.ReturnOldToken());
            flows.ForEach(flow => flow.Dispose());
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {Comparison.Name(operation)} | {connections} | {measured.Operations} | {measured.ServerMicroseconds:F0} | {measured.DatabaseMicroseconds:F0} | {measured.PerSecond:F0} |"));
        }
    }

    // Processes that run elsewhere cannot be measured from here; the rate still can.
    private static ProcessTree? Tree(Arguments arguments, string option) => arguments[option] is null ? null : new ProcessTree(arguments.Number(option, 0));
}
