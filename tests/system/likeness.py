"""Two answers held against each other field by field: the same keys, the same types, and where asked the same values."""
import fnmatch


def kind(value):
    return {type(None): "null", bool: "bool", int: "int", float: "float", str: "text", list: "list", tuple: "list",
            dict: "map"}[type(value)]


def show(value):
    text = repr(value)
    return text if len(text) <= 100 else text[:97] + "..."


def walk(path, theirs, ours, equal):
    """Pairs of (path, line) for each difference."""
    name = path or "(all)"
    if kind(theirs) != kind(ours):
        yield path, f"{name}: theirs is {kind(theirs)} {show(theirs)}, ours {kind(ours)} {show(ours)}"
    elif isinstance(theirs, dict):
        for key in theirs.keys() | ours.keys():
            below = f"{path}.{key}" if path else str(key)
            if key not in ours:
                yield below, f"{below}: only theirs has it, {show(theirs[key])}"
            elif key not in theirs:
                yield below, f"{below}: only ours has it, {show(ours[key])}"
            else:
                yield from walk(below, theirs[key], ours[key], equal)
    elif isinstance(theirs, (list, tuple)):
        if bool(theirs) != bool(ours):
            yield path, f"{name}: theirs has {len(theirs)} elements, ours {len(ours)}"
        for number, element in enumerate(ours if theirs else ()):
            like = theirs[number] if number < len(theirs) else theirs[0]
            yield from walk(f"{path}[]", like, element, equal)
    elif theirs != ours and any(fnmatch.fnmatchcase(path, pattern) for pattern in equal):
        yield path, f"{name}: theirs is {show(theirs)}, ours {show(ours)}"


def differences(theirs, ours, allowed=None, equal=()):
    """A line for each difference that `allowed` does not have: {path pattern: reason}.

    A path is a.b[].c; lists are compared element by element, further ones of ours with the first of theirs.
    `equal`: patterns of paths whose values have to be the same, not their types alone.
    """
    for reason in (allowed or {}).values():
        assert reason.strip(), "an allowed difference needs its reason"
    return sorted(line for path, line in walk("", theirs, ours, equal)
                  if not any(fnmatch.fnmatchcase(path, pattern.replace("[]", "[[]]")) for pattern in allowed or {}))


def assert_alike(theirs, ours, allowed=None, equal=()):
    found = differences(theirs, ours, allowed, equal)
    assert not found, "theirs and ours differ:\n" + "\n".join(found)
