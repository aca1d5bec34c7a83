"""The rules of the code base that a reader relies on, read from the source itself.

If one of these fails, move or split the code; do not relax the rule.
"""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"
PACKAGE = SOURCE / "luthier"

COMMAND = "luthier.__main__"
"""`python -m luthier`: an app, which Python wants directly in the package."""
BOTTOM = {"units", "errors", "atomic", "strict_json", "csv_rows"}
"""Modules directly in the package that everybody may import and that import nothing of ours but each other."""
LAYERS = {
    "dsp": set(),
    "features": {"dsp"},
    "analysis": {"dsp", "features"},
    "model": {"dsp"},
    "data": {"dsp", "features", "analysis"},
    "evaluation": {"dsp", "features", "analysis", "model", "data"},
    "training": {"dsp", "features", "analysis", "model", "data", "evaluation"},
    "inference": {"dsp", "features", "analysis", "model"},
    "export": {"dsp", "model", "inference"},
}
"""What each layer may import besides itself and the bottom; `apps` may import everything, nobody imports it."""

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
"""Lines of code: without docstring, comments and blank lines."""
FORBIDDEN_PARAMETERS = {
    "sr",
    "fs",
    "hop",
    "pitch",
    "block_size",
    "loudness",
    "x",
    "y",
    "ir",
    "f0",
    "rate",
    "n_fft_size",
}
"""Ambiguous: each has a word of its own in the glossary."""
PARAMETERS_OF_THE_COMMAND_LINE = {"loudness"}
"""`--loudness auto|none|DB` is in the command contract."""
FORBIDDEN_FILE_NAMES = {"utils", "helpers", "common", "misc", "core", "util", "helper"}
LATE_IMPORTS = {
    "data/compressed_files.py": {"av"},
    "data/cluster.py": {"distributed"},
    "export/onnx_cell.py": {"onnxscript"},
}
"""Imports inside functions outside `apps`: optional extras only."""


class Module:
    """A parsed source file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.tree = ast.parse(self.text, filename=str(path))
        self.relative = path.relative_to(PACKAGE).as_posix()
        parts = path.relative_to(SOURCE).with_suffix("").parts
        self.name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        self.layer = parts[1] if len(parts) > 2 else None

    def imports(self) -> Iterator[tuple[str, ast.stmt]]:
        """Every module named in an import, wherever it stands, with the statement."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.module or "", node

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


@functools.cache
def modules() -> dict[str, Module]:
    return {module.name: module for module in map(Module, sorted(PACKAGE.rglob("*.py")))}


def all_modules() -> Iterator[Module]:
    return iter(modules().values())


def ours(name: str) -> bool:
    return name == "luthier" or name.startswith("luthier.")


def layer_violations(module: Module) -> list[str]:
    found = []
    for name, node in module.imports():
        if not ours(name):
            continue
        target = name.split(".")[1] if "." in name else "luthier"
        if not may_import(module, target):
            found.append(f"{module.relative}:{node.lineno} imports {name}")
    return found


def may_import(module: Module, target: str) -> bool:
    if module.layer == "apps" or module.name == COMMAND:
        return True
    if target in BOTTOM or target == "luthier":  # the package itself: for its version
        return True
    if module.layer is None:  # the package itself only names what it exports; the bottom stays at the bottom
        return module.name == "luthier" and target in LAYERS
    return target == module.layer or target in LAYERS[module.layer]


def test_every_layer_is_known() -> None:
    found = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert found <= {*LAYERS, "apps"}
    assert {path.stem for path in PACKAGE.glob("*.py")} == {"__init__", "__main__", *BOTTOM}


def test_imports_point_downwards() -> None:
    assert [line for module in all_modules() for line in layer_violations(module)] == []


def test_the_layer_test_sees_an_upward_import(tmp_path: Path) -> None:
    module = Module(PACKAGE / "dsp" / "framing.py")
    module.tree = ast.parse("def f():\n    from luthier.model.config import InstrumentConfig")
    assert layer_violations(module)


def test_imports_name_the_defining_module_absolutely() -> None:
    """No relative import, no `from luthier.dsp import framing`, no name taken from a module that only imports it."""
    found = []
    for module in all_modules():
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.ImportFrom):
                continue
            if node.level:
                found.append(f"{module.relative}:{node.lineno} is relative")
            elif ours(node.module or ""):
                found += [f"{module.relative}:{node.lineno} {why}" for why in not_defined_there(node)]
    assert found == []


def not_defined_there(node: ast.ImportFrom) -> list[str]:
    target = modules().get(node.module or "")
    if target is None:
        return [f"{node.module} does not exist"]
    defined = defined_names(target)
    submodules = {name.rsplit(".", 1)[1] for name in modules() if name.rsplit(".", 1)[0] == target.name}
    return [
        f"{node.module} does not define {alias.name}"
        for alias in node.names
        if alias.name not in defined | submodules and not alias.name.startswith("__")
    ]


def defined_names(module: Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {leaf.id for target in node.targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def test_there_is_no_import_cycle() -> None:
    graph = {module.name: {name for name, _ in module.imports() if name in modules()} for module in all_modules()}
    graph["luthier"] = set()  # it imports when a name is asked for
    assert find_cycle(graph) is None


def find_cycle(graph: dict[str, set[str]]) -> list[str] | None:
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str] | None:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return None
        for target in sorted(graph.get(name, ())):
            if cycle := visit(target, [*path, name]):
                return cycle
        done.add(name)
        return None

    return next((cycle for name in sorted(graph) if (cycle := visit(name, []))), None)


def test_the_cycle_test_sees_a_cycle() -> None:
    assert find_cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]


def test_imports_inside_functions_are_for_commands_and_extras() -> None:
    found = []
    for module in all_modules():
        if module.layer == "apps":
            continue
        allowed = LATE_IMPORTS.get(module.relative, set())
        for function in module.functions():
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    names = [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
                    if not {(name or "").split(".")[0] for name in names} <= allowed:
                        found.append(f"{module.relative}:{node.lineno} in {function.name}")
    assert found == []


def test_files_are_short_and_named_after_an_idea() -> None:
    long = [f"{m.relative}: {n} lines" for m in all_modules() if (n := len(m.text.splitlines())) > MAX_FILE_LINES]
    assert long == []
    assert [m.relative for m in all_modules() if m.path.stem in FORBIDDEN_FILE_NAMES] == []


def test_functions_are_short() -> None:
    found = []
    for module in all_modules():
        lines = module.text.splitlines()
        for function in module.functions():
            if (count := code_lines(function, lines)) > MAX_FUNCTION_LINES:
                found.append(f"{module.relative}:{function.lineno} {function.name}: {count} lines of code")
    assert found == []


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> int:
    """Lines of the body that are neither docstring nor comment nor blank; a signature does not count."""
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    if not body:
        return 0
    end = function.end_lineno or 0
    return sum(bool(text := line.strip()) and not text.startswith("#") for line in lines[body[0].lineno - 1 : end])


def test_parameters_have_unambiguous_names() -> None:
    found = []
    for module in all_modules():
        allowed = PARAMETERS_OF_THE_COMMAND_LINE if module.layer in ("apps", "inference") else set()
        for function in module.functions():
            if function.name.startswith("_"):
                continue
            arguments = function.args
            names = {a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
            if bad := (names & FORBIDDEN_PARAMETERS) - allowed:
                found.append(f"{module.relative}:{function.lineno} {function.name}: {', '.join(sorted(bad))}")
    assert found == []


def test_nothing_can_run_code_from_a_file() -> None:
    found = []
    for module in all_modules():
        for name, node in module.imports():
            if name.split(".")[0] in {"pickle", "dill", "cloudpickle", "shelve", "marshal"}:
                found.append(f"{module.relative}:{node.lineno} imports {name}")
        found += [f"{module.relative}:{call.lineno} {why}" for call, why in risky_calls(module.tree)]
    assert found == []


def risky_calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = ast.unparse(call.func)
        options = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        if name == "torch.load" and options.get("weights_only") != "True":
            yield call, "torch.load without weights_only=True"
        if options.get("allow_pickle") == "True":
            yield call, "allow_pickle=True"
        if name in {"eval", "exec", "joblib.load"}:
            yield call, name


@pytest.mark.parametrize(
    "code", ["torch.load(p)", "torch.load(p, weights_only=False)", "np.load(p, allow_pickle=True)", "eval(t)"]
)
def test_the_pickle_test_sees_each_way(code: str) -> None:
    assert list(risky_calls(ast.parse(code)))


def test_only_apps_print() -> None:
    found = []
    for module in all_modules():
        if module.layer == "apps":
            continue
        calls = (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))
        found += [
            f"{module.relative}:{c.lineno}" for c in calls if ast.unparse(c.func) in {"print", "sys.stdout.write"}
        ]
    assert found == []


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)


def test_importing_the_package_does_nothing() -> None:
    code = (
        "import os, sys, warnings, random\n"
        "before = (dict(os.environ), list(warnings.filters), random.getstate())\n"
        "import luthier\n"
        "assert before == (dict(os.environ), list(warnings.filters), random.getstate())\n"
        "heavy = {'torch', 'numpy', 'scipy', 'lightning', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    result = run_python(code)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_help_does_not_import_torch() -> None:
    code = (
        "import sys\n"
        "from luthier.apps.cli.main import COMMANDS, app\n"
        "for command in ([], *([f.__name__] for f in COMMANDS)):\n"
        "    try: app([*command, '--help'])\n"
        "    except SystemExit as stop: assert stop.code in (0, None), (command, stop.code)\n"
        "heavy = {'torch', 'numpy', 'scipy', 'lightning', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    result = run_python(code)
    assert result.returncode == 0, result.stderr
    assert "Usage: " in result.stdout
