"""What a template may be made of: its parsed Jinja is walked before anything of it runs."""

from collections.abc import Collection, Iterator

from jinja2 import nodes

from mailer.errors import TemplateError
from mailer.outbound.edition import SLOT_NAMES
from mailer.outbound.slots import ROOTS, slot_misused, unknown

_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Dict,
    nodes.Pair, nodes.Getattr, nodes.Getitem, nodes.If, nodes.For, nodes.CondExpr, nodes.Compare, nodes.Operand,
    nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Add, nodes.Sub, nodes.Concat, nodes.Filter, nodes.Test,
    nodes.Assign, nodes.AssignBlock, nodes.Macro, nodes.Call, nodes.CallBlock, nodes.Keyword, nodes.Block,
    nodes.Extends, nodes.Include, nodes.FromImport,
)  # fmt: skip
_INSTEAD = {
    "Mul": "only + and - can be used with numbers",
    "Pow": "only + and - can be used with numbers",
    "Div": "only + and - can be used with numbers",
    "FloorDiv": "only + and - can be used with numbers",
    "Mod": "put values in the text itself: {{ … }}",
    "Import": 'write {% from "parts.mjml" import button %}',
}
_ALWAYS = ("loop", "super", "caller", "self", "varargs", "kwargs")


def check_rules(
    tree: nodes.Template, file: str, known: Collection[str], filters: Collection[str], tests: Collection[str]
) -> None:
    """Raise TemplateError at the first thing that is not allowed; `known` are the names of the facts and slots."""
    own = set(_bound(tree))
    names = {*known, *own, *_ALWAYS, *_optional(tree)}
    callable_names = {*_callables(tree), "super", "caller"}
    for node in _walk(tree):
        problem = (
            _forbidden(node)
            or _unknown_name(node, names, known)
            or _unknown_tool(node, filters, tests)
            or _call(node, callable_names)
            or _slot_in_condition(node)
        )
        if problem:
            raise TemplateError(problem, file, node.lineno)


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child)


def _bound(tree: nodes.Template) -> Iterator[str]:
    """Every name the template makes itself, wherever: what is used before it is set fails when it runs."""
    for node in _walk(tree):
        if isinstance(node, nodes.Name) and node.ctx in ("store", "param"):
            yield node.name
    yield from _callables(tree)


def _optional(tree: nodes.Template) -> Iterator[str]:
    """The names that the template itself asks for with `is defined` or gives a fallback with `or_else`."""
    for node in _walk(tree):
        asks = isinstance(node, nodes.Test) and node.name in ("defined", "undefined")
        gives = isinstance(node, nodes.Filter) and node.name == "or_else"
        if (asks or gives) and isinstance(getattr(node, "node", None), nodes.Name):
            yield node.node.name  # type: ignore[attr-defined]


def _callables(tree: nodes.Template) -> Iterator[str]:
    for node in _walk(tree):
        if isinstance(node, nodes.Macro):
            yield node.name
        elif isinstance(node, nodes.FromImport):
            yield from (name if isinstance(name, str) else name[1] for name in node.names)


def _forbidden(node: nodes.Node) -> str | None:
    names_layout = isinstance(node, (nodes.Extends, nodes.Include, nodes.FromImport))
    if names_layout and not isinstance(getattr(node, "template", None), nodes.Const):
        return "the name of a layout must be written out between quotes"
    if isinstance(node, _ALLOWED):
        return None
    kind = type(node).__name__
    return f"this cannot be used in a template ({kind}); {_INSTEAD.get(kind, 'leave it out')}"


def _unknown_name(node: nodes.Node, names: Collection[str], known: Collection[str]) -> str | None:
    if isinstance(node, nodes.Name) and node.ctx == "load" and node.name not in names:
        return unknown(node.name, known)
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name) and node.node.name in ROOTS:
        full = f"{node.node.name}.{node.attr}"
        return None if full in SLOT_NAMES else unknown(full, SLOT_NAMES)
    return None


def _unknown_tool(node: nodes.Node, filters: Collection[str], tests: Collection[str]) -> str | None:
    if isinstance(node, nodes.Filter) and node.name not in filters:
        return f"the filter {unknown(node.name, filters)}"
    if isinstance(node, nodes.Test) and node.name not in tests:
        return f"the test {unknown(node.name, tests)}"
    return None


def _call(node: nodes.Node, callables: Collection[str]) -> str | None:
    if not isinstance(node, nodes.Call):
        return None
    if isinstance(node.node, nodes.Name) and node.node.name in callables:
        return None
    return "nothing can be called in a template but the building blocks of the layouts; write {{ value | filter }}"


def _slot_in_condition(node: nodes.Node) -> str | None:
    if isinstance(node, (nodes.If, nodes.CondExpr)):
        return _slot_in(node.test)
    if isinstance(node, nodes.For):
        return _slot_in(node.iter) or (_slot_in(node.test) if node.test else None)
    if isinstance(node, (nodes.Compare, nodes.Test, nodes.And, nodes.Or, nodes.Not)):
        return _slot_in(node)
    if isinstance(node, nodes.Filter) and node.name != "or_else" and node.node is not None:
        return _slot_in(node.node)
    return None


def _slot_in(tree: nodes.Node) -> str | None:
    for node in _walk(tree):
        if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name) and node.node.name in ROOTS:
            return slot_misused(f"{node.node.name}.{node.attr}")
    return None
