using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace EndToEnd;

/// <summary>A page of the browser, what went wrong in it, and which requests it made.</summary>
public sealed class ObservedPage : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly ConcurrentQueue<string> _complaints = new();
    private readonly ConcurrentQueue<string> _requests = new();

    public ObservedPage(IPage page)
    {
        Page = page;
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
                _complaints.Enqueue(message.Text);
        };
        page.PageError += (_, error) => _complaints.Enqueue(error);
        page.Request += (_, request) => _requests.Enqueue($"{request.Method} {request.Url}");
    }

    public IPage Page { get; }

    /// <summary>Errors and warnings of the console, refusals of a content security policy among them.</summary>
    public IReadOnlyCollection<string> Complaints => _complaints;

    /// <summary>Every request so far, as <c>METHOD address</c>.</summary>
    public IReadOnlyCollection<string> Requests => _requests;

    /// <summary>Fills in the server's sign-in form and sends it.</summary>
    public async Task SignInAsync(string name = "alice", string password = RunningServer.Password)
    {
        await Page.Locator("[name=username]").FillAsync(name);
        await Page.Locator("[name=password]").FillAsync(password);
        await LeaveAsync("form:has([name=username]) [type=submit]");
    }

    /// <summary>Presses a button of the server's consent page.</summary>
    public Task DecideAsync(string decision) => LeaveAsync($"button[name=decision][value={decision}]");

    /// <summary>Presses a button that leads to another page.</summary>
    public Task PressAsync(string text) => LeaveAsync($"button:has-text('{text}')");

    /// <summary>Presses a button that leads to another page, and waits for that page: what is read next is not the old one's.</summary>
    public async Task LeaveAsync(string button)
    {
        var left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Navigated(object? sender, IFrame frame)
        {
            if (frame == Page.MainFrame)
                left.TrySetResult();
        }

        Page.FrameNavigated += Navigated;
        await Page.ClickAsync(button);
        await left.Task.WaitAsync(Patience);
        Page.FrameNavigated -= Navigated;
    }

    public async ValueTask DisposeAsync() => await Page.Context.DisposeAsync();
}
