using System.Text.Json;
using ProofKey.Cli.Doctor;
using ProofKey.Cli.Output;

namespace ProofKey.Cli.Tests;

/// <summary>JSON as the program prints it: for programs, and for people who look at it.</summary>
public sealed class JsonTextTests
{
    [Fact]
    public void Letters_and_quotation_marks_are_themselves_and_nothing_steers_a_terminal()
    {
        const string Text = "the system's \"keychain\" of Zoë <é> \\u0027 \u001b[31m \u009b31m \u202Eecila \u2028 \U000E0041 🔑";
        var json = CliJson.Text(new Finding("keychain", Finding.Good, Text, null), CliJson.Default.Finding);
        json.ShouldBe("""{"name":"keychain","state":"good","text":"the system's \"keychain\" of Zoë <é> \\u0027 \u001B[31m \u009B31m \u202Eecila \u2028 \uDB40\uDC41 \uD83D\uDD11"}""");
        using var read = JsonDocument.Parse(json);
        read.RootElement.GetProperty("text").GetString().ShouldBe(Text);
    }
}
