"""YAML into dataclasses, with every mistake named by its file, line and key.

The safe loader alone is used, so a file can hold plain values and nothing else.
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from clc_text.config.components import types_of
from clc_text.errors import InputError, close_name, nearest
from clc_text.utils.files import check_regular
from clc_text.utils.shown import printable
from clc_text.utils.yaml_loaders import by_safe_loader

SET = "--set "

# ---- YAML with line numbers ----

DEEPEST = 50  # lists and sections within each other; the deepest recipe has five
LONGEST = 1 << 20  # bytes of a file: 5,000 classes take a tenth of it


@dataclass
class Node:
    """A YAML value with the place it came from; a mapping holds (key place, node) by key.

    Attributes:
        written: how a plain scalar is written, such as ``no`` of a false; None where it has no other form.
    """

    value: Any
    where: str
    written: str | None = None


class _Loader(yaml.SafeLoader):
    """YAML 1.1 reads ``3e-4`` as a string for want of a dot; here it is the number everyone means."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def read_yaml(path: Path, what: str) -> Node:
    """The mapping in a file; `what` is what messages call it ("recipe")."""
    try:
        check_regular(path, what)
        with open(path, "rb") as file:
            content = file.read(LONGEST + 1)
        text = content.decode("utf-8")
    except FileNotFoundError:
        raise InputError(f"there is no {what} {path}", where=path) from None
    except UnicodeDecodeError as error:
        if len(content) <= LONGEST:
            raise InputError(f"the {what} {path} cannot be read: {error}", where=path) from None
        text = "#" * (LONGEST + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"the {what} {path} cannot be read: {error}", where=path) from None
    return parse_yaml(text, str(path), what)


def parse_yaml(text: str, where: str, what: str) -> Node:
    """The mapping in a text; `where` is what messages call the text."""
    try:
        tree = _tree(text, where)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise InputError(
            f"{where}{line}: not valid YAML ({getattr(error, 'problem', None) or error})", where=f"{where}{line}"
        ) from None
    if not isinstance(tree.value, dict):
        raise InputError(f"{where}: a {what} is a list of `key: value` lines", where=where)
    return tree


def _tree(text: str, where: str) -> Node:
    """The values in a text, of which size and depth are looked at before anything is made of it.

    Raises:
        YAMLError: it is no YAML.
        InputError: it is YAML that nothing here has a use for.
    """
    if len(text) > LONGEST or len(text.encode("utf-8", "replace")) > LONGEST:
        raise InputError(f"{where}: it is larger than {LONGEST >> 20} MiB, and no recipe is", where=where)
    return by_safe_loader(text, lambda text, loader: _tree_by(loader, text, where))


def _tree_by(loader: Any, text: str, where: str) -> Node:
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        # An alias lets a few lines grow into millions of values, and nothing here has a use for one.
        if isinstance(event, yaml.AliasEvent):
            raise InputError(
                f"{where}:{line}: aliases (*{printable(event.anchor or '', 40)}) are not allowed",
                where=f"{where}:{line}",
            )
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise InputError(
                f"{where}:{line}: nested too deeply, with more than {DEEPEST} levels", where=f"{where}:{line}"
            )
    return to_nodes(yaml.compose(text, Loader=loader), where)


def to_nodes(node: yaml.Node | None, file: str) -> Node:
    if node is None:
        return Node({}, file)
    _check_tag(node)
    where = f"{file}:{node.start_mark.line + 1}"
    if isinstance(node, yaml.MappingNode):
        children: dict[str, Node] = {}
        for key_node, value_node in node.value:
            place = f"{file}:{key_node.start_mark.line + 1}"
            if not isinstance(key_node, yaml.ScalarNode):
                raise InputError(f"{place}: a key is one word or number, not a list or a section", where=place)
            key = str(key_node.value)
            if key in children:
                raise InputError(f"{place}: the key '{printable(key, 60)}' stands here twice", where=place, key=key)
            child = to_nodes(value_node, file)
            children[key] = Node(child.value, place, child.written)
        return Node(children, where)
    if isinstance(node, yaml.SequenceNode):
        return Node([to_nodes(item, file) for item in node.value], where)
    value = _scalar(node, where)
    return Node(value, where, None if isinstance(value, str) else node.value)


_PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "map", "seq")}
_DATE_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("timestamp", "merge", "value")}
_MOST_DIGITS = 400  # of a number; Python refuses to read more than some thousand
_resolver = _Loader("")


def _scalar(node: Any, where: str) -> Any:
    tag = _resolver.resolve(yaml.ScalarNode, node.value, (not node.style, bool(node.style)))  # plain: None, in C ""
    # What looks like a date, `=` or `<<` is the text that it is.
    if tag in _DATE_TAGS:
        return node.value
    if tag.endswith((":int", ":float")) and len(node.value) > _MOST_DIGITS:
        raise InputError(
            f"{where}: a number of {len(node.value):,} digits; put quotes around it where it is a text", where=where
        )
    try:
        return _Loader("").construct_object(yaml.ScalarNode(tag, node.value, node.start_mark))
    except ValueError:  # of YAML 1.1's numbers not all are: `0o`, `08:`, `_`
        return node.value


def _check_tag(node: yaml.Node) -> None:
    if node.tag not in _PLAIN_TAGS | _DATE_TAGS:
        raise yaml.constructor.ConstructorError(
            None, None, f"the tag {printable(node.tag, 60)} is not allowed", node.start_mark
        )


def override(tree: Node, text: str) -> None:
    key, equals, value = text.partition("=")
    where = f"{SET}{printable(text, 120)}"
    if not equals or not key.strip():
        raise InputError(f"{where}: write it as --set section.key=value", where=where)
    try:
        parsed = _tree(value or "null", where)
    except yaml.YAMLError:
        raise InputError(f"{where}: the value is not valid YAML; put quotes around it", where=where) from None
    _place(parsed, where)
    put(tree, key.strip(), parsed)


def put(tree: Node, key: str, node: Node) -> None:
    """Puts a node at a key such as ``a.b``, in place; sections on the way are made where they are missing."""
    *parents, last = key.split(".")
    section = tree
    for parent in parents:
        if not isinstance(section.value, dict):
            raise InputError(f"{node.where}: '{parent}' lies below a plain value", where=node.where, key=parent)
        section = section.value.setdefault(parent, Node({}, node.where))
        if section.value is None:
            section.value = {}
    if not isinstance(section.value, dict):
        raise InputError(
            f"{node.where}: '{parents[-1]}' is a plain value and has no '{last}'", where=node.where, key=parents[-1]
        )
    named = section.value.get("name")
    if last == "name" and parents and named is not None and named.value != node.value:
        # Another part has other options: those of the part that stood here do not carry over. What the command line
        # sets is meant for the new one, whichever of the two it names first.
        section.value = _set_on_the_command_line(section)
    before = section.value.get(last)
    if before is not None and isinstance(before.value, dict) and _set_on_the_command_line(before):
        raise InputError(
            f"{node.where}: this replaces all of '{key}', of which an earlier --set has changed a part; put it first, "
            "or leave one of them out",
            where=node.where,
            key=key,
        )
    section.value[last] = node


def _set_on_the_command_line(section: Node) -> dict[str, Node]:
    chosen = {}
    for key, child in section.value.items():
        if isinstance(child.value, dict) and not child.where.startswith(SET):
            inner = _set_on_the_command_line(child)
            if inner:
                chosen[key] = Node(inner, child.where)
        elif child.where.startswith(SET):
            chosen[key] = child
    return chosen


def _place(node: Node, where: str) -> None:
    node.where = where
    children = node.value.values() if isinstance(node.value, dict) else node.value
    if isinstance(node.value, (dict, list)):
        for child in children:
            _place(child, where)


# ---- dataclasses from nodes ----


def to_dataclass(cls: type, node: Node, path: str) -> Any:
    if not isinstance(node.value, dict):
        raise InputError(
            f"{node.where}: '{path}' must be a section of `key: value` lines, not {describe(node.value)}",
            where=node.where,
            key=path,
        )
    known = {field.name: field for field in dataclasses.fields(cls) if field.init}
    values = by_own_names(node.value, known, path)
    check_keys(values, known, path, getattr(cls, "elsewhere", None))
    hints = types_of(cls)
    arguments = {key: convert(child, hints[key], f"{path}.{key}") for key, child in values.items()}
    for key, field in known.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and key not in arguments:
            raise InputError(
                f"{node.where}: '{path}.{key}' is missing: {field.metadata.get('help')}",
                where=node.where,
                key=f"{path}.{key}",
            )
    return construct(cls, arguments, node.where, values, path)


_OTHER_NAMES = ("argument", "earlier")


def by_own_names(values: dict[str, Node], known: dict[str, dataclasses.Field[Any]], path: str) -> dict[str, Node]:
    """With each key under its name here, that is what another library calls an option (`argument` of its metadata) or
    what it was called before (`earlier`); of two names for one option that of the command line goes first."""
    names = {
        field.metadata[other]: name
        for name, field in known.items()
        for other in _OTHER_NAMES
        if other in field.metadata
    }
    called: dict[str, str] = {}
    for key, node in values.items():
        name = key if key in known else names.get(key, key)
        before = called.setdefault(name, key)
        if before == key:
            continue
        set_now, set_before = (one.where.startswith(SET) for one in (node, values[before]))
        if set_now == set_before:
            alias = before if key == name else key
            prefix = f"{path}." if path else ""
            raise InputError(
                f"{values[alias].where}: {prefix}{alias} is another name of {prefix}{name}; leave one of them out",
                where=values[alias].where,
                key=f"{prefix}{alias}",
            )
        called[name] = key if set_now else before
    return {name: values[key] for name, key in called.items()}


def construct(cls: type, arguments: dict[str, Any], where: str, values: Mapping[str, Node], path: str = "") -> Any:
    """Told of a value that is refused is the line of its key, among the `values` of the section; else `where`."""
    try:
        return cls(**arguments)
    except InputError as error:
        option = (error.key or "").removeprefix(f"{path}.").partition(".")[0]
        place = values[option].where if option in values else where
        raise InputError(f"{place}: {error}", where=place, key=error.key) from None


def check_keys(
    values: dict[str, Node], known: dict[str, Any], path: str, elsewhere: Callable[[str], str | None] | None = None
) -> None:
    """`elsewhere` says of a key that another library knows what to do here, and None of any other."""
    for key, node in values.items():
        if key not in known:
            full = f"{path}.{key}" if path else key
            told = None if elsewhere is None or close_name(key, list(known), 0.9) else elsewhere(key)
            hint = nearest(key, known) if told is None else f"; {told}"
            raise InputError(f"{node.where}: unknown key '{full}'{hint}", where=node.where, key=full)


def convert(node: Node, wanted: Any, path: str) -> Any:
    """The node's value as the annotated type, or an `InputError` that names key, place and what is wanted."""
    if wanted is Node:
        return node
    value = node.value
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        told: dict[Any, InputError] = {}
        for choice in arguments:
            if choice is not type(None):
                try:
                    return convert(node, choice, path)
                except InputError as error:
                    told[choice] = error
        # Of a list, that one of its items is wrong says more than what might stand here instead of a list.
        inner = [error for choice, error in told.items() if typing.get_origin(choice) is type(value)]
        raise inner[0] if len(inner) == 1 else _mistyped(node, wanted, path)
    if origin is Literal:
        if value in arguments and type(value) in {type(argument) for argument in arguments}:
            return value
        if node.written in arguments:  # `off`, which YAML 1.1 takes for a false
            return node.written
        hint = nearest(str(value), [str(argument) for argument in arguments])
        raise InputError(
            f"{node.where}: '{path}' is {describe(value)}, which is none of its values{hint}",
            where=node.where,
            key=path,
        )
    if dataclasses.is_dataclass(wanted):
        return to_dataclass(typing.cast(type, wanted), node, path)
    if origin is list and isinstance(value, list):
        return [convert(item, arguments[0], f"{path}[{index}]") for index, item in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {key: convert(item, arguments[1], f"{path}.{key}") for key, item in value.items()}
    if wanted is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) if abs(value) < 10**308 or isinstance(value, float) else float("inf")
    if wanted is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if wanted in (str, bool) and isinstance(value, wanted):
        return value
    if wanted is str and node.written and value is not None:
        return node.written  # a class that is called `no`, `on`, `1` or `1e3`: YAML 1.1 makes something else of them
    if wanted is Any:
        return _bare(node)
    raise _mistyped(node, wanted, path)


def _bare(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {key: _bare(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [_bare(child) for child in node.value]
    return node.value


def _mistyped(node: Node, wanted: Any, path: str) -> InputError:
    quotes = "; put quotes around it if it is a text" if wanted is str and node.written else ""
    return InputError(
        f"{node.where}: '{path}' must be {type_in_words(wanted)}, not {describe(node.value)}{quotes}",
        where=node.where,
        key=path,
    )


def type_in_words(wanted: Any) -> str:
    """What a recipe's reader calls a type: ``int | None`` is "a whole number or null"."""
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(type_in_words(choice) for choice in arguments)
    if origin is Literal:
        return " or ".join(f"'{argument}'" for argument in arguments)
    if origin is list:
        return f"a list of {type_in_words(arguments[0]).removeprefix('a ')}s"
    if origin is dict:
        return "a section of `key: value` lines"
    words = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", type(None): "null"}
    return words.get(wanted, "a section")


def describe(value: Any) -> str:
    if isinstance(value, dict):
        return "a section"
    if isinstance(value, list):
        return "a list"
    return "null" if value is None else f"'{printable(str(value), 80)}'"
