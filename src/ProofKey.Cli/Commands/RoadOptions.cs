using System.CommandLine;
using System.Text.RegularExpressions;
using ProofKey.Cli.Configuration;
using ProofKey.Cli.Sessions;
using ProofKey.Client;

namespace ProofKey.Cli.Commands;

/// <summary>How a sign-in goes to the person and comes back: the options of <c>login</c> about it.</summary>
internal sealed partial class RoadOptions
{
    private readonly Option<bool> _browser = new("--browser") { Description = "Open a browser on this machine, whatever the surroundings look like." };
    private readonly Option<bool> _noBrowser = new("--no-browser") { Description = "Print the address for a browser elsewhere, and take what it ends at." };
    private readonly Option<bool> _device = new("--device") { Description = "Print a code to be entered in a browser elsewhere." };
    private readonly Option<string> _port = new("--port") { HelpName = "PORT", Description = "The registered port of the redirect URI, or several with commas between them. Without it: any free one." };
    private readonly Option<string> _redirectPath = new("--redirect-path") { HelpName = "PATH", Description = "The registered path of the redirect URI. Without it: /callback." };
    private readonly Option<bool> _localhost = new("--localhost") { Description = "Say localhost in the redirect URI, for a server that takes no 127.0.0.1." };
    private readonly Option<string> _responseMode = new("--response-mode") { HelpName = "auto|query|form_post", Description = "How the answer travels. Without it: form_post where the server lists it." };
    private readonly Option<bool> _acceptUnadvertisedPkce = new("--accept-unadvertised-pkce") { Description = "You know that the server enforces PKCE with S256, although its metadata do not say so." };
    private readonly Option<bool> _qr = new("--qr") { Description = "Show the address as a QR code too." };
    private readonly Option<string> _timeout = new("--timeout") { HelpName = "TIME", Description = "How long a person may take, such as 10m. Without it: 5m." };

    /// <summary>All of them, in the order of the help.</summary>
    public IEnumerable<Option> All => [_browser, _noBrowser, _device, CommonOptions.NoInput, _qr, _timeout, _port, _redirectPath, _localhost, _responseMode, _acceptUnadvertisedPkce];

    /// <summary>Those that no variable and no file says.</summary>
    public IEnumerable<Option> TypedAlone => [_device, _responseMode];

    /// <summary>What was chosen for this one sign-in.</summary>
    public SignInChoice Choice(Settings settings)
    {
        // What is typed goes before what is set.
        var typed = Roads(settings.OfCommandLine);
        return ChoiceOf(typed.Count > 0 ? typed : Roads(settings), settings);
    }

    /// <summary>What variables and the file say of every sign-in, for a verb that has none of these options: a device code is for who types that.</summary>
    public SignInChoice ChoiceOfEveryDay(Settings settings) => ChoiceOf(Roads(settings, takesDevice: false), settings);

    /// <summary>How long a person may take, if that was said.</summary>
    public TimeSpan? Timeout(Settings settings) => settings.Text(_timeout) is null ? null : settings.Duration(_timeout, TimeSpan.Zero) switch
    {
        { Ticks: > 0 } time when time <= TimeSpan.FromDays(1) => time,
        _ => throw CommandException.Usage("--timeout is more than nothing and at most a day.", "Write a number of seconds, minutes or hours, such as 10m."),
    };

    /// <summary>What a profile remembers of them; what is not said is as it was.</summary>
    public Profile Apply(Profile profile, Profile? known, Settings settings) => profile with
    {
        Ports = settings.Text(_port) is { } ports ? PortsOf(ports, settings.NameOf(_port)) : known?.Ports,
        RedirectPath = settings.Text(_redirectPath) is { } path ? PathOf(path, settings.NameOf(_redirectPath)) : known?.RedirectPath,
        Localhost = settings.Switch(_localhost) ?? known?.Localhost,
        ResponseMode = settings.Text(_responseMode) is null ? known?.ResponseMode : settings.Choice(_responseMode, "auto", "query", "form_post"),
        AcceptUnadvertisedPkce = settings.Switch(_acceptUnadvertisedPkce) ?? known?.AcceptUnadvertisedPkce,
    };

    private SignInChoice ChoiceOf(List<SignInRoad> roads, Settings settings)
    {
        if (roads.Count > 1) throw CommandException.Usage("--browser, --no-browser and --device are three roads, and a sign-in takes one.", "Leave out all but one.");
        return new SignInChoice { Road = roads.Count == 1 ? roads[0] : null, MayAsk = !settings.Flag(CommonOptions.NoInput), ShowsQr = settings.Flag(_qr) };
    }

    private List<SignInRoad> Roads(Settings settings, bool takesDevice = true)
    {
        (Option<bool> Option, SignInRoad Road)[] all = [(_browser, SignInRoad.Browser), (_noBrowser, SignInRoad.Paste), (_device, SignInRoad.Device)];
        return [.. all.Where(one => (takesDevice || one.Road != SignInRoad.Device) && settings.Flag(one.Option)).Select(one => one.Road)];
    }

    private static List<int> PortsOf(string text, string name)
    {
        var ports = text.Split(',').Select(one => int.TryParse(one, out var port) && port is > 0 and <= 65535 ? port : 0).ToList();
        return ports.Contains(0) ? throw CommandException.Usage($"{name} is a number from 1 to 65535, or several with commas between them.", "Write it as it is registered, such as --port 8400 or --port 8400,8401") : ports;
    }

    private static string PathOf(string text, string name) => IsPath().IsMatch(text)
        ? text : throw CommandException.Usage($"{name} is the path of an address, which starts with a slash.", "Write it as it is registered, such as --redirect-path /oauth/callback");

    [GeneratedRegex(@"\A(/[A-Za-z0-9._~-]+)*/?\z")]
    private static partial Regex IsPath();
}
