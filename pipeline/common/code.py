"""A digest of the code that a result depends on."""

from __future__ import annotations

import ast
import hashlib
from importlib.util import find_spec
from pathlib import Path


def code_digest(*modules: str) -> str:
    """SHA-256 over the source of modules of ours, and of all modules of ours that they import, directly or not.

    Imports within functions count too. What is imported by a name that is put together at run time does not: pass it.

    Args:
        modules: full names, such as `pipeline.classifiers.training`.

    Raises:
        ModuleNotFoundError: there is no such module.
    """
    digest = hashlib.sha256()
    for name in sorted(_reached(*modules)):
        digest.update(name.encode() + b"\0" + _source(name).read_bytes() + b"\0")
    return digest.hexdigest()


def _reached(*modules: str) -> set[str]:
    waiting, seen = list(modules), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += _imports(name)
    return seen


def _imports(module: str) -> list[str]:
    """The modules of the same top-level package that a module imports."""
    top = module.partition(".")[0]
    found = []
    for node in ast.walk(ast.parse(_source(module).read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == top:
            # A name in a package may be a module of its own.
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [node.module, *(name for name in inner if _is_module(name))]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.partition(".")[0] == top]
    return found


def _is_module(name: str) -> bool:
    package, _, last = name.rpartition(".")
    folder = _source(package).parent
    is_package = _source(package).name == "__init__.py"
    return is_package and ((folder / f"{last}.py").is_file() or (folder / last / "__init__.py").is_file())


def _source(module: str) -> Path:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(module)
    return Path(spec.origin)
