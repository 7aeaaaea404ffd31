using System.Diagnostics;

namespace ProofKey.Core.Tests;

/// <summary>Queries and form bodies, read strictly.</summary>
[Rfc("RFC 6749", "3.2")]
[Rfc("RFC 6749", "B")]
public sealed class ParametersTests
{
    public static TheoryData<string> Malformed { get; } =
    [
        "a=%00", "%00=a", "a=b%00c", "a=%C0%AF", "a=%ED%A0%80", "a=%F5%80%80%80", "a=%E2%82", "a=%80", "a=%zz", "a=%", "a=%4", "a=%4g", "%=a", "a=%u0041",
        "a=é", "a=\u0080", "é=a", "a=ａ", "a=\0", "a=b\r\nSet-Cookie: x", "a=\n", "a=\t", "a\u0001=b", "a=+\n", "a=%41\r",
    ];

    [Fact]
    public void Names_and_values_are_decoded_in_their_order()
    {
        var parameters = Read("a=1&b=two+words&c=%E2%9C%93%20%26%3D%2B&d&e=&f=x=y&&g=7&");
        parameters.Pairs.ShouldBe([new("a", "1"), new("b", "two words"), new("c", "✓ &=+"), new("d", ""), new("e", ""), new("f", "x=y"), new("g", "7")]);
        (parameters["a"], parameters["b"], parameters["c"], parameters["f"]).ShouldBe(("1", "two words", "✓ &=+", "x=y"));
    }

    [Theory]
    [Assertion("AZ-04")]
    [Rfc("RFC 6749", "3.1")]
    [InlineData("code_challenge=")]
    [InlineData("redirect_uri=")]
    [InlineData("scope=")]
    [InlineData("state=")]
    [InlineData("state")]
    public void An_empty_parameter_is_an_absent_one(string encoded)
    {
        var parameters = Read("client_id=x&" + encoded);
        var name = encoded.TrimEnd('=');
        parameters[name].ShouldBeNull();
        parameters.All(name).ShouldBeEmpty();
        parameters["client_id"].ShouldBe("x");
    }

    [Fact]
    public void Names_are_case_sensitive_and_an_absent_one_is_null()
    {
        Read("State=a")["state"].ShouldBeNull();
        Read("")["state"].ShouldBeNull();
        Parameters.Empty["state"].ShouldBeNull();
        Parameters.Empty.Pairs.ShouldBeEmpty();
    }

    [Theory]
    [Assertion("AZ-25")]
    [MemberData(nameof(Malformed))]
    public void Malformed_text_is_refused(string encoded)
    {
        Parameters.TryParse(encoded, out var parameters, out var problem).ShouldBeFalse();
        parameters.ShouldBeNull();
        OAuthError.InvalidRequest(problem!).Description.ShouldBe(problem);
    }

    [Fact]
    [Assertion("AZ-25")]
    public void Enormous_texts_are_answered_at_once()
    {
        var clock = Stopwatch.StartNew();
        Parameters.TryParse(string.Join('&', Enumerable.Range(0, 5_000).Select(i => $"p{i}=1")), out _, out var problem).ShouldBeFalse();
        problem.ShouldBe("There are more than 100 parameters.");
        Read("state=" + new string('a', 64 * 1024))["state"]!.Length.ShouldBe(64 * 1024);
        Read("state=" + string.Concat(Enumerable.Repeat("%41", 20_000)))["state"].ShouldBe(new string('A', 20_000));
        Read(new string('&', 64 * 1024)).Pairs.ShouldBeEmpty();
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(1));
    }

    [Fact]
    [Assertion("AZ-25")]
    public void One_hundred_parameters_are_read_and_one_more_is_not()
    {
        var hundred = string.Join('&', Enumerable.Range(0, Parameters.MaxCount).Select(i => $"p{i}=1"));
        Read(hundred).Pairs.Count.ShouldBe(100);
        Parameters.TryParse(hundred + "&x=1", out _, out _).ShouldBeFalse();
    }

    // A line break that came percent-encoded is kept as it was and goes out percent-encoded: it splits no header.
    [Fact]
    [Assertion("AZ-25")]
    public void An_encoded_line_break_is_neither_dropped_nor_sent_on_as_one()
    {
        var parameters = Read("state=a%0D%0ASet-Cookie:%20x");
        parameters["state"].ShouldBe("a\r\nSet-Cookie: x");
        parameters.ToQuery().ShouldBe("state=a%0D%0ASet-Cookie%3A%20x");
    }

    [Fact]
    [Rfc("RFC 6749", "3.1")]
    [Rfc("RFC 8707", "2")]
    public void Duplicates_are_seen()
    {
        Read("a=1&b=2&c=3").Duplicate().ShouldBeNull();
        Read("a=1&b=2&a=1").Duplicate().ShouldBe("a");
        Read("a=1&a=").Duplicate().ShouldBe("a");
        Read("a&a").Duplicate().ShouldBe("a");
        Read("state=1&st%61te=2").Duplicate().ShouldBe("state");
        Read("resource=1&resource=2").Duplicate("resource").ShouldBeNull();
        Read("resource=1&resource=2&a=1&a=2").Duplicate("resource").ShouldBe("a");
        Read("a=1&A=2").Duplicate().ShouldBeNull();
        Read("a=1&b=2&a=1").IsDuplicated("a").ShouldBeTrue();
        Read("a=1&b=2&a=1").IsDuplicated("b").ShouldBeFalse();
        Read("resource=1&resource=&resource=2").All("resource").ShouldBe(["1", "2"]);
        Read("a=&a=2")["a"].ShouldBe("2");
    }

    [Fact]
    public void Any_parameters_survive_being_written_and_read()
    {
        var random = new Random(6749);
        for (var i = 0; i < 500; i++)
        {
            var pairs = Enumerable.Range(0, random.Next(1, 8)).Select(_ => new KeyValuePair<string, string>(Text(random), Text(random))).ToList();
            Read(Parameters.Of(pairs).ToQuery()).Pairs.ShouldBe(pairs);
        }
    }

    [Fact]
    public void Random_text_never_throws()
    {
        var random = new Random(3986);
        const string letters = "ab=&%+ 0189AFaf\0\n\u00e9\ud800";
        for (var i = 0; i < 5_000; i++)
        {
            var text = new string([.. Enumerable.Range(0, random.Next(30)).Select(_ => letters[random.Next(letters.Length)])]);
            var parsed = Parameters.TryParse(text, out var parameters, out var problem);
            (parameters is not null).ShouldBe(parsed);
            (problem is null).ShouldBe(parsed);
        }
    }

    [Fact]
    public void Parameters_are_left_out_and_added_without_changing_the_original()
    {
        var parameters = Read("a=1&b=2&a=3");
        parameters.Without("a").ToQuery().ShouldBe("b=2");
        parameters.With("c", "x y").ToQuery().ShouldBe("a=1&b=2&a=3&c=x%20y");
        parameters.ToQuery().ShouldBe("a=1&b=2&a=3");
    }

    private static Parameters Read(string encoded)
    {
        Parameters.TryParse(encoded, out var parameters, out var problem).ShouldBeTrue(problem);
        return parameters!;
    }

    private static string Text(Random random)
    {
        const string letters = "az09-._~ &=+%/?#é✓\r\n\t\"'<>";
        return new string([.. Enumerable.Range(0, random.Next(1, 12)).Select(_ => letters[random.Next(letters.Length)])]);
    }
}
