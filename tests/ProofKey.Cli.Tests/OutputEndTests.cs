using Microsoft.AspNetCore.Http;

namespace ProofKey.Cli.Tests;

/// <summary>An output that ends before the command does: nobody reads any more, the disk is full, or it was closed from the start.</summary>
public sealed class OutputEndTests : SignedInCli
{
    [Fact]
    public async Task Following_ends_when_nobody_reads_any_more() =>
        (await RunOtherAsync("sh", "-c", $"{Proofkey} audit-log --follow --json --data {Cli.Data} | head -n 1")).Output.ShouldContain("user-added");

    [Fact]
    public async Task An_answer_without_end_is_given_up_when_nobody_reads_any_more()
    {
        await using var api = await TestApi.StartAsync(async context =>
        {
            for (var line = 0; !context.RequestAborted.IsCancellationRequested; line++)
            {
                await context.Response.WriteAsync($"line {line} {new string('x', 1000)}\n", context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        });
        (await RunOtherAsync("sh", "-c", $"{Proofkey} call GET {api.Address} | head -n 1")).Output.ShouldStartWith("line 0 ");
    }

    [Theory]
    [InlineData("token -p nobody 2>&-", 4)]
    [InlineData("token -p nobody 2>/dev/full", 4)]
    [InlineData("tokn 2>/dev/full", 2)]
    [InlineData("whoami 2>/dev/full", 0)]
    [InlineData("--help >/dev/full", 1)]
    [InlineData("token >/dev/full", 1)]
    [InlineData("token >/dev/full 2>/dev/full", 1)]
    public async Task What_cannot_be_written_changes_no_exit_code_and_leaves_no_stack_trace(string command, int exitCode)
    {
        var outcome = await RunOtherAsync("sh", "-c", $"{Proofkey} {command}");
        outcome.ExitCode.ShouldBe(exitCode, outcome.ToString());
        outcome.Errors.ShouldNotContain("   at ");
        outcome.Errors.ShouldNotContain("Unhandled");
    }

    [Fact]
    public async Task A_body_that_breaks_off_is_no_fault_of_a_file()
    {
        var printed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var api = await TestApi.StartAsync(async context =>
        {
            context.Response.ContentLength = 100;
            await context.Response.WriteAsync("half of it");
            await context.Response.Body.FlushAsync();
            await printed.Task;
            context.Abort();
        });
        await using var calling = Cli.Start("call", "GET", api.Address);
        await calling.OutputUntilAsync(new("half of it"));
        printed.SetResult();
        var outcome = await calling.EndAsync();
        outcome.ExitCode.ShouldBe(6, outcome.ToString());
        outcome.Errors.ShouldContain("broke off its answer");
        outcome.Errors.ShouldNotContain("free space");
    }

    [Fact]
    [Assertion("UI-21")]
    public async Task What_an_API_sends_cannot_steer_the_terminal_and_comes_through_a_pipe_byte_by_byte()
    {
        byte[] body = [.. "\u001b]0;evil\u0007é\u009b31m\tcolumn\r\nover\rwritten\n\u202e"u8, 0xff, 0xc3];
        await using var api = await TestApi.StartAsync(async context =>
        {
            await context.Response.Body.WriteAsync(body.AsMemory(0, 10));
            await context.Response.Body.FlushAsync();
            await context.Response.Body.WriteAsync(body.AsMemory(10));
        });
        await using (var shown = Cli.StartOnTerminal($"call GET {api.Address}"))
            (await shown.EndAsync()).Errors.ShouldContain("?]0;evil?é?31m\tcolumn\r\nover?written\r\n???");
        await Cli.RunAsync("call", "GET", api.Address);
        (await RunOtherAsync("sh", "-c", $"{Proofkey} call GET {api.Address} | od -An -tx1 | tr -d ' \\n'")).Output.ShouldBe(Convert.ToHexStringLower(body));
    }
}
