using System.Reflection;

namespace Tidy;

/// <summary>A type as C# writes it, with what may be null.</summary>
internal static class TypeName
{
    private static readonly NullabilityInfoContext Nullability = new();

    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(char)] = "char",
        [typeof(int)] = "int",
        [typeof(long)] = "long",
        [typeof(double)] = "double",
        [typeof(string)] = "string",
        [typeof(object)] = "object",
    };

    public static string Of(FieldInfo field) => Of(Nullability.Create(field));

    public static string Of(PropertyInfo property) => Of(Nullability.Create(property));

    public static string Of(ParameterInfo parameter) => Of(Nullability.Create(parameter));

    public static string Of(Type type) => Name(type, type.GetGenericArguments().Select(Of));

    public static string Arguments(IEnumerable<Type> arguments)
    {
        var names = string.Join(", ", arguments.Select(Of));
        return names.Length > 0 ? $"<{names}>" : "";
    }

    private static string Of(NullabilityInfo info)
    {
        var type = info.Type.IsByRef ? info.Type.GetElementType()! : info.Type;
        var name = info.ElementType is { } element ? Of(element) + "[]"
            : info.GenericTypeArguments.Length > 0 ? Name(type, info.GenericTypeArguments.Select(Of)) : Of(type);
        var maybe = !type.IsValueType && (info.ReadState == NullabilityState.Nullable || info.WriteState == NullabilityState.Nullable);
        return maybe ? name + "?" : name;
    }

    private static string Name(Type type, IEnumerable<string> arguments)
    {
        if (Keywords.TryGetValue(type, out var keyword)) return keyword;
        if (type.IsByRef) return Of(type.GetElementType()!);
        if (type.IsArray) return Of(type.GetElementType()!) + "[]";
        if (type.IsGenericParameter) return type.Name;
        var given = arguments.ToList();
        if (Nullable.GetUnderlyingType(type) is not null) return given[0] + "?";
        var simple = type.Name.Split('`')[0];
        var outer = type.IsNested ? Of(type.DeclaringType!) + "." : "";
        return outer + simple + (given.Count > 0 ? $"<{string.Join(", ", given)}>" : "");
    }
}
