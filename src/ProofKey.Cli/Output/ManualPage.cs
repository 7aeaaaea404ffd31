using System.CommandLine;
using System.Text;
using ProofKey.Cli.Commands;
using ProofKey.Cli.Configuration;

namespace ProofKey.Cli.Output;

/// <summary>The manual page <c>proofkey(1)</c>, made of the model that parses the command line, for man(7).</summary>
internal sealed class ManualPage
{
    // An option of so many verbs is described once.
    private const int Often = 4;

    private readonly Command _root;
    private readonly StringBuilder _text = new();
    private readonly HashSet<Option> _common;

    private ManualPage(Command root)
    {
        _root = root;
        _common = [.. Verbs(root, "").SelectMany(verb => verb.Verb.Options).GroupBy(option => option).Where(uses => uses.Count() >= Often).Select(uses => uses.Key)];
    }

    /// <summary>The page.</summary>
    public static string Of(Command root, string version)
    {
        var page = new ManualPage(root);
        page.Write(version);
        return page._text.ToString();
    }

    private void Write(string version)
    {
        Line(".\\\" Made by: proofkey manual");
        Line($".TH PROOFKEY 1 \"\" \"proofkey {Escaped(version)}\" \"User Commands\"");
        // Names of options and variables are not to be broken.
        Line(".nh");
        Line(".ad l");
        Line(".SH NAME");
        Line("proofkey \\- sign people in with the authorization code flow and PKCE");
        Line(".SH SYNOPSIS");
        Line(".B proofkey");
        Line(".I verb");
        Line("[\\fIoptions\\fR]");
        Line(".SH DESCRIPTION");
        Line(Escaped(_root.Description!));
        Line("What was asked for goes to the standard output, all else to the standard error.");
        Line(".SH VERBS");
        foreach (var (path, verb) in Verbs(_root, "")) WriteVerb(path, verb);
        Line(".SH COMMON OPTIONS");
        foreach (var option in _common.Concat(_root.Options.Where(option => !option.Hidden && !_common.Contains(option))).OrderBy(option => option.Name, StringComparer.Ordinal)) WriteTerm(Signature(option), option.Description);
        WriteRest();
    }

    private void WriteVerb(string path, Verb verb)
    {
        var arguments = verb.Arguments.Where(argument => !argument.Hidden).Select(argument => $" \\fI{Escaped(argument.Name)}\\fR{(argument.Arity.MaximumNumberOfValues > 1 ? " ..." : "")}");
        Line($".SS \"proofkey {Escaped(path)}{string.Concat(arguments)}\"");
        Line(Escaped(verb.Description!));
        foreach (var argument in verb.Arguments.Where(argument => !argument.Hidden)) WriteTerm($"\\fI{Escaped(argument.Name)}\\fR", argument.Description);
        foreach (var option in verb.Options.Where(option => !option.Hidden && !_common.Contains(option))) WriteTerm(Signature(option), option.Description);
        var common = verb.Options.Where(_common.Contains).Select(option => $"\\fB{Escaped(option.Name)}\\fR").ToList();
        if (common.Count > 0)
        {
            Line(".P");
            Line($"Common options: {string.Join(", ", common)}.");
        }
        if (verb.TypedAlone.Count > 0)
        {
            Line(".P");
            Line($"On the command line alone: {string.Join(", ", verb.TypedAlone.Select(option => $"\\fB{Escaped(option.Name)}\\fR"))}.");
        }
        WriteExamples(verb.Examples);
    }

    private void WriteExamples(IReadOnlyList<string> examples)
    {
        Line(".P");
        Line(".nf");
        foreach (var example in examples) Line($"    {Escaped(example)}");
        Line(".fi");
    }

    private void WriteRest()
    {
        Line(".SH EXIT STATUS");
        foreach (var (code, _, sentence) in ExitCodes.All.Concat(ExitCodes.OfExec)) WriteTerm($"\\fB{code}\\fR", sentence);
        Line(".SH ENVIRONMENT");
        Line("An option has a variable, as \\fBPROOFKEY_DATA\\fR for \\fB\\-\\-data\\fR; the command line goes before it. Those that are said to count on the command line alone have none.");
        WriteTerm("\\fBPROOFKEY_SESSIONS\\fR", "The folder of sessions. Without it: proofkey/sessions below XDG_STATE_HOME, or below ~/.local/state.");
        WriteTerm("\\fBPROOFKEY_PASSPHRASE\\fR", "The passphrase of a session's file.");
        WriteTerm("\\fBPROOFKEY_ROOT_KEY\\fR", "The root key of a server's database.");
        WriteTerm("\\fBBROWSER\\fR", "The commands to open a browser with, with colons between them.");
        WriteTerm("\\fBNO_COLOR\\fR", "No colours.");
        Line(".SH FILES");
        Line($"The file of \\fB{Escaped(CommonOptions.Config.Name)}\\fR is a JSON object; the key of \\fB\\-\\-client\\-id\\fR is \\fB{Settings.KeyOf("--client-id")}\\fR.");
        Line(Escaped("Where XDG_DATA_HOME and XDG_STATE_HOME are not set, the server's folder and that of sessions are below ~/Library/Application Support on macOS, and below %LOCALAPPDATA% on Windows."));
        Line("Each profile has a folder in the folder of sessions, with its settings in \\fBprofile.json\\fR and its session in an encrypted file.");
    }

    private static IEnumerable<(string Path, Verb Verb)> Verbs(Command command, string path) => command.Subcommands.Where(sub => !sub.Hidden)
        .SelectMany(sub => sub is Verb verb ? [($"{path}{sub.Name}", verb)] : Verbs(sub, $"{path}{sub.Name} "));

    private static string Signature(Option option) =>
        string.Join(", ", option.Aliases.Order(StringComparer.Ordinal).Append(option.Name).Select(name => $"\\fB{Escaped(name)}\\fR")) + (option.HelpName is null ? "" : $" \\fI{Escaped(option.HelpName)}\\fR");

    private void WriteTerm(string term, string? description)
    {
        Line(".TP");
        Line(term);
        Line(Escaped(description ?? ""));
    }

    private void Line(string line) => _text.Append(line).Append('\n');

    // groff_char(7): what would be a command or another sign, and what is not ASCII
    private static string Escaped(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var character in text)
            escaped.Append(character switch { '\\' => "\\e", '-' => "\\-", '\'' => "\\(aq", '`' => "\\(ga", '^' => "\\(ha", '~' => "\\(ti", '"' => "\\(dq", > '~' => $"\\[u{(int)character:X4}]", _ => character.ToString() });
        return text.StartsWith('.') ? $"\\&{escaped}" : escaped.ToString();
    }
}
