namespace ProofKey.Client.Tests;

/// <summary>Names that are no files on Windows, where a session under one of them would be written to a device.</summary>
public sealed class DeviceNameTests
{
    [Theory]
    [InlineData("con", "%63on")]
    [InlineData("nul", "%6eul")]
    [InlineData("com1", "%63om1")]
    [InlineData("lpt9", "%6cpt9")]
    [InlineData("console", "console")]
    [InlineData("default", "default")]
    public void A_profile_with_the_name_of_a_device_has_a_file_with_another(string profile, string file) => ProfileName.ToFileName(profile).ShouldBe(file);
}
