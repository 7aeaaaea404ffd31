namespace ProofKey.Core.Tests;

/// <summary>Sets of scope values.</summary>
[Rfc("RFC 6749", "3.3")]
public sealed class ScopeTests
{
    [Theory]
    [InlineData(null, "")]
    [InlineData("", "")]
    [InlineData("openid", "openid")]
    [InlineData("openid profile  email", "openid profile email")]
    [InlineData(" openid ", "openid")]
    [InlineData("b a b a", "b a")]
    [InlineData("A a", "A a")]
    [InlineData("https://api.example/orders.read !#[]~", "https://api.example/orders.read !#[]~")]
    public void Values_are_kept_once_in_their_order(string? text, string written)
    {
        Scope.TryParse(text, out var scope).ShouldBeTrue();
        scope!.ToString().ShouldBe(written);
        scope.IsEmpty.ShouldBe(written.Length == 0);
        Scope.Parse(scope.ToString()).Values.ShouldBe(scope.Values);
    }

    [Theory]
    [InlineData("a\"b")]
    [InlineData("a\\b")]
    [InlineData("a\tb")]
    [InlineData("a\nb")]
    [InlineData("a\0")]
    [InlineData("é")]
    [InlineData("a\u00a0b")]
    [InlineData("a\x7f")]
    public void A_character_outside_the_grammar_is_refused(string text)
    {
        Scope.TryParse(text, out var scope).ShouldBeFalse();
        scope.ShouldBeNull();
        Should.Throw<FormatException>(() => Scope.Parse(text));
    }

    [Fact]
    public void More_than_64_values_are_refused()
    {
        var most = string.Join(' ', Enumerable.Range(0, Scope.MaxCount).Select(i => $"s{i}"));
        Scope.Parse(most).Values.Count.ShouldBe(64);
        Scope.Parse(most + " s0 s1").Values.Count.ShouldBe(64);
        Scope.TryParse(most + " more", out _).ShouldBeFalse();
    }

    [Fact]
    public void Sets_are_compared_and_combined()
    {
        var wide = Scope.Parse("openid profile orders.read");
        var narrow = Scope.Parse("orders.read openid");

        wide.Contains("profile").ShouldBeTrue();
        wide.Contains("Profile").ShouldBeFalse();
        wide.Contains("").ShouldBeFalse();
        narrow.IsSubsetOf(wide).ShouldBeTrue();
        wide.IsSubsetOf(narrow).ShouldBeFalse();
        wide.IsSubsetOf(wide).ShouldBeTrue();
        Scope.None.IsSubsetOf(narrow).ShouldBeTrue();
        narrow.Intersect(wide).ToString().ShouldBe("orders.read openid");
        wide.Intersect(narrow).ToString().ShouldBe("openid orders.read");
        wide.Intersect(Scope.Parse("x")).IsEmpty.ShouldBeTrue();
        narrow.Union(Scope.Parse("email openid")).ToString().ShouldBe("orders.read openid email");
        narrow.Union(Scope.None).ToString().ShouldBe("orders.read openid");
    }
}
