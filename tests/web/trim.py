"""Bootstrap's styles without what no page uses, into `static/vendor/bootstrap/`. Run by `make vendor`.

A rule stays when every class in its selector stands as a word in a template, a script or a page's code; so a class may be
kept for a word that only looks like it, but none is lost that is written out somewhere. Never build a class of parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import tinycss2
from tinycss2.ast import Node, QualifiedRule

from tests.conftest import ROOT

SOURCE = ROOT / "tests/vendor/bootstrap/bootstrap.min.css"
TARGET = ROOT / "static/vendor/bootstrap/bootstrap.used.css"
USERS = (("templates", "*.html"), ("static/js", "*.js"), ("static/vendor/bootstrap", "*.js"), ("ppi/web", "*.py"))
OWN_STYLES = ("static/css", "*.css")
WORD = re.compile(r"[A-Za-z][\w-]*")
VARIABLE = re.compile(r"var\(\s*(--[\w-]+)")
# Where a class in a selector is one that must be absent, or one of several.
ALTERNATIVES = {"not", "is", "where", "has"}


def main() -> None:
    TARGET.write_text(trimmed())
    print(f"{SOURCE.stat().st_size} bytes of Bootstrap's styles, {TARGET.stat().st_size} of them used")


def trimmed() -> str:
    """What is left of Bootstrap's styles, with its licence on top."""
    used = {word for place in USERS for text in _texts(*place) for word in WORD.findall(text)}
    nodes = tinycss2.parse_stylesheet(SOURCE.read_text())
    licence = next(node for node in nodes if node.type == "comment")
    kept = "".join(_kept(nodes, used))
    kept = _without_idle_animations(_without_idle_variables(kept, "".join(_texts(*OWN_STYLES))))
    return f'@charset "UTF-8";{licence.serialize()}\n{kept}\n'


def _texts(folder: str, pattern: str) -> Iterator[str]:
    for path in sorted((ROOT / folder).rglob(pattern)):
        yield path.read_text()


def _kept(nodes: Iterable[Node], used: set[str]) -> Iterator[str]:
    for node in nodes:
        if node.type == "qualified-rule":
            selectors = [one for one in _split(node.prelude, ",") if _classes(one) <= used]
            if selectors:
                yield f"{','.join(map(tinycss2.serialize, selectors))}{{{tinycss2.serialize(node.content)}}}"
        elif node.type == "at-rule" and node.lower_at_keyword == "media":
            inner = "".join(_kept(tinycss2.parse_blocks_contents(node.content), used))
            if inner:
                yield f"@media{tinycss2.serialize(node.prelude)}{{{inner}}}"
        elif node.type == "at-rule" and node.lower_at_keyword != "charset":
            yield node.serialize()


def _split(tokens: list[Node], sign: str) -> list[list[Node]]:
    parts: list[list[Node]] = [[]]
    for token in tokens:
        if token.type == "literal" and token.value == sign:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _classes(selector: list[Node]) -> set[str]:
    """The classes that an element, or one around it, must have for the selector to fit."""
    found = {
        after.value for before, after in zip(selector, selector[1:], strict=False)
        if before.type == "literal" and before.value == "." and after.type == "ident"
    }  # fmt: skip
    for token in selector:
        if token.type == "function" and token.lower_name not in ALTERNATIVES:
            found |= _classes(token.arguments)
    return found


def _without_idle_variables(kept: str, own: str) -> str:
    """Without the variables that nothing reads, those that only such variables read included."""
    while True:
        read = set(VARIABLE.findall(kept + own))
        fewer = "".join(_rules_reading(kept, read))
        if fewer == kept:
            return kept
        kept = fewer


def _rules_reading(css: str, read: set[str]) -> Iterator[str]:
    for node in tinycss2.parse_stylesheet(css):
        if isinstance(node, QualifiedRule):
            lines = [tinycss2.serialize(one) for one in _split(node.content, ";") if one]
            wanted = [line for line in lines if not line.startswith("--bs-") or line.split(":")[0] in read]
            if wanted:
                yield f"{tinycss2.serialize(node.prelude)}{{{';'.join(wanted)}}}"
        elif node.lower_at_keyword == "media":
            inner = "".join(_rules_reading(tinycss2.serialize(node.content), read))
            yield f"@media{tinycss2.serialize(node.prelude)}{{{inner}}}"
        else:
            yield node.serialize()


def _without_idle_animations(css: str) -> str:
    nodes = tinycss2.parse_stylesheet(css)
    rest = "".join(node.serialize() for node in nodes if not _is_animation(node))
    return "".join(
        node.serialize() for node in nodes if not _is_animation(node) or tinycss2.serialize(node.prelude).strip() in rest
    )


def _is_animation(node: Node) -> bool:
    return node.type == "at-rule" and node.lower_at_keyword == "keyframes"


if __name__ == "__main__":
    main()
