using System.Runtime.ExceptionServices;
using ProofKey.Cli.Output;
using ProofKey.Client;

namespace ProofKey.Cli.Sessions;

/// <summary>How one road ended: with a session, at a fork where the person took another one, or before it began.</summary>
internal readonly record struct RoadEnd(Session? Session, SignInRoad Other)
{
    /// <summary>Why it cannot be taken now, if so it is: nobody has been asked for anything.</summary>
    public ClientException? Closed { get; init; }
}

/// <summary>One sign-in by a person: one road is taken and said, and the others are one key away.</summary>
internal sealed class InteractiveSignIn(PublicClient client, Terminal terminal, SignInChoice choice)
{
    /// <summary>After which a person who is waited for is told again what for.</summary>
    public static readonly TimeSpan LongWait = TimeSpan.FromSeconds(30);

    /// <summary>Signs in.</summary>
    /// <exception cref="CommandException">It came to nothing.</exception>
    public Task<Session> RunAsync(CancellationToken cancellation) => client.InOneTurnAsync(() => TakeRoadsAsync(cancellation));

    private async Task<Session> TakeRoadsAsync(CancellationToken cancellation)
    {
        var surroundings = Surroundings.OfThisProcess;
        var (road, reason) = choice.Road is { } chosen ? (chosen, "you said so") : (surroundings.Road, surroundings.Reason);
        var keyboard = Keyboard.Of(terminal, choice.MayAsk);
        var (from, pressed) = ((Road: road, Reason: reason), false);
        while (true)
        {
            var end = road == SignInRoad.Device
                ? await new DeviceRoad(client, terminal, keyboard, choice).RunAsync(cancellation)
                : await new BrowserRoad(client, terminal, keyboard, choice, surroundings).RunAsync(road, reason, cancellation);
            if (end.Session is { } session) return session;
            if (end.Closed is { } closed)
            {
                // Where no key led here there is no other road that was good.
                if (!pressed) ExceptionDispatchInfo.Throw(closed);
                terminal.Say($"{(road == SignInRoad.Device ? "There is no device code" : "No browser can be sent there")}: {PlainText.Of(closed.Actual)}.");
                ((road, reason), pressed) = (from, false);
            }
            else (from, road, reason, pressed) = ((road, reason), end.Other, "you pressed its key", true);
        }
    }

    /// <summary>Begins a sign-in, or says why it cannot be begun.</summary>
    public static async Task<(T? Begun, RoadEnd Closed)> BeginAsync<T>(SignInRoad road, Task<T> begin)
        where T : class
    {
        try
        {
            return (await begin, default);
        }
        catch (ClientException closed)
        {
            return (null, new RoadEnd(null, road) { Closed = closed });
        }
    }

    /// <summary>What an ending is: a session, or a reason why there is none.</summary>
    /// <exception cref="CommandException">There is none.</exception>
    public static Session SessionOf(SignInResult result)
    {
        if (result is SignInResult.SignedIn signedIn) return signedIn.Session;
        var failure = Failure.Of(result)!;
        throw new CommandException(failure.ExitCode, failure.Problem, failure.Remedy) { Help = failure.Help };
    }

    /// <summary>The road of a key.</summary>
    public static SignInRoad RoadOf(char key) => key switch { 'd' => SignInRoad.Device, 'p' => SignInRoad.Paste, _ => SignInRoad.Browser };

    /// <summary>The keys of the other roads, without those that lead nowhere: what is pasted is an address, and a device code is asked for with nothing that an API wants.</summary>
    public static string KeysOf(SignInRoad road, ClientOptions options, SignInChoice choice) =>
        string.Concat("bpd".Where(key => RoadOf(key) != road && (key != 'p' || options.ResponseMode != ResponseMode.FormPost) && (key != 'd' || choice.StepUp is null)));

    /// <summary>What a person is told of keys.</summary>
    public static string Offered(string keys) => $"Keys: {string.Concat(keys.Select(key => key switch { 'd' => "d for a device code, ", 'p' => "p to paste what a browser elsewhere ends at, ", _ => "b for the browser here, " }))}Ctrl-C to give up.";
}
