"""Writes a Python dictionary as a libconfig file."""


def value(item, indent=0):
    pad = "  " * indent
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, int):
        return str(item) if -2**31 <= item < 2**31 else f"{item}L"
    if isinstance(item, float):
        return repr(item)
    if isinstance(item, str):
        return '"' + item.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if isinstance(item, dict):
        return "{\n" + settings(item, indent + 1) + pad + "}"
    if isinstance(item, list):  # a list; its elements may be of any type
        return "(" + ", ".join(value(element, indent + 1) for element in item) + ")"
    if isinstance(item, tuple):  # an array: scalars of one type
        return "[" + ", ".join(value(element) for element in item) + "]"
    raise TypeError(f"no libconfig type for {item!r}")


def settings(group, indent=0):
    """The lines of a group; a key whose value is None is left out."""
    pad = "  " * indent
    return "".join(f"{pad}{name} = {value(item, indent)};\n"
                   for name, item in group.items() if item is not None)


def merged(base, changes):
    """`base` with `changes` laid over it, groups by their keys."""
    result = dict(base)
    for name, item in changes.items():
        both_groups = isinstance(item, dict) and isinstance(result.get(name), dict)
        result[name] = merged(result[name], item) if both_groups else item
    return result
