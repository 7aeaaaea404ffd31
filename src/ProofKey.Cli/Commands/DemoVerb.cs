using System.CommandLine;
using ProofKey.Cli.Demo;
using ProofKey.Cli.Hosting;
using ProofKey.Client;

namespace ProofKey.Cli.Commands;

/// <summary><c>proofkey demo</c>: one sign-in from both ends, then three attacks, all really done over HTTP.</summary>
internal sealed class DemoVerb : Verb
{
    private readonly Option<bool> _noBrowser = new("--no-browser") { Description = "Sign in by script, over HTTP; also when nobody watches, on a pipe." };

    public DemoVerb()
        : base("demo", "Show one sign-in from both ends, then three attacks that are refused.", "proofkey demo", "proofkey demo --no-browser") => Add(_noBrowser);

    protected override async Task<int> RunAsync(Invocation invocation)
    {
        var (terminal, cancellation) = (invocation.Terminal, invocation.Cancellation);
        var story = new Story(terminal.Out, terminal.OutIsTerminal && terminal.MayColour);
        story.Title("ProofKey: one sign-in from both ends, then three attacks");
        await using var world = await DemoWorld.StartAsync(cancellation);
        Introduce(story, world);
        using var person = new ScriptedPerson(DemoWorld.UserName, world.Password);
        var script = invocation.Settings.Flag(_noBrowser) || !terminal.OutIsTerminal ? person : null;
        await PlayAsync(story, world, person, script, invocation);
        story.End($"All {story.Checks} checks came out as they must: 1 sign-in, 1 refresh, 3 attacks refused.", $"{story.Failed} of {story.Checks} checks did not come out as they must.");
        return story.Failed == 0 ? ExitCodes.Done : ExitCodes.Failed;
    }

    private static async Task PlayAsync(Story story, DemoWorld world, ScriptedPerson person, ScriptedPerson? script, Invocation invocation)
    {
        var clock = new ForwardClock();
        using var wiretap = new Wiretap();
        await using var client = new PublicClient(new ClientOptions
        {
            Issuer = world.Issuer,
            ClientId = world.ClientId,
            Scope = Scope.Parse(DemoWorld.Scope),
            // The demo shows the answer, which stands in the address then.
            ResponseMode = ResponseMode.Query,
            // And what anybody can do with a token that is bound to nothing.
            Dpop = DpopUse.Never,
            HttpMessageHandler = wiretap,
            TimeProvider = clock,
        });
        var signedIn = await new SignInAct(story, world, wiretap, script, invocation.Terminal).PlayAsync(client, invocation.Cancellation);
        await new UseAct(story, world, wiretap, clock).PlayAsync(signedIn, invocation.Cancellation);
        using var flow = new RawFlow(world, person);
        await new AttackAct(story, flow, person).PlayAsync(invocation.Cancellation);
    }

    private static void Introduce(Story story, DemoWorld world)
    {
        story.Step("A server, an API, a client and a person, all in this process");
        story.Fact("server", $"{world.Issuer}, {SqliteLibrary.Description}");
        story.Fact("API", $"{world.Api.Orders}, known as {DemoApi.Audience}");
        story.Fact("client", "Demo app, public: an id and no secret");
        story.Fact("client id", world.ClientId);
        story.Fact("its redirect URI", $"{DemoWorld.RedirectUri}, any port");
        story.Fact("person", DemoWorld.UserName);
    }
}
