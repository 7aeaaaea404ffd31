using System.Runtime.Versioning;

// Signals, file modes and name spaces: these tests are for Unix.
[assembly: UnsupportedOSPlatform("windows")]
