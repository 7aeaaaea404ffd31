using System.Collections.Concurrent;
using System.Diagnostics;
using System.Reflection;
using System.Text.RegularExpressions;
using ProofKey.Server.Accounts;
using ProofKey.Server.Storage;
using ProofKey.Server.Tests.Support;

namespace ProofKey.Server.Tests.Attacks;

/// <summary>Attacks that read a stopwatch (CWE-208). Nothing is timed here: what is done is counted, and what is answered is compared to the byte.</summary>
public sealed partial class TimingAttackTests(OneServer shared) : IClassFixture<OneServer>
{
    private readonly RunningServer _server = shared.Server;

    [GeneratedRegex("name=\"(?<field>form_token|username)\"( type=\"text\")? value=\"[^\"]*\"")]
    private static partial Regex WhatDiffers { get; }

    public static TheoryData<string> Names => ["known", "unknown", "disabled", "locked", "removed", new string('n', 300)];

    private async Task PrepareAsync(string name)
    {
        if (name is "unknown" || name.Length > PasswordSignIn.MaxLength || await _server.Service<AccountStore>().FindByNameAsync(name, CancellationToken.None) is not null) return;
        await _server.Registry.AddAccountAsync(name, RunningServer.Password, null, isAdmin: false);
        var account = (await _server.Service<AccountStore>().FindByNameAsync(name, CancellationToken.None))!;
        if (name is "disabled") await _server.Service<PeopleRegistry>().DisableAsync(account);
        if (name is "removed") await _server.Registry.RemoveAccountAsync(name, TestContext.Current.CancellationToken);
        if (name is not "locked") return;
        for (var guess = 0; guess <= PasswordSignIn.MaxTries; guess++)
            await _server.Service<PasswordSignIn>().TryAsync(name, "wrong password", _ => false, CancellationToken.None);
    }

    [Theory]
    [MemberData(nameof(Names))]
    [Assertion("UI-09")]
    public async Task Whoever_is_named_one_hash_is_run_CWE_208_CVE_2024_41952(string name)
    {
        await PrepareAsync(name);
        using var counter = new HashCounter();
        foreach (var password in (string[])["wrong password", RunningServer.Password, "", new string('p', 20_000)])
        {
            if (name == "known" && password == RunningServer.Password) continue;
            var tried = await counter.CountAsync(() => _server.Service<PasswordSignIn>().TryAsync(name, password, _ => false, CancellationToken.None));
            tried.Result!.Account.ShouldBeNull();
            tried.Hashes.ShouldBe(1, $"{name}, {password.Length} characters");
        }
    }

    [Fact]
    [Assertion("UI-09")]
    public async Task The_hash_of_nobody_costs_what_a_real_one_costs_CWE_208()
    {
        await PrepareAsync("known");
        var stored = (await _server.Service<Database>().FindAsync($"select value from credential where kind = {"password"} and subject = (select subject from account where name = {"known"})", reader => reader.GetString(0), CancellationToken.None))!;
        var nobodys = (string)typeof(PasswordSignIn).GetField("_nobodysHash", BindingFlags.Instance | BindingFlags.NonPublic)!.GetValue(_server.Service<PasswordSignIn>())!;
        // Format, function, iterations and the length of the salt; behind them are salt and key, of equal length.
        var (real, standIn) = (Convert.FromBase64String(stored), Convert.FromBase64String(nobodys));
        standIn[..13].ShouldBe(real[..13]);
        standIn.Length.ShouldBe(real.Length);
    }

    [Fact]
    [Assertion("UI-09")]
    public async Task Whoever_is_named_the_page_is_the_same_to_the_byte_CWE_204_CVE_2026_4633()
    {
        using var person = _server.NewPerson();
        var form = await person.SignInFormAsync(shared.Request(shared.Web));
        var answers = new Dictionary<string, string>();
        foreach (var name in (string[])["known", "unknown", "disabled", "locked", "removed"])
        {
            await PrepareAsync(name);
            var answer = await person.PostOnceAsync(form, [("username", name), ("password", "wrong password")]);
            var headers = answer.Headers.Concat(answer.Content.Headers).Where(header => header.Key is not ("Date" or "Set-Cookie" or "Content-Length")).OrderBy(header => header.Key, StringComparer.Ordinal);
            var page = WhatDiffers.Replace(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), "${field}");
            answers[name] = $"{answer.StatusCode}\n{string.Join('\n', headers.Select(header => $"{header.Key}: {string.Join(", ", header.Value)}"))}\n{page}";
        }
        foreach (var (name, answer) in answers) answer.ShouldBe(answers["unknown"], name);
    }

    // Keycloak's issue 48888 is of this kind: a look-up by the secret itself tells by its time how much of a guess was right.
    [Theory]
    [InlineData("code"), InlineData("refresh_token"), InlineData("access_token"), InlineData("request_uri"), InlineData("client_secret")]
    [Assertion("TK-12")]
    [Assertion("TK-18")]
    public async Task A_guess_that_is_nearly_right_gets_the_answer_of_one_that_is_all_wrong_CWE_208(string kind)
    {
        var (secret, askAsync) = await SecretAsync(kind);
        var answers = new List<string>();
        foreach (var guess in (string[])[Changed(secret, secret.Length - 1), Changed(secret, secret.Length / 2), Changed(secret, kind == "request_uri" ? PushedRequest.ReferencePrefix.Length : 4)])
            answers.Add(await askAsync(guess));
        answers.Distinct().ShouldHaveSingleItem();
        (await askAsync(secret)).ShouldNotBe(answers[0], "and it was the guess that was refused");
    }

    // No character of a guess is compared where the secret is looked up: there is its digest alone.
    [Fact]
    [Assertion("TK-19")]
    public async Task No_row_can_be_found_by_the_beginning_of_a_secret_CWE_208()
    {
        var secrets = new List<string>();
        foreach (var kind in (string[])["code", "refresh_token", "request_uri", "client_secret"]) secrets.Add((await SecretAsync(kind)).Secret);
        foreach (var file in Directory.EnumerateFiles(_server.Folder, "*.db*"))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var bytes = new MemoryStream();
            await stream.CopyToAsync(bytes, TestContext.Current.CancellationToken);
            var text = System.Text.Encoding.Latin1.GetString(bytes.ToArray());
            foreach (var secret in secrets) text.ShouldNotContain(secret[^16..], Case.Sensitive);
        }
    }

    private static string Changed(string secret, int at)
    {
        // Another character that stands for bits which count, whatever the last one leaves unused.
        var letters = secret.ToCharArray();
        letters[at] = letters[at] is 'A' ? 'Q' : 'A';
        return new string(letters);
    }

    private async Task<(string Secret, Func<string, Task<string>> AskAsync)> SecretAsync(string kind)
    {
        var request = shared.Request(shared.Web).Set("scope", "openid offline_access");
        static string TextOf(JsonAnswer answer) => $"{answer.Status} {answer.Body}";
        switch (kind)
        {
            case "code":
                var code = await shared.CodeAsync(request);
                return (code, async guess => TextOf(await _server.RedeemAsync(shared.Web, request, guess)));
            case "refresh_token" or "access_token":
                var tokens = await _server.RedeemAsync(shared.Web, request, await shared.CodeAsync(request));
                return (tokens.Text(kind), async guess => kind == "access_token" ? (await _server.UserinfoAsync(guess)).Status.ToString() : TextOf(await _server.RefreshAsync(shared.Web, guess)));
            case "request_uri":
                var pushed = (await _server.PushAsync(request)).Text("request_uri");
                return (pushed, async guess =>
                {
                    using var person = _server.NewPerson();
                    var answer = await person.GetOnceAsync($"/authorize?client_id={shared.Web.Id}&request_uri={Uri.EscapeDataString(guess)}");
                    return $"{answer.StatusCode} {await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}";
                }
                );
            default:
                var added = await _server.Registry.AddClientAsync(new ClientRegistration { Name = "Service", IsPublic = false, RedirectUris = [OneServer.WebUri] });
                return (added.Secret!, async guess => TextOf(await _server.PostFormAsync("/token", [new("grant_type", "refresh_token"), new("refresh_token", "none"), new("client_id", added.Client.Id), new("client_secret", guess)])));
        }
    }

    /// <summary>Counts the hashes of one try, by the spans that each leaves under it.</summary>
    private sealed class HashCounter : IDisposable
    {
        private readonly ConcurrentQueue<ActivityTraceId> _hashes = new();
        private readonly ActivityListener _listener;

        public HashCounter()
        {
            _listener = new ActivityListener
            {
                ShouldListenTo = source => source.Name == Telemetry.Name,
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
                ActivityStarted = activity =>
                {
                    if (activity.OperationName == "password hash") _hashes.Enqueue(activity.TraceId);
                },
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public async Task<(T Result, int Hashes)> CountAsync<T>(Func<Task<T>> tryAsync)
        {
            using var own = new Activity("try").Start();
            var result = await tryAsync();
            return (result, _hashes.Count(trace => trace == own.TraceId));
        }

        public void Dispose() => _listener.Dispose();
    }
}
