using System.Text.RegularExpressions;

namespace Tidy;

/// <summary>What a log line may hold. A second net under the tests that search everything the suite logged for every secret it used.</summary>
public partial class LogTests
{
    [Fact]
    public void No_log_message_has_a_place_for_a_secret()
    {
        var places = from path in Tree.Sources
                     from Match message in LogMessage().Matches(Tree.Read(path))
                     from Match place in Place().Matches(message.Value)
                     select (path, name: place.Groups["name"].Value);
        places.Where(found => IsSecret(found.name)).Select(found => $"{found.path}: {{{found.name}}}").ShouldBeEmpty();
    }

    [Theory]
    [InlineData("Code"), InlineData("AuthorizationCode"), InlineData("CodeVerifier"), InlineData("RefreshToken"), InlineData("state"), InlineData("Nonce"), InlineData("Password")]
    public void A_secrets_name_is_recognised(string name) => IsSecret(name).ShouldBeTrue();

    [Theory]
    [InlineData("ErrorCode"), InlineData("StatusCode"), InlineData("ClientId"), InlineData("TokenType"), InlineData("Reason")]
    public void Other_names_are_not_secrets(string name) => IsSecret(name).ShouldBeFalse();

    private static bool IsSecret(string name) => Secret().IsMatch(name) && !Harmless().IsMatch(name);

    [GeneratedRegex(@"\[LoggerMessage\(.*?\)\]", RegexOptions.Singleline)]
    private static partial Regex LogMessage();

    [GeneratedRegex(@"\{(?<name>@?\w+)[^}]*\}")]
    private static partial Regex Place();

    [GeneratedRegex("(code|verifier|token|password|secret|state|nonce|cookie|ticket)s?$", RegexOptions.IgnoreCase)]
    private static partial Regex Secret();

    [GeneratedRegex("^(error|status|exit)code$", RegexOptions.IgnoreCase)]
    private static partial Regex Harmless();
}
