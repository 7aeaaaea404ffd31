using System.Text.Json;

namespace ProofKey.Core.Tests;

/// <summary>Files below <c>Vectors/</c>; its README says where they come from.</summary>
internal static class VectorFile
{
    public static JsonElement Read(string path) => JsonElement.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Vectors", path)));
}
