using System.Net;
using System.Text.RegularExpressions;

namespace ProofKey.Bench;

/// <summary>A form of a sign-in or consent page, as far as filling it in needs.</summary>
internal sealed partial record PageForm(string Action, IReadOnlyList<KeyValuePair<string, string>> Fields)
{
    private static readonly string[] UserNames = ["username", "login", "email", "user"];

    /// <summary>The form of a page that asks for a password, else the first, filled in with a yes to whatever it asks.</summary>
    public static PageForm FillIn(string page, string username, string password)
    {
        var forms = Form().Matches(page).Select(form => form.Value).ToList();
        if (forms.Count == 0) throw new InvalidOperationException($"A page without a form: {page}");
        var form = forms.Find(form => form.Contains("type=\"password\"", StringComparison.Ordinal)) ?? forms[0];
        var fields = new List<KeyValuePair<string, string>>();
        foreach (Match input in Input().Matches(form))
        {
            if (Attribute(input.Value, "name") is not { } name) continue;
            var value = Attribute(input.Value, "type") switch
            {
                "password" => password,
                "checkbox" => input.Value.Contains(" checked", StringComparison.Ordinal) ? Attribute(input.Value, "value") ?? "on" : null,
                _ => UserNames.Contains(name) ? username : Attribute(input.Value, "value") ?? "",
            };
            if (value is not null) fields.Add(new(name, value));
        }
        var yes = Button().Matches(form).Select(button => button.Value).FirstOrDefault(button => Attribute(button, "value") is "allow" or "yes" or "accept");
        if (yes is not null && Attribute(yes, "name") is { } answer) fields.Add(new(answer, Attribute(yes, "value")!));
        return new PageForm(Attribute(form[..form.IndexOf('>', StringComparison.Ordinal)], "action") ?? "", fields);
    }

    public override string ToString() => Action;

    private static string? Attribute(string tag, string name)
    {
        var match = Regex.Match(tag, $"\\s{name}=\"([^\"]*)\"");
        return match.Success ? WebUtility.HtmlDecode(match.Groups[1].Value) : null;
    }

    [GeneratedRegex("<form.*?</form>", RegexOptions.Singleline)]
    private static partial Regex Form();

    [GeneratedRegex("<input[^>]*>")]
    private static partial Regex Input();

    [GeneratedRegex("<button[^>]*>")]
    private static partial Regex Button();
}
