namespace ProofKey.Core.Tests;

/// <summary>Which requested redirect URI is the registered one: to the character, the port of a loopback address aside.</summary>
[Rfc("RFC 9700", "2.1")]
public sealed class RedirectUriMatchingTests
{
    private const string Https = "https://cb.example/cb";

    private static readonly HashSet<string> WithEachPort = [.. Enumerable.Range(1, 65_535).Select(port => $"http://127.0.0.1:{port}/cb")];

    public static TheoryData<string> OtherPaths { get; } =
    [
        "https://cb.example", "https://cb.example/", "https://cb.example/cb/", "https://cb.example/cb/x", "https://cb.example/c", "https://cb.example/cbx",
        "https://cb.example/CB", "https://cb.example/Cb", "https://cb.example/cb%2e", "https://cb.example/cb.", "https://cb.example/cb/..",
        "https://cb.example/cb/.", "https://cb.example/cb/../cb", "https://cb.example/./cb", "https://cb.example//cb", "https://cb.example/cb/../x",
        "https://cb.example/cb/..;/x", "https://cb.example/cb;x", "https://cb.example/cb;/", "https://cb.example/x/../cb", "https://cb.example/x/%2e%2e/cb",
        "https://cb.example/x/%2E%2E/cb", "https://cb.example/cb%2f..%2fx", "https://cb.example/cb%252f..%252fx", "https://cb.example/%63b",
        "https://cb.example/c%62", "https://cb.example/%2563b", "https://cb.example/cb%00", "https://cb.example/cb%20", "https://cb.example/cb%0a",
        "https://cb.example/cb ", "https://cb.example/cb\t", "https://cb.example/cb\n", "https://cb.example/cb\0", "https://cb.example/cb?",
        "https://cb.example/cb?a=b", "https://cb.example/cb?/", "https://cb.example/cb&a=b", "https://cb.example/cb#", "https://cb.example/cb#f",
        "https://cb.example/cb%23f", "https://cb.example/cb\\", "https://cb.example\\cb", "https://cb.example/\\cb", "https://cb.example/*",
        "https://cb.example/cb*", "https://cb.example/c?", "https://cb.example/c.", "https://cb.example/cb%", "https://cb.example/ｃb",
        "https://cb.example/сb",
    ];

    public static TheoryData<string> OtherHosts { get; } =
    [
        "https://cb.example.evil/cb", "https://evilcb.example/cb", "https://evil.cb.example/cb", "https://cb-example/cb", "https://cbXexample/cb",
        "https://cb.example@evil/cb", "https://a@cb.example/cb", "https://a:b@cb.example/cb", "https://@cb.example/cb", "https://a@cb.example@evil/cb",
        "https://evil\\@cb.example/cb", "https://cb.example\\@evil/cb", "https://cb.example:80@evil/cb", "https://cb.example:443@evil/cb",
        "https://cb.example%00.evil/cb", "https://cb.example\0.evil/cb", "https://cb.example%2eevil/cb", "https://cb.example%40evil/cb",
        "https://cb.example%23@evil/cb", "https://cb.example./cb", "https://CB.example/cb", "https://cb.EXAMPLE/cb", "https://ｃb.example/cb",
        "https://сb.example/cb", "https://xn--b-jtb.example/cb", "https://cb。example/cb", "https://cb.example:443/cb", "https://cb.example:/cb",
        "https://cb.example:8443/cb", "https:/cb.example/cb", "https:///cb.example/cb", "https:/\\cb.example/cb", "https:\\\\cb.example/cb",
        "https:cb.example/cb", "https://cb.exa\tmple/cb", "https://cb.exa\nmple/cb", "https://cb.exa\rmple/cb", "https://cb.example\r\nX: y/cb",
        "//cb.example/cb", "cb.example/cb", "/cb", "cb", "", "https://evil/https://cb.example/cb", "https://evil/?https://cb.example/cb",
        "https://evil#https://cb.example/cb", "https://1.2.3.4/cb", "https://[::1]/cb",
    ];

    public static TheoryData<string> OtherSchemes { get; } =
    [
        "http://cb.example/cb", "HTTPS://cb.example/cb", "Https://cb.example/cb", "javascript://cb.example/cb", "javascript:alert(1)", "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)", "data:text/html,x", "DATA:text/html;base64,AAAA", "vbscript:x", "file:///cb", "file://cb.example/cb", "ftp://cb.example/cb",
        "blob:https://cb.example/cb", "filesystem:https://cb.example/cb", "view-source:https://cb.example/cb", "about:blank", "ws://cb.example/cb",
        "urn:ietf:wg:oauth:2.0:oob", " https://cb.example/cb", "\thttps://cb.example/cb", "\nhttps://cb.example/cb", "\u0001https://cb.example/cb",
        "\0https://cb.example/cb", "\ufeffhttps://cb.example/cb", "https ://cb.example/cb", "https%3a//cb.example/cb", "https%3A%2F%2Fcb.example%2Fcb",
        "hxxps://cb.example/cb",
    ];

    public static TheoryData<string> OtherThanV4 { get; } =
    [
        "http://127.0.0.1/", "http://127.0.0.1", "http://127.0.0.1:5000", "http://127.0.0.1:5000/", "http://127.0.0.1/cb/", "http://127.0.0.1:5000/cb/x",
        "http://127.0.0.1:5000/CB", "http://127.0.0.1:5000/cb?a=b", "http://127.0.0.1/cb?", "http://127.0.0.1:5000/cb#f", "http://127.0.0.1:80@evil/cb",
        "http://127.0.0.1:5000@evil/cb", "http://127.0.0.1@evil/cb", "http://a@127.0.0.1/cb", "http://a@127.0.0.1:5000/cb", "http://localhost/cb",
        "http://localhost:5000/cb", "http://[::1]/cb", "http://[::1]:5000/cb", "http://127.1/cb", "http://127.0.1/cb", "http://127.0.0.2/cb",
        "http://2130706433/cb", "http://0x7f000001/cb", "http://0177.0.0.1/cb", "http://127.0.0.01/cb", "http://0.0.0.0/cb", "http://0/cb",
        "http://127.0.0.1.evil/cb", "http://127.0.0.1.evil:80/cb", "http://127.0.0.1evil/cb", "http://127.0.0.10/cb", "http://127.0.0.1./cb",
        "http://127.0.0.1-evil/cb", "http://127.0.0.1:0/cb", "http://127.0.0.1:99999/cb", "http://127.0.0.1:65536/cb", "http://127.0.0.1:8a/cb",
        "http://127.0.0.1:a/cb", "http://127.0.0.1:/cb", "http://127.0.0.1:080/cb", "http://127.0.0.1:+80/cb", "http://127.0.0.1:-1/cb",
        "http://127.0.0.1: 80/cb", "http://127.0.0.1:80 /cb", "http://127.0.0.1:80:80/cb", "http://127.0.0.1:８0/cb", "http://127.0.0.1:٨٠/cb",
        "http://127.0.0.1:1e3/cb", "http://127.0.0.1:0x50/cb", "http://127.0.0.1:100000000000000000000/cb", "http://127.0.0.1:80\\@evil/cb",
        "http://127.0.0.1\\@evil/cb", "http://127.0.0.1\\cb", "http://127.0.0.1:80#@evil/cb", "http://127.0.0.1:80?@evil/cb", "http://127.0.0.1:80/@evil/cb",
        "http://127.0.0.1:80%40evil/cb", "http://127.0.0.1%3A80/cb", "http://127.0.0.1;80/cb", "http://127.0.0.1%00:80/cb", "http://127.0.0.1\0:80/cb",
        "http://127.0.0.1:80\n/cb", "https://127.0.0.1/cb", "https://127.0.0.1:5000/cb", "HTTP://127.0.0.1/cb", "http:/127.0.0.1/cb", "http:///127.0.0.1/cb",
        "http:127.0.0.1/cb", " http://127.0.0.1/cb", "http://[::ffff:127.0.0.1]/cb", "http://[::127.0.0.1]/cb", "http://１27.0.0.1/cb", "http://127。0.0.1/cb",
        "http://evil/http://127.0.0.1/cb", "",
    ];

    [Theory]
    [Assertion("RU-02")]
    [Rfc("RFC 9700", "2.1")]
    [MemberData(nameof(OtherPaths))]
    public void A_changed_path_query_or_fragment_does_not_match(string requested) => Mismatch(Https, requested);

    [Theory]
    [Assertion("RU-03")]
    [MemberData(nameof(OtherHosts))]
    public void A_changed_host_does_not_match(string requested) => Mismatch(Https, requested);

    [Theory]
    [Assertion("RU-04")]
    [MemberData(nameof(OtherSchemes))]
    public void A_changed_scheme_does_not_match(string requested) => Mismatch(Https, requested);

    [Theory]
    [Assertion("RU-05")]
    [Rfc("RFC 8252", "7.3")]
    [InlineData("")]
    [InlineData(":1")]
    [InlineData(":80")]
    [InlineData(":443")]
    [InlineData(":5000")]
    [InlineData(":49152")]
    [InlineData(":65535")]
    public void On_a_loopback_address_any_port_matches(string port)
    {
        foreach (var literal in new[] { "http://127.0.0.1", "http://[::1]" })
            foreach (var registeredPort in new[] { "", ":7777" })
            {
                RedirectUri.Parse($"{literal}{registeredPort}/cb").Matches($"{literal}{port}/cb").ShouldBeTrue();
                RedirectUri.Parse($"{literal}{registeredPort}/cb?x=1").Matches($"{literal}{port}/cb?x=1").ShouldBeTrue();
                RedirectUri.Parse($"{literal}{registeredPort}").Matches($"{literal}{port}").ShouldBeTrue();
                RedirectUri.Parse($"{literal}{registeredPort}/cb").Matches($"{literal}{port}/").ShouldBeFalse();
            }
    }

    [Theory]
    [Assertion("RU-06")]
    [Rfc("RFC 8252", "7.3")]
    [MemberData(nameof(OtherThanV4))]
    public void On_a_loopback_address_nothing_but_the_port_may_differ(string requested) => Mismatch("http://127.0.0.1/cb", requested);

    [Theory]
    [Assertion("RU-06")]
    [Rfc("RFC 8252", "8.3")]
    [InlineData("http://[::1]:0/cb")]
    [InlineData("http://[::1]:80@evil/cb")]
    [InlineData("http://[::1]evil/cb")]
    [InlineData("http://[::1].evil/cb")]
    [InlineData("http://[::1]:99999/cb")]
    [InlineData("http://[::1]:8a/cb")]
    [InlineData("http://[0:0:0:0:0:0:0:1]/cb")]
    [InlineData("http://[::0001]/cb")]
    [InlineData("http://[::1%25lo]/cb")]
    [InlineData("http://[::2]/cb")]
    [InlineData("http://::1/cb")]
    [InlineData("http://127.0.0.1/cb")]
    [InlineData("http://localhost/cb")]
    [InlineData("https://[::1]/cb")]
    public void On_the_other_loopback_address_neither(string requested) => Mismatch("http://[::1]/cb", requested);

    [Theory]
    [Assertion("RU-07")]
    [Rfc("RFC 8252", "8.3")]
    [InlineData("http://localhost/cb", "http://localhost:5000/cb")]
    [InlineData("http://localhost:5000/cb", "http://localhost/cb")]
    [InlineData("http://localhost:5000/cb", "http://localhost:5001/cb")]
    [InlineData("http://localhost/cb", "http://127.0.0.1/cb")]
    [InlineData("http://localhost/cb", "http://localhost.evil/cb")]
    [InlineData("http://localhost/cb", "http://localhost:80@evil/cb")]
    [InlineData("http://localhost/cb", "http://LOCALHOST/cb")]
    [InlineData("http://localhost/cb", "http://localhost./cb")]
    public void On_localhost_the_port_counts_too(string registered, string requested)
    {
        RedirectUri.Parse(registered).Kind.ShouldBe(RedirectUriKind.Localhost);
        Mismatch(registered, requested);
    }

    [Theory]
    [Rfc("RFC 8252", "7.1")]
    [InlineData("com.example.app:/cb", "com.example.app:/cb/")]
    [InlineData("com.example.app:/cb", "com.example.app://cb")]
    [InlineData("com.example.app:/cb", "com.example.app:///cb")]
    [InlineData("com.example.app:/cb", "COM.EXAMPLE.APP:/cb")]
    [InlineData("com.example.app:/cb", "com.example.app.evil:/cb")]
    [InlineData("com.example.app:/cb", "com.example.app:/cb?x")]
    public void A_private_use_address_matches_to_the_character(string registered, string requested) => Mismatch(registered, requested);

    [Fact]
    [Assertion("RU-11")]
    [Rfc("RFC 6749", "3.1.2")]
    public void A_query_of_its_own_is_matched_exactly_and_kept_in_the_answer()
    {
        const string registered = "https://cb.example/cb?tenant=1&x=%C3%A9";
        foreach (var changed in new[]
        {
            "https://cb.example/cb", "https://cb.example/cb?", "https://cb.example/cb?tenant=1", "https://cb.example/cb?x=%C3%A9&tenant=1", "https://cb.example/cb?tenant=1&x=%c3%a9",
            "https://cb.example/cb?tenant=1&x=é", "https://cb.example/cb?tenant=2&x=%C3%A9", registered + "&", registered + "&y=2",
        })
            Mismatch(registered, changed);

        var answer = Parameters.Of(new KeyValuePair<string, string>("code", "a b&c"), new KeyValuePair<string, string>("state", "é"));
        RedirectUri.Append(registered, answer).ShouldBe("https://cb.example/cb?tenant=1&x=%C3%A9&code=a%20b%26c&state=%C3%A9");
        RedirectUri.Append("https://cb.example/cb", answer).ShouldBe("https://cb.example/cb?code=a%20b%26c&state=%C3%A9");
        RedirectUri.Append("https://cb.example/cb?", answer).ShouldBe("https://cb.example/cb?code=a%20b%26c&state=%C3%A9");
        RedirectUri.Append("https://cb.example/cb?a&", answer).ShouldBe("https://cb.example/cb?a&code=a%20b%26c&state=%C3%A9");
        RedirectUri.Append("com.example.app:/cb", answer).ShouldBe("com.example.app:/cb?code=a%20b%26c&state=%C3%A9");
    }

    [Theory]
    [Assertion("RU-02")]
    [Assertion("RU-06")]
    [InlineData("https://cb.example/cb?tenant=1")]
    [InlineData("http://127.0.0.1:5000/cb")]
    [InlineData("http://localhost:5000/cb")]
    [InlineData("com.example.app:/cb")]
    public void A_random_change_of_one_character_matches_only_where_it_makes_another_port(string registered)
    {
        var random = new Random(3986);
        var redirectUri = RedirectUri.Parse(registered);
        const string letters = "abz019ABZ-._~:/?#[]@!$&'()*+,;=% \t\n\0\\é";
        for (var i = 0; i < 5_000; i++)
        {
            var at = random.Next(registered.Length);
            var requested = random.Next(3) switch
            {
                0 => registered.Remove(at, 1),
                1 => registered.Insert(at, letters[random.Next(letters.Length)].ToString()),
                _ => $"{registered[..at]}{letters[random.Next(letters.Length)]}{registered[(at + 1)..]}",
            };
            redirectUri.Matches(requested).ShouldBe(requested == registered || IsOtherPort(redirectUri, requested), requested);
        }
    }

    private static bool IsOtherPort(RedirectUri registered, string requested) => registered.Kind == RedirectUriKind.Loopback && WithEachPort.Contains(requested);

    private static void Mismatch(string registered, string requested)
    {
        var redirectUri = RedirectUri.Parse(registered);
        redirectUri.Matches(registered).ShouldBeTrue();
        redirectUri.Matches(requested).ShouldBeFalse();
    }
}
