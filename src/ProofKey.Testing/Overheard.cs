namespace ProofKey.Testing;

/// <summary>Who listens to all servers and browsers of a whole suite: our own tests do, to look through everything for everybody's secrets at its end.</summary>
/// <param name="Secret">Told the name and the value of each secret.</param>
/// <param name="Said">Told of what kind something is that was said, and what it is.</param>
internal sealed record Overheard(Action<string, string> Secret, Action<string, object> Said);
