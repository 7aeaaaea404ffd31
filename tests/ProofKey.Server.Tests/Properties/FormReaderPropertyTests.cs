using System.Text;
using FsCheck.Fluent;
using Microsoft.AspNetCore.Http;
using ProofKey.Server.Http;
using ProofKey.Tests.Properties;

namespace ProofKey.Server.Tests.Properties;

/// <summary>The reader of forms: any body of any declared type is either read or refused with a sentence.</summary>
public sealed class FormReaderPropertyTests
{
    private const string Form = "application/x-www-form-urlencoded";

    private static readonly string[] Types =
        [Form, Form + ";charset=utf-8", Form + "; charset=\"UTF-8\"", Form.ToUpperInvariant(), Form + "; charset=utf-16", Form + ";charset=", Form + "x", "text/plain", "application/json", "multipart/form-data; boundary=x", "", ";", "a/b, " + Form];

    [Fact]
    [Assertion("TK-03")]
    public void A_body_is_read_as_its_bytes_say_or_refused()
    {
        var bodies = Gen.OneOf(Property.TextOf(12, "a", "=", "&", "%41", "%", "%c3", "é", "+", "b", "\0").Select(Encoding.Latin1.GetBytes), Property.Bytes(60));
        Property.Holds(from body in bodies from type in Gen.Elements(Types) select (body, type), request =>
        {
            var read = Read(request.body, request.type);
            var isForm = Array.IndexOf(Types, request.type) < 4;
            var isGood = Parameters.TryParse(Encoding.Latin1.GetString(request.body), out var expected, out _);
            read.TryGet(out var form, out var problem).ShouldBe(isForm && isGood, request.type);
            if (form is null) problem.ShouldNotBeNullOrWhiteSpace();
            else form.Pairs.ShouldBe(expected!.Pairs);
        }, 1500);
    }

    [Fact]
    [Assertion("TK-02")]
    [Rfc("RFC 6749", "3.2")]
    public void A_name_that_came_twice_is_refused_wherever_it_stands()
    {
        var names = Gen.Elements("a", "b", "c", "d", "%61", "A");
        Property.Holds(from all in names.ListOf(5) from query in Gen.Elements("", "?a=1", "?z=1", "?%61") select (all, query), request =>
        {
            var context = Context(Encoding.ASCII.GetBytes(string.Join('&', request.all.Select(name => $"{name}=1"))), Form);
            context.Request.QueryString = new QueryString(request.query);
            var meant = request.all.Select(name => name == "%61" ? "a" : name).ToList();
            var isRepeated = meant.Distinct().Count() < meant.Count || (meant.Contains("a") && request.query is "?a=1" or "?%61" && meant.Contains("a"));
            FormReader.ReadOnceAsync(context).AsTask().GetAwaiter().GetResult().TryGet(out _, out _).ShouldBe(!isRepeated);
        });
    }

    [Theory]
    [InlineData(FormReader.MaxLength, true)]
    [InlineData(FormReader.MaxLength + 1, false)]
    public void A_body_has_its_greatest_length(int length, bool isGood) =>
        Read(Encoding.ASCII.GetBytes("a=" + new string('b', length - 2)), Form).TryGet(out _, out _).ShouldBe(isGood);

    private static FormResult Read(byte[] body, string type) => FormReader.ReadAsync(Context(body, type)).AsTask().GetAwaiter().GetResult();

    private static DefaultHttpContext Context(byte[] body, string type)
    {
        var context = new DefaultHttpContext();
        context.Request.Body = new MemoryStream(body);
        context.Request.ContentType = type;
        return context;
    }
}
