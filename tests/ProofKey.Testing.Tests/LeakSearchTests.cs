using System.Net;
using System.Text;
using System.Text.Json;

namespace ProofKey.Testing.Tests;

public sealed class LeakSearchTests
{
    private const string Passphrase = "correct horse & \"battery\" stäple";
    private const string Short = "pässword 7";
    private const string Token = "dGhpcyBpcyBubyB0b2tlbiBhbmQgbm8gc2VjcmV0IQ";

    private readonly LeakSearch _search = new();

    public LeakSearchTests()
    {
        _search.Add("passphrase", Passphrase);
        _search.Add("password", Short);
        _search.Add("token", Token);
    }

    public static TheoryData<string, string> Written
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var (name, secret) in ((string, string)[])[("passphrase", Passphrase), ("password", Short), ("token", Token)])
            {
                data.Add(name, secret);
                data.Add(name, $"?code={Uri.EscapeDataString(secret)}&state=x");
                data.Add(name, WebUtility.UrlEncode(secret));
                data.Add(name, JsonSerializer.Serialize(new { secret }));
                data.Add(name, WebUtility.HtmlEncode(secret));
                for (var before = 0; before < 3; before++)
                {
                    data.Add(name, Convert.ToBase64String(Encoding.UTF8.GetBytes($"{new string(':', before)}{secret}!!")));
                    data.Add(name, Base64UrlText.Encode(Encoding.UTF8.GetBytes($"{new string(':', before)}{secret}")));
                }
                data.Add(name, Convert.ToHexString(Encoding.UTF8.GetBytes(secret)));
                data.Add(name, Convert.ToHexString(Encoding.UTF8.GetBytes(secret)).ToLowerInvariant());
            }
            return data;
        }
    }

    [Theory, MemberData(nameof(Written))]
    public void A_secret_is_found_however_it_is_written_and_not_repeated(string name, string text)
    {
        var leak = Should.Throw<LeakException>(() => _search.AssertNone("the log", $"before {text} after"));

        leak.Leaks.ShouldContain(found => found.Secret == name);
        leak.Message.ShouldContain($"the log holds the {name}");
        foreach (var secret in (string[])[Passphrase, Short, Token]) leak.Message.ShouldNotContain(secret);
    }

    [Fact]
    public void Any_fifteen_characters_of_a_long_one_are_found()
    {
        for (var i = 0; i + 15 <= Token.Length; i++) _search.Find("a log", $"…{Token.Substring(i, 15)}…").ShouldNotBeEmpty($"from {i}");
    }

    [Fact]
    public void Other_text_is_not_found()
    {
        _search.Find("the log", "The sign-in of alice at https://login.example.com ended with id_token_nonce: correct, no horse.").ShouldBeEmpty();
        Should.NotThrow(() => _search.AssertNone("nothing", ""));
    }

    [Fact]
    public void The_header_that_all_tokens_share_is_no_secret()
    {
        var header = Base64UrlText.Encode("""{"alg":"ES256","typ":"at+jwt","kid":"one"}"""u8);
        _search.Add("access token", $"{header}.{Token[..30]}claims.{Token[10..]}signature");

        _search.Find("decoded", header).ShouldBeEmpty();
        _search.Find("the log", $"{header}.{Token[..30]}claims").ShouldNotBeEmpty();
    }

    [Fact]
    public void A_secret_counts_once_and_a_word_is_none()
    {
        _search.Add("again", Token);

        _search.Count.ShouldBe(3);
        Should.Throw<ArgumentException>(() => _search.Add("code", "12345"));
    }
}
