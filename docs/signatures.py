"""An extension of Sphinx that shows signatures of jsnn as its source has them.

`inspect` expands the names of types, such as `ArrayLike`, and prints defaults by their `repr`.
"""

import ast
import inspect
import re
import textwrap
from typing import Any, Protocol

import jsnn
import jsnn.nir
import jsnn.plot
from jsnn import analysis, conversion, gradients, losses

MODULES = (jsnn, analysis, conversion, losses, gradients, jsnn.nir, jsnn.plot)


def _tree(obj: Any) -> Any:
    return ast.parse(textwrap.dedent(inspect.getsource(obj))).body[0]


def signature_of(obj: Any) -> tuple[str, str] | None:
    """Return the arguments and the result of a function or a class, or None for a protocol."""
    if not inspect.isclass(obj):
        return _of_function(obj, drop_first=inspect.ismethod(obj) or _is_method(obj))
    if Protocol in obj.__bases__:
        return None
    if inspect.isfunction(obj.__init__) and "<string>" not in obj.__init__.__code__.co_filename:
        return _of_function(obj.__init__, drop_first=True)[0], ""
    return _of_fields(obj), ""


def _is_method(function: Any) -> bool:
    return "." in function.__qualname__ and "self" in inspect.signature(function).parameters


def _of_function(function: Any, *, drop_first: bool) -> tuple[str, str]:
    node = _tree(inspect.unwrap(function))
    assert isinstance(node, ast.FunctionDef)
    args, defaults = node.args, inspect.signature(function).parameters
    if drop_first:
        args.args = [arg for arg in args.args if arg.arg not in {"self", "cls"}]
    optional = [*args.args[len(args.args) - len(args.defaults) :], *args.kwonlyargs]
    values = [*args.defaults, *args.kw_defaults]
    shown = [
        value and ast.Name(_default(value, defaults[arg.arg].default))
        for arg, value in zip(optional, values, strict=True)
    ]
    args.defaults, args.kw_defaults = shown[: len(args.defaults)], shown[len(args.defaults) :]
    for arg in (*args.args, *args.kwonlyargs):
        arg.annotation = arg.annotation and ast.Name(_annotation(arg.annotation))
    result = "" if node.returns is None else _annotation(node.returns)
    return f"({ast.unparse(args)})", result


def _of_fields(cls: type) -> str:
    """Return the arguments of a class whose fields are declared in its body."""
    fields = {
        node.target.id: node
        for base in reversed(cls.__mro__)
        if base.__module__.startswith("jsnn")
        for node in _tree(base).body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    shown, keywords = [], False
    for name, parameter in inspect.signature(cls).parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY and not keywords:
            shown, keywords = [*shown, "*"], True
        field, default = fields[name], parameter.default
        value = "" if default is parameter.empty else f" = {_of_field(field, default)}"
        shown.append(f"{name}: {_annotation(field.annotation)}{value}")
    return f"({', '.join(shown)})"


def _annotation(node: Any) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        node = ast.parse(node.value, mode="eval").body
    return _text(node)


def _of_field(field: ast.AnnAssign, default: Any) -> str:
    value = field.value
    for keyword in value.keywords if isinstance(value, ast.Call) else ():
        if keyword.arg == "default":
            return _default(keyword.value, default)
        if keyword.arg == "default_factory":
            made = ast.unparse(keyword.value)
            return "{}" if made == "dict" else f"{made}()"
    return _default(value, default)


def _default(node: Any, value: Any) -> str:
    """Return the expression of a default; a private name says nothing to a reader."""
    text = ast.unparse(node)
    if not re.search(r"\b_", text):
        return text
    return "..." if inspect.isfunction(value) else repr(value)


class _ForReaders(ast.NodeTransformer):
    """Names of jsnn, such as `Network`, as Sphinx links them, and aliases that say little."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id == "Given":
            return ast.Name("Mapping[str, Any]")
        for module in MODULES:
            found = getattr(module, node.id, None)
            if inspect.isclass(found) and found.__module__.startswith("jsnn."):
                public = "jsnn" if module is jsnn else _public(module)
                return ast.Name(f"~{public}.{node.id}")
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        quoted = isinstance(node.value, ast.Name) and node.value.id == "Literal"
        return node if quoted else self.generic_visit(node)


def _public(module: Any) -> str:
    """Return the name by which users import a module, such as jsnn.losses."""
    return f"jsnn.{module.__name__.rpartition('.')[2]}"


def _text(node: Any) -> str:
    return ast.unparse(_ForReaders().visit(node))


def _process(
    app: Any, what: str, name: str, obj: Any, options: Any, signature: str, result: str
) -> tuple[str, str] | None:
    if signature is None or not getattr(obj, "__module__", "").startswith("jsnn"):
        return None
    return signature_of(obj) or ("", "")


def setup(app: Any) -> dict[str, bool]:
    """Replace signatures."""
    app.connect("autodoc-process-signature", _process)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
