using FsCheck.Fluent;
using ProofKey.Server.Keys;
using ProofKey.Server.Protocol;
using ProofKey.Server.Tests.Support;
using ProofKey.Tests.Properties;

namespace ProofKey.Server.Tests.Properties;

/// <summary>What the server hands out and takes back: it opens as it was sealed and in no other way, and nothing that comes in its place does harm.</summary>
public sealed class SealedValuePropertyTests(OneServer shared) : IClassFixture<OneServer>
{
    private static readonly string[] Insertions = ["=", "==", "A", "-", "_", "+", "/", ".", " ", "\n", "%3d", "pkr_", "é", "\0"];

    private readonly KeyRing _keys = shared.Server.Service<KeyRing>();

    [Fact]
    public void Any_bytes_come_back_for_their_purpose_and_for_no_other() =>
        Property.Holds(from value in Property.Bytes(300) from purpose in Gen.Elements(Enum.GetValues<SealPurpose>()) select (value, purpose), pair =>
        {
            var text = _keys.Seal(pair.purpose, pair.value);
            foreach (var purpose in Enum.GetValues<SealPurpose>())
                if (purpose == pair.purpose) _keys.Open(purpose, text).ShouldBe(pair.value);
                else _keys.Open(purpose, text).ShouldBeNull();
        });

    [Fact]
    [Assertion("TK-12")]
    public void A_sealed_value_with_any_other_byte_does_not_open() =>
        Property.Holds(from value in Property.Bytes(60) from at in Gen.Choose(0, 10_000) from difference in Gen.Choose(1, 255) from cut in Gen.Choose(0, 2) select (value, at, difference, cut), change =>
        {
            var bytes = _keys.Seal(SealPurpose.Code, change.value);
            if (change.cut == 0) bytes[change.at % bytes.Length] ^= (byte)change.difference;
            else if (change.cut == 1) bytes = bytes[..(change.at % bytes.Length)];
            else bytes = [.. bytes, (byte)change.difference];
            _keys.Open(SealPurpose.Code, bytes).ShouldBeNull();
        });

    [Fact]
    public void Any_bytes_that_we_did_not_seal_are_nothing() =>
        Property.Holds(from bytes in Property.Bytes(120) from isOfOurVersion in Gen.Elements(true, false) select (bytes, isOfOurVersion), value =>
        {
            if (value.isOfOurVersion && value.bytes.Length >= SealingKey.Overhead)
            {
                value.bytes[0] = 1;
                SealingKey.KeyIdOf(_keys.Seal(SealPurpose.Code, [])).CopyTo(value.bytes.AsSpan(1));
            }
            foreach (var purpose in Enum.GetValues<SealPurpose>()) _keys.Open(purpose, value.bytes).ShouldBeNull();
        });

    [Fact]
    [Assertion("TK-12")]
    public void A_refresh_token_that_was_changed_is_none()
    {
        var text = new RefreshToken(Secret.NewBytes(16), Secret.NewBytes(RefreshToken.SecretLength), 7).Seal(_keys);
        RefreshToken.Open(text, _keys).ShouldNotBeNull();
        Property.Holds(Gen.OneOf(Property.Mutated(text, Insertions), Property.AnyText(60), Property.Bytes(60).Select(bytes => RefreshToken.Prefix + Base64UrlText.Encode(bytes))), changed =>
            (RefreshToken.Open(changed, _keys) is null).ShouldBe(changed != text, changed), 2000);
    }

    [Fact]
    [Assertion("TK-12")]
    public async Task A_code_that_was_changed_is_none()
    {
        var text = await shared.CodeAsync(shared.Request());
        AuthorizationCode.Open(text, _keys).ShouldNotBeNull();
        Property.Holds(Gen.OneOf(Property.Mutated(text, Insertions), Property.AnyText(60), Property.Bytes(60).Select(bytes => Base64UrlText.Encode(bytes))), changed =>
            (AuthorizationCode.Open(changed, _keys) is null).ShouldBe(changed != text, changed), 2000);
    }
}
