"""Rules of the code base: the map of the packages, the names, and what only one module may do."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import mockserver

ROOT = Path(mockserver.__file__).parent
ARCHITECTURE = (Path(__file__).parents[1] / "docs" / "architecture.md").read_text()
# OpenAI is the name of a client library and of a wire format, too: of that vendor, only its Host and its keys are.
VENDORS = {path.stem: path.stem for path in (ROOT / "vendors").glob("*.yaml")} | {
    "openai": r"api\.openai\.com|sk-proj"
}
PACKAGES = {path.parent.name: path.read_text() for path in ROOT.glob("*/__init__.py")}
FORMER_MODULES = """
    access breath call chat document duration keywords link log notes origin reading record remote scalars seen
    shape spending value words desk door feed intake inventory raises refusal views window agreement choosing
    conformity hint invent lexicon likeness pattern prompted prose specimen voice bill cashier chance improvise
    listing moulds passbook picture said templated vocabulary bank clock demand gate issues purse rules tally
    till trouble account clue condition index library match reach response rule sandbox template watch blanks
    catalogue directory form header lookup model overlay parameter price refusals spelling gateway lines stencil
    strike utils helpers base common manager service
""".split()  # noqa: SIM905 a list of words
DIALECT = """
    asked asking clue clues drawer heard hears invent invented laid lay mould moulds nobody purse said saying says
    shelf shelves somebody stencil struck strike strikes tells till told trail trails veiled whoever
""".split()  # noqa: SIM905 a list of words
NOT_A_VERB = """
    a above after all an and another any as at before below both by each either every everything few for from how if in
    into it its many more most no none not nothing of on one only other our several some something such that the their
    them there these they this those to two what whatever when where whether which who whoever whom whose with
""".split()  # noqa: SIM905 a list of words
VERBS_IN_S = {"access", "address", "compress", "express", "focus", "guess", "pass", "press", "process"}
WH_WORD = re.compile(r"(What|Which|Who|Whom|Whose|How|Where|Whether|When|It|Them|One that)\b")


@dataclass(frozen=True)
class Module:
    """A module, by its name below the package: `wire.sse`."""

    name: str
    source: str
    tree: ast.Module


def _modules() -> Iterator[Module]:
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        source = path.read_text()
        if parts[-1] != "__init__":
            yield Module(".".join(parts), source, ast.parse(source))


MODULES = list(_modules())
NAMES = {module.name for module in MODULES}
each_module = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)


def _mapped_modules() -> list[str]:
    """Return every module in the order of the map: its lines from the top, the modules of a line from the left."""
    block = re.search(r"## The map\n.*?\n\n(    .*?)\n\n", ARCHITECTURE, re.DOTALL)
    assert block is not None
    order: list[str] = []
    package = ""
    for line in block[1].splitlines():
        words = line.split()
        if words[0].endswith("/"):
            package, words = words[0].replace("/", "."), words[1:]
        elif not line.startswith("     "):
            package = ""
        order += [package + word for word in words]
    return order


ORDER = _mapped_modules()


def _imported(module: Module) -> Iterator[str]:
    """Yield the modules of the package that a module imports, wherever in it."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            paths = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            paths = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for path in paths:
            if path.startswith("mockserver."):
                parts = path.split(".")[1:]
                found = [name for n in (len(parts), len(parts) - 1) if (name := ".".join(parts[:n])) in NAMES]
                yield from found[:1]


def _calls(module: Module) -> Iterator[str]:
    """Yield the names of everything that a module calls, the last part of a dotted one."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    yield name


def _caught(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler) and node.type is not None:
            yield from (part.id for part in ast.walk(node.type) if isinstance(part, ast.Name))


def _callers(*calls: str) -> set[str]:
    return {module.name for module in MODULES if set(calls) & set(_calls(module))}


# --- the map


def test_every_module_is_on_the_map_and_nothing_else_is() -> None:
    assert sorted(ORDER) == sorted(NAMES)


@each_module
def test_a_module_imports_only_from_its_right_and_from_below(module: Module) -> None:
    place = ORDER.index(module.name)
    upward = [name for name in _imported(module) if ORDER.index(name) <= place]
    assert upward == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_what_it_is_for_as_the_map_does(package: str) -> None:
    purpose = ast.get_docstring(ast.parse(PACKAGES[package]))
    assert f"| `{package}/` | {purpose} |" in ARCHITECTURE


def test_few_modules_are_directly_in_the_package() -> None:
    assert len([name for name in NAMES if "." not in name]) <= 10


# --- names


def _defined(*kinds: type[ast.AST]) -> dict[str, set[str]]:
    """Return where each class or function at the top of a module is defined, by its name."""
    found = defaultdict(set)
    for module in MODULES:
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and isinstance(
                node, kinds
            ):
                found[node.name].add(module.name)
    return found


def test_a_class_name_stands_in_one_module() -> None:
    assert {name: where for name, where in _defined(ast.ClassDef).items() if len(where) > 1} == {}


def test_public_functions_do_not_share_their_names() -> None:
    functions = _defined(ast.FunctionDef, ast.AsyncFunctionDef)
    public = {name: where for name, where in functions.items() if not name.startswith("_")}
    shared = [name for name, where in public.items() if len(where) > 1]
    assert len(shared) <= 0.05 * len(public), shared


@each_module
def test_a_module_is_named_for_its_subject(module: Module) -> None:
    assert module.name.rpartition(".")[2] not in FORMER_MODULES


def test_no_two_modules_share_a_name() -> None:
    names = Counter(module.name.rpartition(".")[2] for module in MODULES)
    assert [name for name, count in names.items() if count > 1] == []


def _glossary() -> list[str]:
    """Return the names in the code that the glossary gives for its words."""
    rows = re.findall(r"^\|.*\|(.*)\|$", ARCHITECTURE.partition("## Glossary")[2], re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`(\w+)`", row)]


@pytest.mark.parametrize("name", _glossary())
def test_what_the_glossary_names_is_in_the_code(name: str) -> None:
    assert name in _defined(ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


# --- English

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _docstrings(*kinds: type[ast.AST]) -> Iterator[tuple[str, ast.AST, str]]:
    """Yield the docstrings of nodes of these kinds, each with its position and its node."""
    for module in MODULES:
        for node in ast.walk(module.tree):
            if isinstance(node, kinds):
                assert isinstance(node, ast.Module | ast.ClassDef | Function)
                text = ast.get_docstring(node)
                if text is not None:
                    yield f"{module.name}:{getattr(node, 'lineno', 1)}", node, text


def _is_value(node: ast.AST) -> bool:
    """Return whether a function is used as a value, whose docstring is a noun phrase: a property, a fixture."""
    assert isinstance(node, Function)
    decorators = {
        part.attr for one in node.decorator_list for part in ast.walk(one) if isinstance(part, ast.Attribute)
    }
    decorators |= {
        part.id for one in node.decorator_list for part in ast.walk(one) if isinstance(part, ast.Name)
    }
    return bool(decorators & {"property", "cached_property", "fixture"})


def test_few_docstrings_begin_with_a_question_word() -> None:
    texts = [
        f"{place}: {text[:60]}"
        for place, _, text in _docstrings(ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    ]
    questions = [text for text in texts if WH_WORD.match(text.partition(": ")[2])]
    assert len(questions) <= 0.02 * len(texts), questions


def test_the_docstring_of_a_function_begins_with_a_verb() -> None:
    functions = [one for one in _docstrings(ast.FunctionDef, ast.AsyncFunctionDef) if not _is_value(one[1])]
    wrong = []
    for place, _, text in functions:
        first = text.split()[0].rstrip(",:.").lower()
        third_person = first.endswith("s") and first not in VERBS_IN_S
        if not first.isalpha() or first in NOT_A_VERB or third_person:
            wrong.append(f"{place}: {text[:60]}")
    assert len(wrong) <= 0.01 * len(functions), wrong  # the word list is only an approximation


def _defined_names(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a module defines: classes, functions, parameters, variables, attributes."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case (
                ast.arg(arg=name)
                | ast.Name(id=name, ctx=ast.Store())
                | ast.Attribute(attr=name, ctx=ast.Store())
            ):
                yield name


@each_module
def test_names_use_the_standard_words(module: Module) -> None:
    names = set(_defined_names(module.tree))
    words = {name: {word.lower() for word in re.findall(r"[A-Z]?[a-z]+", name)} for name in names}
    assert {name for name in names if words[name].intersection(DIALECT)} == set()


# --- what a module may contain


@each_module
def test_a_module_begins_with_one_sentence(module: Module) -> None:
    first = (ast.get_docstring(module.tree) or "").partition("\n")[0]
    assert re.fullmatch(r".+[.:?!]", first), first


@each_module
def test_no_vendor_is_named_in_the_code(module: Module) -> None:
    assert [name for name, form in VENDORS.items() if re.search(form, module.source.lower())] == []


@each_module
def test_the_project_speaks_of_itself_alone(module: Module) -> None:
    assert re.findall(r"(?i)\bissue #?\d|/work/|/home/|/root/", module.source) == []


# --- what only one module may do


def test_no_answer_is_delayed_outside_playback() -> None:
    # The server waits for its own end, the loader for the next look at the files, the health check for the next
    # attempt; the demo plays clients, which wait before they try again; a long computation yields to other tasks;
    # connections of clients that send nothing are looked for at intervals, and a TLS handshake has a time limit;
    # the proxy tries again to accept when no file could be opened; a request for Starlette or httpx2 yields once, so
    # that it has a task.
    assert _callers("sleep", "call_at", "call_later") == {
        "wire.playback",
        "server.uvicorn_server",
        "server.connection_limits",
        "intercept.tls_layer",
        "intercept.proxy",
        "matching.loader",
        "cli.healthcheck",
        "server.demo_traffic",
        "admin.time_slices",
        "server.dispatch",
        "recording.forwarder",
    }


def test_few_modules_keep_caches() -> None:
    assert _callers("BoundedCache") == {
        "request.request_head",
        "request.chat_request",
        "rendering.render_cache",
        "tokens.token_count",
    }
    # Functions of a few arguments that take more than ten times as long as a look into a cache, on every request, log
    # line or listing. What is computed once is in a `cache`.
    assert _callers("lru_cache") == {
        "vendors.routing",
        "fixtures.predicates",
        "fixtures.text_forms",
        "fixtures.jinja_template",
        "matching.look_alikes",
        "generation.regex_text",
        "admin.fixtures_api",
        "server.access_log",
        "server.log_writer",
    }


def test_only_sse_writes_data_lines() -> None:
    assert {module.name for module in MODULES if re.search(r"""["']data:""", module.source)} == {"wire.sse"}


def test_few_modules_open_files() -> None:
    opens = {
        module.name
        for module in MODULES
        if re.search(r"(?<!journal)\.open\((?!os\.devnull)|(?<![\w.])(?<!def )open\(", module.source)
    }
    assert opens | _callers("read_text", "read_bytes") == {
        "schema.yaml_document",
        "schema.byte_fields",
        "schema.atomic_file",  # writes them
        "cli.healthcheck",  # reads the flags of a process
        "workers.worker_count",  # reads the limit of a container
    }


def test_an_api_error_is_caught_by_the_pipeline_alone() -> None:
    assert {module.name for module in MODULES if "ApiError" in _caught(module)} == {
        "pipeline",
        "answering.responder",  # keeps it for the event loop
    }


def test_an_input_error_is_caught_where_it_is_reported() -> None:
    # `object_types` asks whether a default is valid; `templated_response` reports to the client; `testing` raises
    # RuntimeError instead, if a stopped server does not get its port again.
    assert {module.name for module in MODULES if "InputError" in _caught(module)} == {
        "cli.main",
        "matching.fixture_files",
        "matching.loader",
        "rendering.templated_response",
        "schema.object_types",
        "recording.fixture_import",  # a fixture that cannot be expressed is reported, the others are imported
        "recording.recording_file",  # the recordings are written to another file then
        "recording.exchange_response",  # a response that no fixture may have is written raw
        "admin.router",
        "cli.worker_run",  # sends the problems to the supervisor
        "server.worker_tasks",  # sends them to another worker
        "pytest_plugin",
        "testing",
    }


def test_the_journal_is_written_in_one_place() -> None:
    assert _callers("Delivery") == {"wire.playback", "wire.relay"}
    writers = {
        module.name for module in MODULES if re.search(r"\bjournal\.(open|decide|close)\(", module.source)
    }
    assert writers == {"pipeline"}
    # The values of an entry are set at its steps, which the journal records.
    setters = {module.name for module in MODULES if re.search(r"\.(decision|delivery) = ", module.source)}
    assert setters == {"sessions.memory_journal"}
