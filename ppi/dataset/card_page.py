"""A dataset card as a piece of HTML that pages can show: what the makers wrote becomes text and simple marks, never scripts."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ppi.dataset.card import END_OF_OWN_TEXT, OWN_TEXT

_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
# A heading on a page that has a title and headings of panels: the card's own title is a third one.
LOWERED = 2


def html_of(card: str, figures: Mapping[str, str] | None = None) -> str:
    """The card without its YAML. `figures` are addresses by the path that the card names; other pictures are left out,
    since a page must not ask strangers' servers for anything. HTML in the card is shown as it is written.
    """
    from markdown_it import MarkdownIt

    marks = MarkdownIt("commonmark", {"html": False, "typographer": False}).enable("table")
    text = _FRONT_MATTER.sub("", card).replace(OWN_TEXT, "").replace(END_OF_OWN_TEXT, "")
    tokens = marks.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + LOWERED)}"
        for child in token.children or ():
            if child.type == "image":
                child.attrs = {**child.attrs, "src": (figures or {}).get(str(child.attrs["src"]), ""), "loading": "lazy"}
            elif child.type == "link_open":
                child.attrs = {**child.attrs, "rel": "noopener nofollow", "target": "_blank"}
        token.children = [child for child in token.children or () if child.type != "image" or child.attrs["src"]]
        if token.type in ("th_open", "td_open"):
            token.attrs.pop("style", None)  # the page's policy takes no styles
    return marks.renderer.render(tokens, marks.options, {})
