using ProofKey.Client;

namespace ProofKey.Cli.Output;

/// <summary>
/// Where the program speaks. The datum that was asked for goes to stdout, everything else to stderr; colours only where a terminal reads
/// them and nobody said <c>NO_COLOR</c> (no-color.org).
/// </summary>
internal sealed class Terminal
{
    private const string Red = "\e[1;31m";
    private const string Faint = "\e[2m";
    private const string Normal = "\e[0m";

    // Asked for late: the platform sets the terminal's keypad when it is asked.
    private readonly Lazy<int?> _width = new(() => Console.IsErrorRedirected ? null : Columns());

    private readonly StandardStream? _stream = OperatingSystem.IsWindows() ? null : new StandardStream(1);

    public Terminal() => Out = _stream is null ? Console.Out : _stream.NewWriter();

    /// <summary>For the datum.</summary>
    public TextWriter Out { get; }

    /// <summary>For everything else.</summary>
    public TextWriter Error { get; init; } = OperatingSystem.IsWindows() ? Console.Error : new StandardStream(2).NewWriter();

    /// <summary>Whether nobody reads the datum any more, so that a command without end has one; not known on Windows.</summary>
    public bool ReaderIsGone => _stream?.IsGone == true;

    /// <summary>For a datum of bytes.</summary>
    public Stream OutBytes => _stream ?? Console.OpenStandardOutput();

    /// <summary>Whether a person at a terminal reads the datum.</summary>
    public bool OutIsTerminal { get; } = !Console.IsOutputRedirected;

    /// <summary>Whether a person at a terminal reads the rest.</summary>
    public bool ErrorIsTerminal { get; } = !Console.IsErrorRedirected;

    /// <summary>Whether a person can be asked something.</summary>
    public bool CanAsk { get; init; } = !Console.IsInputRedirected && !Console.IsErrorRedirected;

    /// <summary>Whether colours are wanted at all.</summary>
    public bool MayColour { get; } = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && Environment.GetEnvironmentVariable("TERM") != "dumb";

    /// <summary>Whether an address can be made a link.</summary>
    public bool HasLinks { get; init; } = !Console.IsErrorRedirected && TerminalKind.HasLinks(Environment.GetEnvironmentVariable);

    /// <summary>How many columns the terminal has; <see langword="null"/> where none is.</summary>
    public int? Width
    {
        get => _width.Value;
        init => _width = new Lazy<int?>(value);
    }

    /// <summary>How many columns there are for the datum; <see langword="null"/> where no terminal is.</summary>
    public int? OutWidth => OutIsTerminal ? Columns() : null;

    /// <summary>Writes a line of the datum.</summary>
    public void Write(string line) => Out.WriteLine(line);

    /// <summary>Tells something beside the datum; a terminal's lines end between words.</summary>
    public void Say(string text)
    {
        foreach (var line in WordWrap.Lines(text, Width)) SayInOnePiece(line);
    }

    /// <summary>Tells something that is to be copied, and therefore never broken.</summary>
    public void SayInOnePiece(string line)
    {
        try
        {
            Error.WriteLine(line);
        }
        catch (IOException)
        {
            // Closed, or on a full disk: who cannot be told is not told, and the command goes on to its own exit code.
        }
    }

    /// <summary>Writes a paragraph of the datum that goes on under its own text; a terminal's lines end between words.</summary>
    public void Write(string text, int indent)
    {
        foreach (var line in WordWrap.Lines(text, OutWidth, indent)) Out.WriteLine(line);
    }

    /// <summary>Tells an address, which can be clicked where the terminal knows how.</summary>
    public void Say(Uri address)
    {
        var text = BrowserAddress.TryMake(address, out var plain) ? plain.AbsoluteUri : PlainText.Of(address.AbsoluteUri);
        SayInOnePiece(HasLinks ? $"\e]8;;{text}\e\\{text}\e]8;;\e\\" : text);
    }

    /// <summary>Shows an address as a QR code, if it has room.</summary>
    /// <param name="address">The address.</param>
    /// <param name="mustShow">Whether somebody asked for it, and wants to hear why there is none.</param>
    public void ShowQr(Uri address, bool mustShow)
    {
        if (!mustShow && !ErrorIsTerminal) return;
        if (!QrCode.TryEncode(address.AbsoluteUri, out var code))
        {
            if (mustShow) Say("The address is too long for a QR code.");
        }
        else if (Width is { } width && width < QrText.Width(code))
        {
            if (mustShow) Say($"The QR code needs {QrText.Width(code)} columns, and the terminal has {width}.");
        }
        else
        {
            foreach (var line in QrText.Lines(code, ErrorIsTerminal && MayColour)) SayInOnePiece(line);
        }
    }

    /// <summary>Tells why the command failed, and how to mend it.</summary>
    public void Fail(Failure failure)
    {
        var colour = ErrorIsTerminal && MayColour;
        const string Prefix = "error:";
        var problem = Wrapped($"{Prefix} {failure.Problem}");
        SayInOnePiece(colour ? $"{Red}{Prefix}{Normal}{problem[Prefix.Length..]}" : problem);
        if (failure.Remedy.Length > 0) SayInOnePiece($"{(colour ? Faint : "")}{Wrapped(failure.Remedy)}{(colour ? Normal : "")}");
        if (failure.Help is { } page) SayInOnePiece($"{(colour ? Faint : "")}More about it: {page} in the repository{(colour ? Normal : "")}");
    }

    // A list of problems keeps its lines; nothing else that others wrote reaches the terminal as it is.
    private string Wrapped(string text) => string.Join('\n', text.Split('\n').SelectMany(line => WordWrap.Lines(PlainText.Of(line), Width)));

    private static int? Columns()
    {
        try
        {
            return Console.WindowWidth is > 0 and var width ? width : null;
        }
        catch (Exception unknown) when (unknown is IOException or PlatformNotSupportedException)
        {
            return null;
        }
    }
}
