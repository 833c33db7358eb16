"""Rules of form that no linter of ours knows: sizes, and what may stand where."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
COMMAND_LINES_MAX = 30  # a use-case reads like its rule
LONGER_COMMANDS = [
    # Not of the ledger's own use-cases, and written before there was this check.
    "deposit_reversals.complete",
    "deposit_reversals.request_reversal",
    "float_readings.record",
    "money_requests.ask",
    "money_requests.work",
    "one_time_codes.send_code",
    "pin_resets.reset_pin",
    "reconcile.perform",
    "reconciliation_items._close",
    "staff.check_password",
    "statements.issue_statement",
    "statements.request_statement",
    "statements.work",
    "tickets.open_ticket",
]
STORY_LINES_MAX = 90  # a story in tests/e2e is read from top to bottom
PRODUCT = ("ledger", "jobs", "ussd_app")
# Upper case marks SQL in our style; a sentence for people never holds these pairs of words.
SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+TABLE)\b", re.S
)
HOMES_OF_SQL = ("ledger/db/",)
HOMES_OF_ENVIRONMENT = ("ledger/settings.py", "jobs/settings.py", "ussd_app/settings.py")
# Waits may be fractions of seconds; amounts never are.
WAITS_ONLY = {"ledger/core/submissions.py"}
PACE = re.compile(r"^\s*pace: float = [\d.]+$")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
MACHINE_PATH = re.compile(r"(?<![\w.])/(work|root|home)/\w")


def tracked(*suffixes: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (ROOT / name for name in listed.stdout.splitlines())
    return [path for path in paths if path.suffix in suffixes and path.exists()]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def product_files() -> list[Path]:
    return [path for path in tracked(".py") if relative(path).split("/")[0] in PRODUCT]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Its length from ``def`` to the last line, docstring included."""
    return (function.end_lineno or 0) - function.lineno + 1


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Every string of a file that is no docstring, with its line."""
    tree = ast.parse(path.read_text("utf-8"))
    documentation = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in documentation:
            continue
        if isinstance(node.value, str):
            yield node.lineno, node.value


def test_files_are_short() -> None:
    long = {
        relative(path): lines
        for path in tracked(".py")
        if (lines := len(path.read_text("utf-8").splitlines())) > FILE_LINES_MAX
    }
    assert long == {}


def test_functions_are_short() -> None:
    long = {
        f"{relative(path)}:{function.lineno} {function.name}": length
        for path in tracked(".py")
        for function in functions(path)
        if (length := lines_of(function))
        > (STORY_LINES_MAX if relative(path).startswith("tests/e2e/") else FUNCTION_LINES_MAX)
    }
    assert long == {}


def test_commands_read_like_their_rule() -> None:
    """An exception that is no longer needed fails too, so the list only ever gets shorter."""
    long = sorted(
        f"{path.stem}.{function.name}"
        for path in product_files()
        if relative(path).startswith("ledger/commands/")
        for function in functions(path)
        if lines_of(function) > COMMAND_LINES_MAX
    )
    assert long == sorted(LONGER_COMMANDS)


def test_nothing_is_left_unfinished() -> None:
    marks = [
        f"{relative(path)}:{number}"
        for path in tracked(".py", ".md", ".sql", ".toml", ".js", ".html", "")
        if path != Path(__file__)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert marks == []


def test_no_path_of_somebodys_machine() -> None:
    paths = [
        f"{relative(path)}:{number}"
        for path in tracked(".py", ".md", ".sql", ".toml", ".txt", ".js", ".html", "")
        if path != Path(__file__)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]
    assert paths == []


def test_sql_stands_in_ledger_db_only() -> None:
    strays = [
        f"{relative(path)}:{line}"
        for path in product_files()
        if not relative(path).startswith(HOMES_OF_SQL)
        for line, text in texts(path)
        if SQL.search(text)
    ]
    assert strays == []


def test_only_settings_modules_read_the_environment() -> None:
    strays = [
        f"{relative(path)}:{node.lineno}"
        for path in product_files()
        if relative(path) not in HOMES_OF_ENVIRONMENT
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    ]
    assert strays == []


def _is_float(node: ast.AST) -> bool:
    return (
        (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Name) and node.id == "float")
        or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div))
    )


def test_ledger_core_has_no_floating_point() -> None:
    """Money is integer cents; a float in the pure part would be a mistake."""
    strays = [
        f"{relative(path)}:{node.lineno}"
        for path in product_files()
        if relative(path).startswith("ledger/core/") and relative(path) not in WAITS_ONLY
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if _is_float(node) and not PACE.match(path.read_text("utf-8").splitlines()[node.lineno - 1])
    ]
    assert strays == []


def test_tests_do_not_sleep_and_hope() -> None:
    """Waiting is polling with a deadline; only those helpers may sleep."""
    strays = [
        f"{relative(path)}:{function.lineno} {function.name}"
        for path in tracked(".py")
        if relative(path).startswith("tests/")
        for function in functions(path)
        if function.name.startswith("test_")
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and node.attr == "sleep"
    ]
    assert strays == []


@pytest.mark.parametrize("package", PRODUCT)
def test_modules_say_what_belongs_in_them(package: str) -> None:
    silent = [
        relative(path)
        for path in product_files()
        if relative(path).startswith(f"{package}/") and path.name != "__init__.py"
        if ast.get_docstring(ast.parse(path.read_text("utf-8"))) is None
    ]
    assert silent == []
