"""The documents say what the code does: settings, error codes, calls, commands, links and the notebook."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import openapi_spec_validator
import pytest
from babel.messages.pofile import read_po

from ppi import errors
from ppi.cli import main
from ppi.dataset import layout
from ppi.settings import VARIABLES, Settings
from ppi.web.errors import HTTP_CODES, STATUS
from ppi.web.openapi import CALLS, specification

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted(DOCS.glob("ru/*.md"))]
GUIDE, RUSSIAN_GUIDE = DOCS / "user-guide.md", DOCS / "ru" / "user-guide.md"
NOTEBOOK = DOCS / "notebook.ipynb"
# Codes that no class of the error tree carries: answers of Flask itself and of faults nobody foresaw.
CODES_WITHOUT_CLASS = {HTTP_CODES[405]: "405", "unexpected": "500"}
# Routes for people: pages, and forms that pages send.
NO_API = {
    "static", "auth.login_form", "auth.change_password", "auth.create_token", "auth.revoke_token", "auth.end_sessions",
    "auth.end_session", "lessons.deleted", "lessons.undo", "lessons.empty", "people.set_quota", "admin.storage",
    "admin.settings",
    "pages.home", "pages.lesson", "pages.dataset", "pages.publish", "pages.files", "pages.account", "pages.help",
    "pages.sample",
    "pages.language", "kit.page", "agreement.page", "agreement.decide", "agreement.gold_set", "admin.overview", "admin.audit",
    "admin.audit_csv", "summaries.page", "look.theme", "look.styleguide", "lessons.index", "lessons.delete",
    "people.index", "people.add", "people.invite", "people.set_role", "people.disable", "people.enable", "people.welcome",
    "people.choose_password", "transcript.page", "jobs.page",
    "gallery.browse", "gallery.figures", "gallery.card",
}  # fmt: skip
IMPLIED_METHODS = {"HEAD", "OPTIONS"}
# Settings of Label Studio itself.
FOREIGN = {"LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED", "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT"}
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def table_rows(page: Path) -> list[list[str]]:
    """The cells of every row of the tables on a page, but for heads and rules."""
    rows = [line.strip().strip("|").split("|") for line in text_of(page).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows if not set(row[0].strip()) <= set("-: ")]


def tree(root: type[errors.PpiError]) -> set[type[errors.PpiError]]:
    return {root}.union(*(tree(child) for child in root.__subclasses__()))


def code_of(page: Path) -> str:
    """All that stands as code on a page: blocks and words in backticks."""
    text = text_of(page)
    return "\n".join([*FENCE.findall(text), *re.findall(r"`([^`\n]+)`", FENCE.sub("", text))])


def test_every_setting_is_documented_and_every_documented_setting_exists():
    rows = table_rows(DOCS / "configuration.md")
    documented = [name for row in rows for name in re.findall(r"`([A-Z][A-Z0-9_]+)`", row[0])]
    assert sorted(documented) == sorted(VARIABLES)


def test_the_settings_read_exactly_the_variables_they_list():
    reader = next(
        node for node in ast.parse(text_of(ROOT / "ppi" / "settings.py")).body
        if isinstance(node, ast.ClassDef) and node.name == "_Reader"
    )  # fmt: skip
    strings = {node.value for node in ast.walk(reader) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    named = {text for text in strings if re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+", text)}

    class Asked(dict):
        def get(self, name, default=None):
            asked.add(name)
            return default

    asked: set[str] = set()
    Settings.from_env(Asked())
    # Some are asked for only when others are set, so the source is looked at too.
    assert asked | named == set(VARIABLES)


@every_page
def test_pages_name_no_setting_that_does_not_exist(page):
    prefixes = ("PPI_", "MINIO_", "REDIS_", "LABEL_STUDIO_", "HF_", "DL_USER_", "WHISPER_", "SUMMARY_", "SPEECH_", "FFMPEG_")
    named = set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", text_of(page)))
    assert {name for name in named if name.startswith(prefixes)} <= set(VARIABLES) | FOREIGN


def test_every_error_has_a_status_and_stands_in_the_table_with_it():
    classes = tree(errors.PpiError)
    assert set(STATUS) == classes
    expected = {kind.code: str(STATUS[kind]) for kind in classes} | CODES_WITHOUT_CLASS
    documented = {row[0].strip("`"): row[1] for row in table_rows(DOCS / "errors.md") if row[0].startswith("`")}
    assert documented == expected


def test_every_error_has_a_code_of_its_own():
    codes = [kind.code for kind in tree(errors.PpiError)]
    assert len(codes) == len(set(codes))


def test_every_call_is_described_and_every_described_call_exists(app):
    routes = set()
    for rule in app.url_map.iter_rules():
        if rule.endpoint in NO_API:
            continue
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        # Flask answers HEAD and OPTIONS by itself; they count where the route has nothing else.
        own = rule.methods - IMPLIED_METHODS or rule.methods
        routes |= {(method.lower(), path) for method in own}
    described = [(method, path) for method, path, *_ in CALLS]
    assert len(described) == len(set(described))
    assert set(described) == routes


def test_pages_without_a_description_exist(app):
    assert {rule.endpoint for rule in app.url_map.iter_rules()} >= NO_API


def test_the_description_is_valid_openapi():
    assert openapi_spec_validator.validate(specification()) is None


def test_the_api_page_names_only_calls_that_exist():
    paths = [re.escape(path) for _, path, *_ in CALLS]
    known = [re.sub(r"\\\{\w+\\\}", r"(\\$?\\w+|\\{\\w+\\})", path) for path in paths]
    for named in re.findall(r"(?:\$PPI|`(?:GET |POST )?)(/[\w/$.{}-]*)", text_of(DOCS / "api.md")):
        assert any(re.fullmatch(path, named) for path in known), named


@every_page
def test_relative_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text_of(page))):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            found = (page.parent / path).resolve() if path else page
            assert found.exists(), target
            assert not anchor or anchor in anchors(found), target


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    heads = re.findall(r"^#+ (.+)$", FENCE.sub("", text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@every_page
def test_make_targets_on_pages_exist(page):
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z][a-z-]*)", code_of(page))) <= targets


@every_page
def test_commands_on_pages_exist_with_their_options(page):
    for line in re.findall(r"python -m ppi\b(?![.\w])([^\n`|#]*)", code_of(page).replace("\\\n", " ")):
        command: click.Command = main
        words = line.split()
        while words and isinstance(command, click.Group) and not words[0].startswith("-"):
            name = words.pop(0)
            if name == "...":
                break
            assert name in command.commands, f"python -m ppi{line}"
            command = command.commands[name]
        known = {option for parameter in command.params for option in parameter.opts} | {"--help", "-h"}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, f"python -m ppi{line}"


def test_every_page_is_reached_from_the_readme():
    linked = re.findall(r"\]\(docs/([\w./-]+)\)", text_of(ROOT / "README.md"))
    pages = [path for path in [*DOCS.iterdir(), *DOCS.glob("ru/*")] if path.is_file()]
    assert set(linked) == {path.relative_to(DOCS).as_posix() for path in pages}


@every_page
def test_lines_of_pages_fit_the_screen(page):
    assert [number for number, line in enumerate(text_of(page).splitlines(), 1) if len(line) > 160 and line[:1] != "|"] == []


def test_every_reason_for_leaving_out_is_documented():
    """Reasons are given as the second argument of Dropped, or the first of a method that makes one."""
    found = {"draft", "prediction"}  # made of the names of the lists they stand in
    for path in [*(ROOT / "ppi" / "annotation").glob("*.py"), *(ROOT / "ppi" / "dataset").glob("*.py")]:
        for node in ast.walk(ast.parse(text_of(path))):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                place = {"Dropped": 1, "_drop": 0}.get(called)
                given = ast.walk(node.args[place]) if place is not None else ()
                found |= {part.value for part in given if isinstance(part, ast.Constant) and isinstance(part.value, str)}
    rows = table_rows(DOCS / "benchmarks_creating.md")
    documented = {row[0].strip("`") for row in rows if re.fullmatch(r"`[a-z_]+`", row[0])}
    assert found <= documented
    assert documented - found <= {*layout.KEYS, "video"}


def test_every_field_of_a_row_is_documented():
    documented = {name for row in table_rows(DOCS / "benchmarks_creating.md") for name in re.findall(r"`([a-z_]+)`", row[0])}
    assert set(layout.KEYS) <= documented


def test_quoted_words_of_the_guides_stand_on_the_pages():
    """Words in quotation marks are those of the pages, letter by letter; one is a column of a table."""
    shown = "\n".join(text_of(path) for path in [*(ROOT / "templates").glob("*.html"), *(ROOT / "ppi" / "web").glob("*.py")])
    shown += "\n".join(text_of(path) for path in (ROOT / "ppi").rglob("*.py"))
    for page in DOCS.glob("*.md"):
        for quoted in set(re.findall(r"“([^”]+)”", text_of(page))) - {"Подкатегории"}:
            assert " ".join(quoted.split()) in shown, (page.name, quoted)


def test_quoted_words_of_the_russian_guide_are_those_of_the_catalogue():
    with (ROOT / "ppi/translations/ru/LC_MESSAGES/messages.po").open("rb") as file:
        messages = [message for message in read_po(file, locale="ru") if message.id]
    forms = [[message.string] if isinstance(message.string, str) else message.string for message in messages]
    shown = "\n".join(form for found in forms for form in found) + text_of(ROOT / "ppi/summary/wording.py")
    # What is not of the pages: the quotes of the guide itself, a lost "not", Label Studio's button, a column's name.
    for quoted in set(re.findall(r"«([^«»]+)»", text_of(RUSSIAN_GUIDE))) - {"ёлочках", "не", "Add URL", "Описание"}:
        assert " ".join(quoted.split()) in shown, quoted


def test_both_guides_have_the_same_chapters_and_pictures():
    """Same number of headings of each depth in the same order, and the same pictures in the same places."""
    told = []
    for page in (GUIDE, RUSSIAN_GUIDE):
        marks = re.findall(r"^(#+) |^!\[[^]]+\]\([./]*img/guide/(?:en|ru)/([\w.-]+)\)", text_of(page), re.MULTILINE)
        told.append(marks)
    assert told[0] == told[1] and sum(bool(name) for _, name in told[0]) >= 8


def test_the_pictures_of_the_guides_are_small_and_all_are_shown():
    pictures = list((DOCS / "img").rglob("*.*"))
    assert sum(path.stat().st_size for path in pictures) < 1_500_000
    targets = [(page.parent, target) for page in PAGES for target in re.findall(r"!\[[^]]+\]\(([^)]+)\)", text_of(page))]
    shown = {(folder / target).resolve() for folder, target in targets}
    assert {path.resolve() for path in pictures} <= shown


def test_the_notebook_is_valid_and_holds_no_output():
    notebook = json.loads(text_of(NOTEBOOK))
    assert notebook["nbformat"] == 4
    assert all(set(cell) >= {"id", "cell_type", "metadata", "source"} for cell in notebook["cells"])
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook["cells"])
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            compile("".join(cell["source"]), f"cell {number}", "exec")


RUN_CELLS = """
import json, sys
if __name__ == "__main__":
    cells = json.load(open(sys.argv[1], encoding="utf-8"))["cells"]
    for cell in cells:
        if cell["cell_type"] == "code":
            source = "".join(cell["source"])
            exec(compile(source.replace('"notebook-out"', repr(sys.argv[2])), "cell", "exec"))
"""


@pytest.mark.slow
def test_the_notebook_runs_from_the_top_of_the_repository(tmp_path):
    assert '"notebook-out"' in "".join("".join(cell["source"]) for cell in json.loads(text_of(NOTEBOOK))["cells"])
    (tmp_path / "run_cells.py").write_text(RUN_CELLS)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MINIO", "PPI"))}
    environment |= {"PYTHONPATH": str(ROOT), "PPI_DATA_DIR": str(tmp_path / "data")}
    done = subprocess.run(
        [sys.executable, str(tmp_path / "run_cells.py"), str(NOTEBOOK), str(tmp_path / "out")], cwd=ROOT, env=environment,
        capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "out" / "dataset" / "metadata.jsonl").is_file()
