using System.Runtime.Versioning;

// Signals, file modes and name spaces: these tests are for Unix.
[assembly: UnsupportedOSPlatform("windows")]

// They wait for programs more than they work. Two at a time, as many as there are processors on a small machine, left a third of these idle.
[assembly: CollectionBehavior(MaxParallelThreads = 4)]
