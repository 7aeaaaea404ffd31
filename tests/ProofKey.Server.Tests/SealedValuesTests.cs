using System.Net;
using System.Text;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests;

/// <summary>Codes, refresh tokens, step tickets and form tokens: each opens for its own purpose only, and only as it was sealed.</summary>
public sealed class SealedValuesTests(OneServer shared) : IClassFixture<OneServer>
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    private readonly RunningServer _server = shared.Server;

    // What is out there was sealed with these: a change of a name, a version or the order loses every code, ticket and refresh token.
    [Theory]
    [InlineData(SealPurpose.Code, "AQECAwTAqAd6-aldqJimGR5FT29ex6LXL8x4GJnihKiwum93CmQ")]
    [InlineData(SealPurpose.RefreshToken, "AQECAwSH3fd4v-05jgMUOrBQtXjBEhGNcGk9TGReeV-WglwkUBo")]
    [InlineData(SealPurpose.StepTicket, "AQECAwRVW17MVIpAz2JPyrTu_qjoANlmNsdBGdaJ-HtYeYev3Ms")]
    [InlineData(SealPurpose.PushedRequest, "AQECAwTp8lj5x9X_qs85sE16hrZ7klmAC3Yf5Y1Q41FWjejdTd4")]
    [InlineData(SealPurpose.FormToken, "AQECAwQLYqwKgsgKfovH-pZleTLxhdlZgJ2EIpphXQ8QUEiTQws")]
    public void The_constants_of_sealing_stay_as_they_are(object purpose, string expected)
    {
        var key = new SealingKey([1, 2, 3, 4], [.. Enumerable.Range(0, 32).Select(i => (byte)i)], DateTimeOffset.UnixEpoch, "https://issuer.example");
        var text = Base64UrlText.Encode(key.Seal((SealPurpose)purpose, "value"u8));
        text.ShouldBe(expected);
        Base64UrlText.TryDecode(expected, out var bytes).ShouldBeTrue();
        key.Open((SealPurpose)purpose, bytes).ShouldBe("value"u8.ToArray());
    }

    [Fact]
    [Assertion("TK-11")]
    [Rfc("RFC 8725", "3.11")]
    public void A_value_opens_for_its_purpose_key_and_issuer_only()
    {
        byte[] secret = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
        var key = new SealingKey([1, 2, 3, 4], secret, DateTimeOffset.UnixEpoch, "https://issuer.example");
        var purposes = Enum.GetValues<SealPurpose>();
        foreach (var purpose in purposes)
        {
            var text = key.Seal(purpose, "value"u8);
            purposes.Where(other => key.Open(other, text) is not null).ShouldBe([purpose]);
            new SealingKey([1, 2, 3, 4], secret, DateTimeOffset.UnixEpoch, "https://issuer.example/").Open(purpose, text).ShouldBeNull("another issuer");
            new SealingKey([1, 2, 3, 5], secret, DateTimeOffset.UnixEpoch, "https://issuer.example").Open(purpose, text).ShouldBeNull("another key id");
            new SealingKey([1, 2, 3, 4], [.. secret.Reverse()], DateTimeOffset.UnixEpoch, "https://issuer.example").Open(purpose, text).ShouldBeNull("another key");
        }
    }

    [Fact]
    public void Another_version_or_a_stump_names_no_key()
    {
        SealingKey.KeyIdOf(new byte[SealingKey.Overhead]).ToArray().ShouldBeEmpty("version 0");
        SealingKey.KeyIdOf([1, .. new byte[SealingKey.Overhead - 2]]).ToArray().ShouldBeEmpty("too short");
        SealingKey.KeyIdOf([1, 9, 8, 7, 6, .. new byte[SealingKey.Overhead - 5]]).ToArray().ShouldBe([9, 8, 7, 6]);
        SealingKey.KeyIdOf([]).ToArray().ShouldBeEmpty();
    }

    [Fact]
    public void A_shortened_code_has_room_for_the_longest_of_everything_else()
    {
        var whole = new AuthorizationCode
        {
            GrantId = new byte[16],
            ClientId = shared.Native.Id,
            RedirectUriDigest = AuthorizationCode.DigestOf(OneServer.NativeUri),
            Challenge = CodeVerifier.New().Challenge,
            Subject = new string('s', 64),
            Epoch = long.MaxValue,
            SessionId = new byte[16],
            OutlivesSession = true,
            GrantExpiresAt = _server.Time.Now,
            Scope = Scope.Parse(string.Join(' ', Enumerable.Range(0, 64).Select(i => $"https://api.example/scope{i}"))),
            Resource = "https://api.example/" + new string('a', 80),
            Nonce = new string('é', 128),
            AuthTime = _server.Time.Now,
            Amr = new string('a', 24),
            Acr = new string('a', 32),
            DpopThumbprint = new byte[32],
            Claims = new string('c', 500),
            ExpiresAt = _server.Time.Now,
        };
        var keys = _server.Service<KeyRing>();
        var (code, kept) = whole.Shortened(new byte[16]);
        var text = code.Seal(keys);
        text.Length.ShouldBeLessThanOrEqualTo(AuthorizationCode.MaxLength);
        var opened = AuthorizationCode.Open(text, keys)!;
        opened.KeptIn.ShouldNotBeNull();
        var restored = opened.With(kept);
        (restored.Scope.ToString(), restored.Resource, restored.Nonce, restored.Claims, restored.KeptIn).ShouldBe((whole.Scope.ToString(), whole.Resource, whole.Nonce, whole.Claims, null));
    }

    [Fact]
    public void A_usual_code_has_room_for_all_of_it()
    {
        var code = new AuthorizationCode
        {
            GrantId = new byte[16],
            ClientId = shared.Native.Id,
            RedirectUriDigest = AuthorizationCode.DigestOf(OneServer.NativeUri),
            Challenge = CodeVerifier.New().Challenge,
            Subject = "9f1c3a52-7a39-4a3c-9a64-0d4f3f2f4f10",
            Epoch = 100_000,
            SessionId = new byte[16],
            GrantExpiresAt = _server.Time.Now,
            Scope = Scope.Parse("openid profile email offline_access"),
            Nonce = Secret.NewText(),
            AuthTime = _server.Time.Now,
            Amr = "pwd otp mfa",
            DpopThumbprint = new byte[32],
            ExpiresAt = _server.Time.Now,
        };
        code.Seal(_server.Service<KeyRing>()).Length.ShouldBeLessThanOrEqualTo(AuthorizationCode.MaxLength, "no row is written for it");
    }

    [Fact]
    [Assertion("TK-12")]
    [Rfc("RFC 6749", "10.10")]
    public async Task A_code_with_one_changed_character_is_refused_and_the_right_one_still_redeems()
    {
        var request = shared.Request();
        var code = await shared.CodeAsync(request);
        var keys = _server.Service<KeyRing>();
        for (var position = 0; position < code.Length; position++)
            foreach (var letter in Alphabet.Where(letter => letter != code[position]))
                AuthorizationCode.Open(string.Concat(code.AsSpan(0, position), [letter], code.AsSpan(position + 1)), keys).ShouldBeNull();
        foreach (var changed in (string[])[code[..^1], code[1..], code + "A", code + "=", code + " ", " " + code, code + "\n", code.ToUpperInvariant(), code.ToLowerInvariant(), code[4..], "pkr_" + code[4..], code + code, "", "pkc_"])
            AuthorizationCode.Open(changed, keys).ShouldBeNull();

        foreach (var changed in (string[])[code[..^1], code + "A", Flip(code, 4), Flip(code, code.Length / 2), Flip(code, code.Length - 1)])
            (await _server.RedeemAsync(shared.Native, request, changed)).Error.ShouldBe("invalid_grant");
        (await _server.RedeemAsync(shared.Native, request, code)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("TK-11")]
    [Rfc("RFC 8725", "3.11")]
    public async Task No_artefact_passes_for_another()
    {
        var request = shared.Request();
        var code = await shared.CodeAsync(request);
        using var person = await shared.SignedInAsync();
        var consent = await person.ConsentFormAsync(request);
        var (formToken, ticket) = (consent.Fields["form_token"], Browsing.Parameter(consent.Action, "step")!);
        var tokens = await _server.RedeemAsync(shared.Native, request, code);
        var refreshToken = tokens.Text("refresh_token");
        string[] others = [refreshToken, ticket, formToken, tokens.Text("access_token"), tokens.Text("id_token"), request.State, request.Nonce, person.CookieOf(_server, Sessions.SessionCookie)!];

        foreach (var other in others.SelectMany(other => (string[])[other, AuthorizationCode.Prefix + Bare(other)]))
            (await _server.RedeemAsync(shared.Native, request, other)).Error.ShouldBe("invalid_grant");
        foreach (var other in others.Skip(1).Append(code).SelectMany(other => (string[])[other, RefreshToken.Prefix + Bare(other)]))
            (await _server.RefreshAsync(shared.Native, other)).Error.ShouldBe("invalid_grant");
        foreach (var other in (string[])[Bare(code), Bare(refreshToken), ticket])
            await (await person.PostOnceAsync(consent, [("form_token", other), ("decision", "allow")])).ShouldBeFormAgainAsync();
        foreach (var other in (string[])[Bare(code), Bare(refreshToken), formToken])
            (await Person.FormOf(await person.GetAsync(Browsing.WithParameter(request.ToString(), "step", other)))).Action.ShouldContain("/consent?");
        (await _server.RefreshAsync(shared.Native, refreshToken)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    [Assertion("TK-19")]
    public void What_is_sealed_does_not_print_itself()
    {
        var token = new RefreshToken(Secret.NewBytes(16), Secret.NewBytes(16), 1);
        token.ToString().ShouldBe(nameof(RefreshToken));
        var code = new AuthorizationCode
        {
            GrantId = [],
            ClientId = "client",
            RedirectUriDigest = [],
            Challenge = CodeVerifier.New().Challenge,
            Subject = "subject",
            Epoch = 1,
            GrantExpiresAt = default,
            Scope = Scope.None,
            Nonce = "nonce",
            AuthTime = default,
            Amr = "pwd",
            ExpiresAt = default,
        };
        code.ToString().ShouldBe(nameof(AuthorizationCode));
        CodeVerifier.New().ToString().ShouldBe("[code_verifier]");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(long.MaxValue)]
    [InlineData(-1)]
    public void Numbers_and_texts_come_out_as_they_went_in(long number)
    {
        var written = new SealedPayload();
        written.Write(number);
        written.Write((string?)null);
        written.Write("");
        written.Write("é𝄞");
        written.Write(Encoding.UTF8.GetBytes("bytes"));
        var read = new SealedPayload(written.Written.ToArray());
        read.ReadNumber().ShouldBe(number);
        read.ReadText().ShouldBeNull();
        read.ReadText().ShouldBe("");
        read.ReadText().ShouldBe("é𝄞");
        read.ReadBytes().ShouldBe(Encoding.UTF8.GetBytes("bytes"));
    }

    private static string Bare(string text) => text.Length > 4 && text[3] == '_' ? text[4..] : text;

    private static string Flip(string text, int position) => string.Concat(text.AsSpan(0, position), [text[position] == 'A' ? 'E' : 'A'], text.AsSpan(position + 1));
}
