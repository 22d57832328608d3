"""Imports point one way, and a command imports only what it needs."""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "generator/modelservice"


def imported(file: Path) -> set[str]:
    """Return the modules of the package that a file imports, lazily or not, except for type checking."""
    tree = ast.parse(file.read_text())
    typing_only = {id(node) for block in ast.walk(tree) if _is_typing(block) for node in ast.walk(block)}
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and id(node) not in typing_only]
    named = {f"{node.module}.{alias.name}" for node in nodes for alias in node.names}
    ours = {name.removeprefix("modelservice.") for name in named if name.startswith("modelservice.")}
    return {name if _is_module(name) else name.rpartition(".")[0] for name in ours} - {""}


def _is_module(name: str) -> bool:
    path = PACKAGE.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or path.is_dir()


def _is_typing(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def modules() -> dict[str, set[str]]:
    graph: dict[str, set[str]] = {}
    for file in PACKAGE.rglob("*.py"):
        name = ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
        graph[name.removesuffix(".__init__").removesuffix("__init__")] = imported(file)
    return graph


def test_there_are_no_circular_imports() -> None:
    graph = modules()
    done: set[str] = set()

    def walk(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " → ".join((*above, name))
        if name not in done:
            for below in graph.get(name, ()):
                walk(below, (*above, name))
            done.add(name)

    for name in graph:
        walk(name, ())


# A module may import modules in lower lines, and modules in its own line.
LAYERS = (
    {"__main__"},
    {"cli"},
    {"starting"},
    {"fitting", "generated_files", "diff", "gitops", "importing", "editing"},
    {"report", "publishing", "serving", "chart", "check"},
    {"ignores", "layer_findings", "service", "helm"},
    {"rules"},
    {"vllm", "schema", "models"},
    {"reading", "writing"},
    {"redact"},
    {"command_secrets", "secret_forms", "spelling", "urls", "quantity"},
    {"findings", "errors", "deadline", "parallel"},
)


def test_imports_point_down_the_layers() -> None:
    level = {name: number for number, names in enumerate(LAYERS) for name in names}
    for module, below in modules().items():
        for other in below:
            parts = module.split(".")[0], other.split(".")[0]
            assert not module or level[parts[0]] <= level[parts[1]], f"{module} imports {other}"


def test_no_two_modules_share_a_name() -> None:
    files = [file for file in PACKAGE.rglob("*.py") if not file.name.startswith("__")]
    folders = [folder for folder in PACKAGE.iterdir() if folder.is_dir()]
    names = Counter(path.stem for path in [*files, *folders])
    assert [name for name, count in names.items() if count > 1] == []


def test_no_import_is_renamed() -> None:
    for file in PACKAGE.rglob("*.py"):
        nodes = [
            node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        assert not [alias.asname for node in nodes for alias in node.names if alias.asname], file


def test_only_the_command_line_imports_click_or_prints() -> None:
    for file in PACKAGE.rglob("*.py"):
        names = {
            n.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Import) for n in node.names
        }
        calls = {
            n.func.id
            for n in ast.walk(ast.parse(file.read_text()))
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
        }
        if "cli" not in file.parts:
            assert "click" not in names or file.name == "report.py", file
            assert not calls & {"print", "exit"}, file


def loaded_by(*arguments: str) -> set[str]:
    """Return the modules that are loaded when a command ends."""
    program = (
        "import sys; from modelservice.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(*sys.modules)"
    )
    command = [sys.executable, "-c", program, *arguments]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_the_version_is_printed_without_loading_the_library() -> None:
    assert not loaded_by("--version") & {
        "yaml",
        "jsonschema",
        "jinja2",
        "modelservice.reading.document",
        "modelservice.chart.plan",
    }


def test_validate_does_not_load_the_generator(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("model: {name: facebook/opt-125m}\n")
    loaded = loaded_by("validate", str(file))
    assert "modelservice.reading.document" in loaded
    assert not loaded & {"jinja2", "modelservice.chart.plan", "difflib", "multiprocessing"}
