using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Tidy;

/// <summary>What a library shows to its users, one line per type and member, sorted, so that a change to it is a change to a text file.</summary>
internal static class PublicApi
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    public static string Of(Assembly library) => string.Concat(library.GetExportedTypes()
        .Where(type => !type.Name.Contains('<', StringComparison.Ordinal) && !IsPage(type)).OrderBy(type => type.FullName, StringComparer.Ordinal).Select(Type));

    // The Razor compiler makes every component public; our pages are no API all the same.
    private static bool IsPage(Type type) => type.Namespace == "ProofKey.Server.Pages";

    private static string Type(Type type) => $"{TypeLine(type)}\n{string.Concat(Members(type).Order(StringComparer.Ordinal).Select(member => $"    {member}\n"))}\n";

    private static string TypeLine(Type type)
    {
        if (type.IsEnum) return $"enum {type.Namespace}.{TypeName.Of(type)}";
        var bases = new[] { type.BaseType }.OfType<Type>().Where(parent => parent != typeof(object) && parent != typeof(ValueType))
            .Concat(OwnInterfaces(type).OrderBy(face => face.Name, StringComparer.Ordinal)).Select(TypeName.Of).ToList();
        return $"{Kind(type)} {type.Namespace}.{TypeName.Of(type)}{(bases.Count > 0 ? " : " + string.Join(", ", bases) : "")}";
    }

    // Without what the base type brings, and what the compiler gives every record.
    private static IEnumerable<Type> OwnInterfaces(Type type) => type.GetInterfaces().Except(type.BaseType?.GetInterfaces() ?? [])
        .Where(face => face.IsPublic && !(IsRecord(type) && face.Name == typeof(IEquatable<>).Name));

    private static string Kind(Type type) => type switch
    {
        { IsInterface: true } => "interface",
        _ when type.IsSubclassOf(typeof(MulticastDelegate)) => "delegate",
        { IsValueType: true } => IsRecord(type) ? "record struct" : "struct",
        { IsAbstract: true, IsSealed: true } => "static class",
        _ => (type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "") + (IsRecord(type) ? "record" : "class"),
    };

    private static bool IsRecord(Type type) => type.GetMethod("PrintMembers", Declared) is not null;

    private static IEnumerable<string> Members(Type type)
    {
        if (type.IsEnum) return Enum.GetNames(type).Select(name => $"{name} = {Convert.ToInt64(Enum.Parse(type, name), CultureInfo.InvariantCulture)}");
        return type.GetMembers(Declared).Select(Member).OfType<string>();
    }

    private static string? Member(MemberInfo member) => member switch
    {
        FieldInfo field when Visible(field) && !field.IsSpecialName => $"{(field.IsLiteral ? "const" : Static(field.IsStatic) + "field")} {TypeName.Of(field)} {field.Name}{Constant(field)}",
        PropertyInfo property when property.Name != "EqualityContract" => Property(property),
        EventInfo happening => $"event {TypeName.Of(happening.EventHandlerType!)} {happening.Name}",
        ConstructorInfo constructor when Visible(constructor) && !IsCopy(constructor) => $"new({Parameters(constructor)})",
        MethodInfo method when Visible(method) && !Written(method) => Method(method),
        _ => null,
    };

    // What the compiler writes for records, and the accessors, which the property shows.
    private static bool Written(MethodInfo method) => method.IsDefined(typeof(CompilerGeneratedAttribute)) || method.Name.Contains('<', StringComparison.Ordinal)
        || (method.IsSpecialName && !method.Name.StartsWith("op_", StringComparison.Ordinal))
        || (IsRecord(method.DeclaringType!) && method.Name is "PrintMembers");

    private static bool IsCopy(ConstructorInfo constructor) =>
        IsRecord(constructor.DeclaringType!) && constructor.GetParameters() is [var only] && only.ParameterType == constructor.DeclaringType;

    private static bool Visible(MethodBase member) => member.IsPublic || member.IsFamily || member.IsFamilyOrAssembly;

    private static bool Visible(FieldInfo field) => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly;

    private static string? Property(PropertyInfo property)
    {
        var accessors = new[] { property.GetMethod, property.SetMethod }.OfType<MethodInfo>().Where(Visible).ToList();
        if (accessors.Count == 0) return null;
        var required = property.IsDefined(typeof(RequiredMemberAttribute)) ? "required " : "";
        var index = property.GetIndexParameters() is { Length: > 0 } parameters ? $"[{string.Join(", ", parameters.Select(Parameter))}]" : "";
        return $"{Modifiers(accessors[0])}{required}{TypeName.Of(property)} {property.Name}{index} {{ {string.Concat(accessors.Select(Accessor))}}}";
    }

    private static string Accessor(MethodInfo accessor) => accessor.Name.StartsWith("get_", StringComparison.Ordinal) ? "get; "
        : accessor.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? "init; " : "set; ";

    private static string Method(MethodInfo method)
    {
        var extension = method.IsDefined(typeof(ExtensionAttribute)) ? "this " : "";
        return $"{Modifiers(method)}{TypeName.Of(method.ReturnParameter)} {method.Name}{TypeName.Arguments(method.GetGenericArguments())}({extension}{Parameters(method)})";
    }

    private static string Modifiers(MethodInfo method) => (method.IsPublic ? "" : "protected ") + Static(method.IsStatic)
        + (method.DeclaringType!.IsInterface ? "" : method.IsAbstract ? "abstract " : method.GetBaseDefinition() != method ? "override " : method is { IsVirtual: true, IsFinal: false } ? "virtual " : "");

    private static string Static(bool isStatic) => isStatic ? "static " : "";

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        var passing = parameter.IsOut ? "out " : parameter.ParameterType.IsByRef ? (parameter.IsIn ? "in " : "ref ") : parameter.IsDefined(typeof(ParamArrayAttribute)) ? "params " : "";
        return $"{passing}{TypeName.Of(parameter)} {parameter.Name}{(parameter.HasDefaultValue ? " = " + Literal(parameter.DefaultValue) : "")}";
    }

    private static string Constant(FieldInfo field) => field.IsLiteral ? " = " + Literal(field.GetRawConstantValue()) : "";

    private static string Literal(object? value) => value switch
    {
        null => "default",
        string text => $"\"{text}\"",
        bool truth => truth ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
