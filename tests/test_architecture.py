"""The shape of the package: layers, printing, docstrings, and that the code of the README and the pages of `docs` runs."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, Run

PACKAGE = ROOT / "stance"
PAGES = {p.relative_to(ROOT).as_posix(): p.read_text("utf-8") for p in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if p.exists()}
LAYERS = {
    "errors": 0, "codebook": 0, "files": 0, "parallel": 1, "progress": 1, "text": 1, "markdown": 1, "dates": 1, "tables": 1, "evaluation": 1, "lexicon": 2, "naming": 2, "actors": 2, "syntax": 2, "dataset": 3, "articles": 3, "features": 3, "targets": 3,
    "encoders": 3, "words": 4, "network": 5, "stacking": 6,
    "model": 6, "training": 7, "classification": 7, "explanation": 7, "rendering": 8, "store": 8, "pages": 8, "reporting": 9, "cli": 10,
    "sampling": 7, "detection": 7, "agreement": 4, "annotation": 4, "checking": 8, "card": 8,
}  # fmt: skip
WITHIN = {("naming", "lexicon"), ("actors", "lexicon"), ("actors", "naming"), ("syntax", "actors"), ("stacking", "model"), ("agreement", "annotation"), ("detection", "classification")}  # allowed inside one layer
LIGHT = {"features": {"numpy"}, "model": {"numpy", "joblib"}, "evaluation": {"numpy"}, "text": set(), "dates": set(), "actors": set(), "lexicon": set(), "naming": set(), "syntax": set(), "classification": set(), "parallel": {"joblib", "distributed"}, "store": set(), "agreement": {"numpy"}, "annotation": set(), "sampling": set(), "tables": set(), "card": set(), "encoders": {"numpy", "torch", "transformers", "huggingface_hub"}, "explanation": {"numpy"}, "network": {"numpy"}, "files": set()}  # fmt: skip
MODULES = sorted(p.stem for p in PACKAGE.glob("*.py") if p.stem not in ("__init__", "__main__"))


def tree(module: str) -> ast.Module:
    return ast.parse((PACKAGE / f"{module}.py").read_text("utf-8"))


def imports(module: str) -> set[str]:
    """Dotted names of everything a module imports, inside functions too."""
    found = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}: relative import in line {node.lineno}"
            assert all(a.name != "*" for a in node.names), f"{module}: import * in line {node.lineno}"
            found |= {f"stance.{a.name}" for a in node.names} if node.module == "stance" else {str(node.module)}
    return found


def test_every_module_has_a_layer() -> None:
    assert set(MODULES) == set(LAYERS)
    assert not any(m.startswith(("util", "helper", "common", "misc")) for m in MODULES)
    assert [p.name for p in PACKAGE.iterdir() if p.is_dir() and p.name not in ("data", "__pycache__")] == []


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_lower_layers(module: str) -> None:
    own = {n.split(".")[1] for n in imports(module) if n.startswith("stance.")} - {"__version__"}
    assert {o for o in own if LAYERS[o] >= LAYERS[module] and (module, o) not in WITHIN} == set()


@pytest.mark.parametrize("module", sorted(LIGHT))
def test_what_predicts_needs_numpy_alone(module: str) -> None:
    heavy = {"numpy", "scipy", "sklearn", "joblib", "nltk", "pandas", "rich", "typer", "trafilatura", "distributed", "dask", "torch", "transformers", "huggingface_hub"}
    assert {n.split(".")[0] for n in imports(module)} & heavy <= LIGHT[module]


def test_the_citation_is_of_this_version_and_these_authors() -> None:
    told = dict(re.findall(r"^(?:  - )?(\S+): (.+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.M))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert (told["version"], told["license"]) == (importlib.import_module("stance").__version__, project["license"])
    assert [{"name": told["name"]}] == project["authors"]


def test_a_model_without_encoder_predicts_without_knowing_of_encoders() -> None:
    code = (
        "import sys, stance; model = stance.load('tests/data/format-1.stance')\n"
        "(pair,) = [p for r in stance.read('Norway condemned the raid.') for p in stance.pairs(r)]\n"
        "from stance.explanation import explain; explain(model, pair)\n"
        "assert next(stance.classify('Norway condemned the raid.', model)).actor == 'Norway'\n"
        "print(sorted({'stance.encoders', 'stance.stacking', 'torch', 'transformers', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    r = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)
    assert (r.stdout, r.stderr) == ("[]\n", "")


@pytest.mark.parametrize("module", MODULES)
def test_the_packages_of_encoders_are_imported_when_vectors_are_asked_for(module: str) -> None:
    top = {a.name.split(".")[0] for n in tree(module).body if isinstance(n, ast.Import) for a in n.names}
    top |= {str(n.module).split(".")[0] for n in tree(module).body if isinstance(n, ast.ImportFrom)}
    extra = {"torch", "transformers", "huggingface_hub"}
    assert top & extra == set()
    assert module == "encoders" or not {n.split(".")[0] for n in imports(module)} & extra


@pytest.mark.parametrize("module", sorted({*MODULES} - {"cli"}))
def test_only_the_command_line_prints_and_exits(module: str) -> None:
    prints = [n for n in ast.walk(tree(module)) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id in ("print", "exit", "input", "breakpoint")]
    exits = [n for n in ast.walk(tree(module)) if isinstance(n, ast.Attribute) and ast.unparse(n) in ("sys.exit", "os._exit", "sys.stdout")]
    exits += [n for n in ast.walk(tree(module)) if isinstance(n, ast.Name) and n.id == "SystemExit"]
    assert prints == exits == []


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_has_a_docstring(module: str) -> None:
    assert ast.get_docstring(tree(module)), module
    silent = []
    for node in tree(module).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            inner = [n for n in node.body if isinstance(n, ast.FunctionDef) and not n.name.startswith("_")] if isinstance(node, ast.ClassDef) else []
            silent += [n.name for n in (node, *inner) if not ast.get_docstring(n)]
    assert silent == []


BY_PLACE = {"classify(model)", "classify_pairs(model)", "make_pipeline(settings)", "StanceError(hint)", "DataError(hint)", "DataError(problems)"}
PICKLED_SO = {"CueLexicon(text)"}  # in the pipelines of models there are
ESTIMATORS = {"BaseEstimator", "LogisticRegression", "PairTransformer", "TextLabelRegression"}  # what is derived from them has scikit-learn's form


@pytest.mark.parametrize("module", sorted({*MODULES} - {"cli"}))
def test_an_option_is_given_by_its_name(module: str) -> None:
    body = tree(module).body
    found = [(n.name, n) for n in body if isinstance(n, ast.FunctionDef)]
    for c in (n for n in body if isinstance(n, ast.ClassDef) and n.name[0] != "_" and not {*map(ast.unparse, n.bases)} & ESTIMATORS):
        found += [(c.name if n.name == "__init__" else n.name, n) for n in c.body if isinstance(n, ast.FunctionDef)]
    by_place = {f"{name}({a.arg})" for name, n in found if name[0] != "_" for a in n.args.args[::-1][: len(n.args.defaults)]}
    assert by_place <= BY_PLACE | PICKLED_SO


@pytest.mark.parametrize("module", MODULES)
def test_every_public_function_is_typed(module: str) -> None:
    untyped = []
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.FunctionDef):
            args = [a for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs) if a.arg not in ("self", "cls")]
            untyped += [f"{node.name} in line {node.lineno}"] if node.returns is None or any(a.annotation is None for a in args) else []
    assert untyped == []


def test_the_package_is_marked_as_typed() -> None:
    assert (PACKAGE / "py.typed").exists()


def test_type_checkers_and_notebooks_see_all_public_names() -> None:
    import stance

    body = tree("__init__").body
    (literal,) = [n.value for n in body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__all__"]
    (block,) = [n for n in body if isinstance(n, ast.If)]
    names = {a.name: n.module for n in block.body if isinstance(n, ast.ImportFrom) for a in n.names}
    assert names == {name: f"stance.{home}" for name, home in stance._HOME.items()}
    assert sorted(ast.literal_eval(literal)) == sorted([*names, "__version__"])  # mypy takes no name of a list that it would have to compute
    assert names.keys() <= set(dir(stance))


def test_modules_are_reached_from_the_package() -> None:
    code = "import stance; print(stance.checking.check.__name__, *(hasattr(stance, x) for x in ('chekcing', 'a.b', 'errors.x', '')))"
    r = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)
    assert r.stdout.split() == ["check", *["False"] * 4], r.stderr


# --------------------------------------------------------------------------- documents

NEEDS_MODEL = pytest.mark.skipif(not (ROOT / "models" / "default.stance").exists(), reason="no shipped model in this tree")


def run_doctest(text: str, name: str) -> None:
    test = doctest.DocTestParser().get_doctest(text, {}, name, name, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE, verbose=False)
    out: list[str] = []
    runner.run(test, out=out.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(out)


@NEEDS_MODEL
@pytest.mark.parametrize("page", PAGES)
def test_the_python_of_a_page_runs(page: str) -> None:
    blocks = re.findall(r"^```(?:python|pycon)\n(.*?)^```", PAGES[page], re.M | re.S)
    assert blocks or page != "README.md"
    examples = "\n".join(b for b in blocks if ">>>" in b)
    plain = [b for b in blocks if ">>>" not in b]
    run_doctest(examples, page)
    for b in plain:
        compile(b, page, "exec")


@NEEDS_MODEL
@pytest.mark.parametrize("module", ["", *MODULES])
def test_docstring_examples_run(module: str) -> None:
    found = importlib.import_module(f"stance.{module}" if module else "stance")
    for test in doctest.DocTestFinder().find(found):
        run_doctest(test.docstring if test.examples else "", test.name)


RUN_BLOCKS = [block for text in PAGES.values() for block in re.findall(r"<!-- run: (.*?) -->\n```\w*\n(.*?)```", text, re.S)]


@NEEDS_MODEL
@pytest.mark.parametrize(("command", "shown"), RUN_BLOCKS, ids=[c for c, _ in RUN_BLOCKS])
def test_a_page_shows_what_the_command_prints(command: str, shown: str, run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "110")
    program, *args = shlex.split(command)
    assert program == "stance"
    assert run(*args).out.rstrip("\n").split("\n") == shown.rstrip("\n").split("\n")


@pytest.mark.skipif(not PAGES, reason="no pages in this tree")
def test_every_command_is_in_the_readme() -> None:
    from stance import cli

    names = {c.name or c.callback.__name__ for c in cli.app.registered_commands}  # type: ignore[union-attr]
    assert names <= set(re.findall(r"\bstance ([a-z]+)\b", PAGES["README.md"]))


@pytest.mark.parametrize("page", PAGES)
def test_every_option_a_page_names_exists(page: str) -> None:
    import typer.main

    from stance import cli

    group = typer.main.get_command(cli.app)
    real = {o for c in [group, *group.commands.values()] for p in c.params for o in p.opts} | {"--help"}  # type: ignore[attr-defined]
    stance_only = re.sub(r"`[^`\n]*benchmarks/[^`\n]*`", "", re.sub(r"(?m)^.*\b(?:pip|python -m|make|git|dask worker|split -)\b.*$", "", PAGES[page]))
    named = set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", stance_only))
    assert named - real == set()


@pytest.mark.parametrize("script", sorted([*(ROOT / "models").glob("*.py"), *(ROOT / "benchmarks").glob("*.py")]), ids=lambda p: p.stem)
def test_the_scripts_explain_every_option(script: Path) -> None:
    calls = [n for n in ast.walk(ast.parse(script.read_text("utf-8"))) if isinstance(n, ast.Call)]
    options = [n for n in calls if isinstance(n.func, ast.Attribute) and n.func.attr == "add_argument"]
    assert options and [ast.unparse(n) for n in options if "help" not in {k.arg for k in n.keywords}] == []


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_links_to_exists_and_goes_out_with_the_sources(page: str) -> None:
    links = [x.partition("#") for x in re.findall(r"\]\(([^)\s]+)\)", PAGES[page]) if not x.startswith(("http", "mailto:"))]
    files = {(ROOT / page).parent.joinpath(file).resolve() if file else ROOT / page for file, _, _ in links}
    assert [f for f in files if not f.exists()] == []
    sources = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert [f for f in files if f.relative_to(ROOT).parts[0] not in sources] == []
    for file, _, anchor in links:
        text = (ROOT / page).parent.joinpath(file).read_text("utf-8") if file.endswith(".md") else PAGES[page]
        headings = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"(?m)^#+ (.*)$", text)}
        assert not anchor or anchor in headings, f"{file}#{anchor}"


def test_the_wheel_holds_what_prediction_reads() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    assert '"models/default.stance" = "stance/data/default.stance"' in text
    assert all((PACKAGE / "data" / name).exists() for name in ("actors.csv", "cues.csv", "given_names.csv", "polarity.csv"))


def test_no_test_reads_the_gold_set() -> None:
    word = "gold" + "/"
    assert [p.name for p in Path(__file__).parent.rglob("*.py") if word in p.read_text("utf-8")] == []
