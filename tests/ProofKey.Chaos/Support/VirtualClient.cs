using System.Net;

namespace ProofKey.Chaos.Support;

/// <summary>
/// One person with one program, on an address of their own. What the program does next its dice say; what it is told it writes down, and what
/// contradicts that later it reports.
/// </summary>
internal sealed class VirtualClient(Crowd crowd, int number, Dice dice) : IDisposable
{
    // More would take long to look at after each fault.
    private const int Kept = 12;

    private readonly HttpClient _http = LoopbackProgram.From($"127.0.{1 + (number / 200)}.{1 + (number % 200)}");
    private readonly List<SignIn> _signIns = [];
    private SignedInPerson? _person;
    private Era _personAdded;

    /// <summary>Does one thing. Without an answer it throws what the network says.</summary>
    public async Task StepAsync()
    {
        // Most of the time the newest; now and then somebody comes back to an older one.
        var current = dice.Hits(70) || _signIns.Count == 0 ? _signIns.LastOrDefault() : _signIns[dice.Below(_signIns.Count)];
        if (current is not { Standing: Standing.Good } || dice.Hits(15))
        {
            await SignInAsync();
            return;
        }
        switch (dice.Below(100))
        {
            case < 45: await RefreshAsync(current); break;
            case < 60: await RefreshWithTwoHandsAsync(current); break;
            case < 72: await UserinfoAsync(current); break;
            case < 78: await crowd.Log.RefreshAsync(this, current, current.RefreshToken!, crowd.Operator.Other); break;
            case < 86: await RevokeAsync(current); break;
            case < 92: await ReplayAsync(current); break;
            case < 97: await ReuseAsync(current); break;
            default: await LeaveAsync(current); break;
        }
    }

    /// <summary>After a fault: what was good goes on, what had ended stays so.</summary>
    public async Task SettleAsync()
    {
        foreach (var signIn in _signIns)
        {
            // Its answer was lost: what it gave, nobody has.
            if (signIn.RefreshToken is null)
            {
                await crowd.Log.RedeemAsync(this, signIn, crowd.Client);
                signIn.Standing = Standing.Ended;
                continue;
            }
            // A connection of the server's that broke meanwhile may be found out only now.
            for (var tries = 0; await RefreshAsync(signIn) is { IsUnavailable: true }; tries++)
                if (tries == 20) throw new InvalidOperationException("L1: the server stays unavailable.");
            if (signIn.Standing != Standing.Ended) continue;
            await crowd.Log.RedeemAsync(this, signIn, crowd.Client);
            await crowd.Log.UserinfoAsync(this, signIn, signIn.AccessToken!);
        }
        _signIns.RemoveAll(signIn => signIn.Standing != Standing.Good);
    }

    /// <summary>
    /// The database was put back from a backup: what began after it is not there, and its tokens work nowhere. Its codes are not tried: one of the last
    /// minute could be redeemed once more.
    /// </summary>
    public async Task GoBackAsync()
    {
        foreach (var signIn in _signIns.Where(signIn => signIn is { Began: Era.After, RefreshToken: not null }))
            if (await crowd.Log.RefreshAsync(this, signIn, signIn.RefreshToken!, crowd.Client) is { IsGood: true }) crowd.Report("A token of a sign-in that is not in the backup works", signIn);
        _signIns.RemoveAll(signIn => signIn.Redeemed != Era.Before);
        if (_personAdded != Era.Before) _person = null;
    }

    /// <summary>Nobody has said of the database that it was put back: a token that it does not know yet is refused, and one that it knows is good.</summary>
    /// <returns>How many tokens were refused.</returns>
    public async Task<int> MeetUnmarkedAsync()
    {
        var refused = 0;
        foreach (var signIn in _signIns.Where(signIn => signIn is { Standing: Standing.Good, Redeemed: Era.Before }))
        {
            var isAhead = signIn.Token.Asked == Era.After;
            if (!isAhead && signIn.Token.Given != Era.Before) continue;
            var answer = await crowd.Log.RefreshAsync(this, signIn, signIn.RefreshToken!, crowd.Client);
            if (answer.IsGood == isAhead || answer.IsUnavailable) crowd.Report(isAhead ? "A token ahead of its row was taken without a mark" : "L2: the token that the backup has is refused", signIn);
            if (answer.IsGood) Keep(signIn, answer, Era.Before);
            else refused++;
        }
        return refused;
    }

    public async Task<Answer> SendAsync(HttpMethod method, string path, IEnumerable<KeyValuePair<string, string>>? form, string? accessToken = null)
    {
        using var request = new HttpRequestMessage(method, crowd.Address + path);
        if (form is not null) request.Content = new FormUrlEncodedContent(form);
        if (accessToken is not null) request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + accessToken);
        var answer = await Answer.ToAsync(_http, request);
        crowd.Count(answer.Status);
        return answer;
    }

    public void Dispose() => _http.Dispose();

    private async Task SignInAsync()
    {
        var began = crowd.Era;
        if (_person is null) (_person, _personAdded) = (await crowd.Operator.NewPersonAsync(), crowd.Era);
        var verifier = CodeVerifier.New();
        using var request = new HttpRequestMessage(HttpMethod.Get, crowd.Address + "/authorize?" + Parameters.Of(
            new("response_type", "code"), new("client_id", crowd.Client.Id), new("redirect_uri", Operator.RedirectUri), new("scope", "openid offline_access"),
            new("code_challenge", verifier.Challenge.ToString()), new("code_challenge_method", "S256")).ToQuery());
        request.Headers.Add("Cookie", _person.Cookie);
        using var response = await _http.SendAsync(request);
        crowd.Count(response.StatusCode);
        // The balancer says so where a server has died with the request: the same as no answer.
        if (response.StatusCode == HttpStatusCode.BadGateway) throw new HttpRequestException("The balancer got no answer.");
        if (response.Headers.Location is not { IsAbsoluteUri: true } location || !Parameters.TryParse(location.Query.AsSpan(1), out var parameters, out _) || parameters["code"] is not { } code)
        {
            if (!crowd.MayBeUnavailable || response.StatusCode != HttpStatusCode.ServiceUnavailable) crowd.Report($"L1: no code for somebody who is signed in: {(int)response.StatusCode} {response.Headers.Location}");
            return;
        }
        var signIn = new SignIn(new()
        {
            ["grant_type"] = "authorization_code",
            ["client_id"] = crowd.Client.Id,
            ["code"] = code,
            ["redirect_uri"] = Operator.RedirectUri,
            ["code_verifier"] = verifier.Reveal(),
        }, began);
        if (_signIns.Count == Kept) _signIns.RemoveAt(0);
        _signIns.Add(signIn);
        var answer = await crowd.Log.RedeemAsync(this, signIn, crowd.Client);
        if (answer.IsGood) Keep(signIn, answer, began);
        else if (!answer.IsUnavailable && !crowd.TimeMoves) crowd.Report($"L1: a new code was refused: {answer}");
    }

    private async Task<Answer> RefreshAsync(SignIn signIn)
    {
        var (standing, asked) = (signIn.Standing, crowd.Era);
        // To the letter, a refresh whose answer is lost has cost the token.
        if (crowd.IsStrict) signIn.Standing = Standing.Unknown;
        var answer = await crowd.Log.RefreshAsync(this, signIn, signIn.RefreshToken!, crowd.Client);
        lock (_signIns)
        {
            signIn.Standing = standing;
            Judge(signIn, answer, asked);
        }
        return answer;
    }

    private void Judge(SignIn signIn, Answer answer, Era asked)
    {
        if (signIn.Standing == Standing.Ended && answer.IsGood) crowd.Report("I5: what had ended works again", signIn);
        if (signIn.Standing == Standing.Good && !answer.IsGood && !answer.IsUnavailable) crowd.Report($"L2: the last token that a client was given is refused, {answer}", signIn);
        if (answer.IsGood) Keep(signIn, answer, asked);
        else if (!answer.IsUnavailable) signIn.Standing = Standing.Ended;
    }

    // To the letter one of them is reuse, and so it is when one takes longer than the leeway, so nobody does it then.
    private Task RefreshWithTwoHandsAsync(SignIn signIn) => crowd.IsStrict || crowd.TimeMoves ? RefreshAsync(signIn) : (Task)Task.WhenAll(RefreshAsync(signIn), RefreshAsync(signIn));

    private async Task UserinfoAsync(SignIn signIn)
    {
        var answer = await crowd.Log.UserinfoAsync(this, signIn, signIn.AccessToken!);
        if (!answer.IsGood && !answer.IsUnavailable && !crowd.TimeMoves) crowd.Report($"L1: a fresh access token is refused: {answer}");
    }

    private async Task RevokeAsync(SignIn signIn)
    {
        signIn.Standing = Standing.Unknown;
        if ((await crowd.Log.RevokeAsync(this, signIn, signIn.RefreshToken!)).IsGood) signIn.Standing = Standing.Ended;
        await RefreshAsync(signIn);
    }

    // What a replay ends depends on whether the code has died meanwhile; that it gives nothing does not.
    private async Task ReplayAsync(SignIn signIn)
    {
        signIn.Standing = Standing.Unknown;
        await crowd.Log.RedeemAsync(this, signIn, dice.Hits(30) ? crowd.Operator.Other : crowd.Client);
    }

    private async Task ReuseAsync(SignIn signIn)
    {
        if (signIn.Superseded is not { } superseded) return;
        signIn.Standing = Standing.Unknown;
        await crowd.Log.RefreshAsync(this, signIn, superseded, crowd.Client);
    }

    // The account is disabled while the program still refreshes. Whoever is not sure of that expects nothing of the sign-ins.
    private async Task LeaveAsync(SignIn current)
    {
        var (person, signIns) = (_person!, _signIns.ToList());
        _person = null;
        _signIns.Clear();
        var refresh = crowd.Log.RefreshAsync(this, current, current.RefreshToken!, crowd.Client);
        try
        {
            await crowd.Log.EndAsync(signIns.Select(signIn => signIn.Name), crowd.Client.Id, () => crowd.Operator.DisableAsync(person));
            signIns.ForEach(signIn => signIn.Standing = Standing.Ended);
            _signIns.AddRange(signIns);
        }
        finally
        {
            await refresh;
        }
    }

    private void Keep(SignIn signIn, Answer answer, Era asked)
    {
        signIn.Keep(answer, asked, crowd.Era);
        signIn.Standing = Standing.Good;
    }
}
