using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;

namespace ProofKey.Server.Pages;

/// <summary>Renders each page to a whole HTML document. Safe for concurrent use.</summary>
internal sealed class PageRenderer(ILoggerFactory loggers)
{
    /// <summary>The <c>style-src</c> source of the one stylesheet (CSP Level 3 section 2.3.1), without quotes.</summary>
    public static string StyleHash { get; } = HashOf(Stylesheet.Text);

    /// <summary>The <c>script-src</c> source of the one script, which only the form_post page has, without quotes.</summary>
    public static string ScriptHash { get; } = HashOf(FormPost.Script);

    public Task<string> SignInAsync(SignInView view) => RenderAsync<SignIn>(view);

    public Task<string> ChooseAccountAsync(ChooseAccountView view) => RenderAsync<ChooseAccount>(view);

    public Task<string> ConsentAsync(ConsentView view) => RenderAsync<Consent>(view);

    public Task<string> DeviceEntryAsync(DeviceEntryView view) => RenderAsync<DeviceEntry>(view);

    public Task<string> DeviceAsync(DeviceView view) => RenderAsync<Device>(view);

    public Task<string> DeviceDoneAsync(DeviceDoneView view) => RenderAsync<DeviceDone>(view);

    public Task<string> SignOutAsync(SignOutView view) => RenderAsync<SignOut>(view);

    public Task<string> SignedOutAsync(SignedOutView view) => RenderAsync<SignedOut>(view);

    public Task<string> ErrorAsync(ErrorView view) => RenderAsync<Error>(view);

    public Task<string> FormPostAsync(FormPostView view) => RenderAsync<FormPost>(view);

    // One renderer per page: a renderer keeps all that it ever rendered, and renders one page at a time.
    private async Task<string> RenderAsync<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] TPage>(object view) where TPage : IComponent
    {
        await using var renderer = new HtmlRenderer(new OnlyView(view), loggers);
        return await renderer.Dispatcher.InvokeAsync(async () => (await renderer.RenderComponentAsync<TPage>()).ToHtmlString());
    }

    private static string HashOf(string text) => $"sha256-{Convert.ToBase64String(Secret.Digest(text))}";

    // What a page injects is its view and nothing else. Razor makes components public, so a view, which is internal, cannot be a parameter.
    private sealed class OnlyView(object view) : IServiceProvider
    {
        public object? GetService(Type serviceType) => serviceType.IsInstanceOfType(view) ? view : null;
    }
}
