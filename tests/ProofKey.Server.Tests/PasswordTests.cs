using System.Net;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using ProofKey.Server.Accounts;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>What a password may be, how it is kept, and what nothing of ours rests on.</summary>
public sealed class PasswordTests(OneServer shared) : IClassFixture<OneServer>
{
    private readonly RunningServer _server = shared.Server;

    public static TheoryData<string, bool> Lengths => new()
    {
        { new string('p', 7), false },
        { new string('p', 8), true },
        { new string('p', 64), true },
        { new string('p', 128), true },
        { new string('p', 256), true },
        { new string('p', 257), false },
        { "  begins and ends with spaces  ", true },
        { "пароль-密码-🔑", true },
        { "onlysmallletters", true },
    };

    [Theory, MemberData(nameof(Lengths))]
    [Assertion("UI-12")]
    public async Task A_password_has_8_to_256_characters_of_any_kind_and_signs_in_as_it_was_given(string password, bool isGood)
    {
        var name = "p" + Secret.NewText(8);
        if (!isGood)
        {
            await Should.ThrowAsync<FormatException>(() => _server.Registry.AddAccountAsync(name, password, null, isAdmin: false));
            return;
        }
        await _server.Registry.AddAccountAsync(name, password, null, isAdmin: false);
        (await SignsInAsync(name, password)).ShouldBeTrue();
        (await SignsInAsync(name, password.Trim() == password ? " " + password : password.Trim())).ShouldBeFalse("spaces belong to it");
        (await SignsInAsync(name, password[..^1])).ShouldBeFalse();
    }

    [Fact]
    [Assertion("UI-12")]
    public async Task A_long_password_is_not_cut_off()
    {
        var name = "p" + Secret.NewText(8);
        var password = new string('x', 72) + "the end";
        await _server.Registry.AddAccountAsync(name, password, null, isAdmin: false);
        (await SignsInAsync(name, new string('x', 72) + "another")).ShouldBeFalse();
        (await SignsInAsync(name, password)).ShouldBeTrue();
    }

    [Fact]
    [Assertion("UI-13")]
    public void A_password_is_kept_as_a_slow_salted_digest_that_says_how_it_was_made()
    {
        var passwords = _server.Service<PasswordSignIn>();
        var (one, two) = (Convert.FromBase64String(passwords.Hash(RunningServer.Password)), Convert.FromBase64String(passwords.Hash(RunningServer.Password)));
        one.ShouldNotBe(two, "each has a salt of its own");
        // Version 3 of the platform's format: PBKDF2 with HMAC-SHA512, the number of rounds, the length of the salt.
        one[..5].ShouldBe([1, 0, 0, 0, 2]);
        System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(one.AsSpan(5)).ShouldBeGreaterThanOrEqualTo(210_000u);
        System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(one.AsSpan(9)).ShouldBeGreaterThanOrEqualTo(16u);
    }

    [Fact]
    [Assertion("UI-13")]
    public async Task A_hash_that_is_cheaper_than_ours_is_made_anew_at_the_next_sign_in_and_ends_nothing()
    {
        var accounts = _server.Service<AccountStore>();
        var account = await _server.Registry.AddAccountAsync("imported", RunningServer.Password, null, isAdmin: false);
        var cheap = new PasswordHasher<Account>(Options.Create(new PasswordHasherOptions { IterationCount = 1000 })).HashPassword(account, RunningServer.Password);
        await accounts.SetPasswordAsync(account.Subject, cheap);
        async Task<string> StoredAsync() => (await accounts.CountPasswordTryAsync("imported", PasswordSignIn.TryWindow))!.PasswordHash;
        using var person = await shared.SignedInAsync("imported");

        (await SignsInAsync("imported", "wrong password")).ShouldBeFalse();
        (await StoredAsync()).ShouldBe(cheap, "whoever does not know the password changes nothing");
        (await SignsInAsync("imported", RunningServer.Password)).ShouldBeTrue();
        var renewed = await StoredAsync();
        System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(Convert.FromBase64String(renewed).AsSpan(5)).ShouldBe((uint)PasswordSignIn.Iterations);
        (await SignsInAsync("imported", RunningServer.Password)).ShouldBeTrue();
        (await StoredAsync()).ShouldBe(renewed, "once is enough");
        (await Person.FormOf(await person.GetAsync(shared.Request().ToString()))).Action.ShouldStartWith("/consent", customMessage: "the password is the same, so nobody is signed out");
    }

    [Fact]
    [Assertion("UI-23")]
    public async Task Nothing_of_ours_rests_on_the_data_protection_of_the_platform_CVE_2026_40372()
    {
        typeof(ProofKeyServer).Assembly.GetReferencedAssemblies().ShouldNotContain(assembly => assembly.Name!.Contains("DataProtection", StringComparison.Ordinal));
        // What a browser keeps is random or sealed by us, and no other value of it is anyone's session.
        using var person = await shared.SignedInAsync();
        var session = person.CookieOf(_server, Sessions.SessionCookie)!;
        var silent = shared.Request(shared.FirstParty).Set("prompt", "none").ToString();
        for (var at = 0; at < session.Length; at += 6)
        {
            var changed = session[..at] + (session[at] == 'A' ? 'B' : 'A') + session[(at + 1)..];
            (await _server.SendRawAsync(silent, "GET", $"Cookie: {Sessions.SessionCookie}={changed}")).Text.ShouldContain("login_required");
        }
    }

    private async Task<bool> SignsInAsync(string name, string password)
    {
        using var person = _server.NewPerson();
        var form = await person.SignInFormAsync(shared.Request(shared.Web));
        return (await person.PostOnceAsync(form, [("username", name), ("password", password)])).StatusCode == HttpStatusCode.SeeOther;
    }
}
