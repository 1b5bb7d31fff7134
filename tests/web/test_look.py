"""Static files that browsers keep, and the theme."""

from __future__ import annotations

import gzip
import re

from tests.conftest import PASSWORD, ROOT
from tests.web import trim

# What goes around the passages on the transcript's page, parts of other single pages, and what filefield.js makes of a field.
OF_ONE_PAGE = {
    "reading", "player-side", "tools", "search", "saving", "hits", "legend", "follow", "doing", "pencil", "who", "editing",
    "choosing", "people", "another", "on", "ends", "talk", "naming", "kinds", "here", "unaligned",
    "sent-room", "sent-none", "card-page", "confusions", "file-field", "file-button", "file-name",
    "of-six", "in-line", "show", "locked",
}  # fmt: skip


def stylesheets(client):
    return re.findall(r'<link rel="stylesheet" href="([^"]+)"(?: media="([^"]+)")?', client.get("/help").text)


def test_what_a_page_names_is_kept_for_a_year_and_what_it_named_before_is_asked_for_again(client_for):
    client = client_for()
    for address, _ in stylesheets(client):
        answer = client.get(address)
        assert answer.status_code == 200
        assert "max-age=31536000" in answer.headers["Cache-Control"] and "immutable" in answer.headers["Cache-Control"]
    older = client.get("/static/000000000000/css/base.css")
    assert older.status_code == 200 and "max-age" not in older.headers["Cache-Control"].replace("max-age=0", "")
    assert client.get("/static/x/../../users.json").status_code == 404


def test_static_files_do_not_depend_on_who_asks(app):
    client = app.test_client()
    client.post("/api/login", json={"username": "anna", "password": PASSWORD})
    answer = client.get("/static/x/css/base.css")
    assert "Set-Cookie" not in answer.headers and "Cookie" not in answer.headers["Vary"]


def test_texts_are_sent_packed_to_whoever_takes_that(client_for):
    client = client_for()
    plain = (ROOT / "static/css/base.css").read_bytes()
    packed = client.get("/static/x/css/base.css", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed.data) == plain and packed.headers["Vary"] == "Accept-Encoding"
    bare = client.get("/static/x/css/base.css")
    assert bare.data == plain and bare.headers["ETag"] != packed.headers["ETag"]
    again = client.get("/static/x/css/base.css", headers={"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]})
    assert again.status_code == 304


def test_what_pages_say_stands_in_the_two_fonts_that_every_page_loads():
    """The rare signs of a language come as files of their own, which only names of people and lessons shall bring."""
    faces = re.findall(r'golos-([\w-]+)\.woff2"\)[^}]*unicode-range: ([^;]+);', (ROOT / "static/css/tokens.css").read_text())
    signs = {name: signs_of(ranges) for name, ranges in faces}
    assert sorted(signs) == sorted(path.stem.removeprefix("golos-") for path in (ROOT / "static/vendor/golos").glob("*.woff2"))
    assert sum(map(len, signs.values())) == len(set().union(*signs.values())), "each sign is in one of them"
    texts = [*ROOT.glob("templates/*.html"), *ROOT.glob("static/js/**/*.js"), *ROOT.glob("ppi/translations/*/*/*.po")]
    said = set("".join(path.read_text(encoding="utf-8") for path in texts))
    assert signs["latin"] & said and not (signs["latin-more"] | signs["cyrillic-more"]) & said


def signs_of(ranges: str) -> set[str]:
    ends = (one.strip().removeprefix("U+").split("-") for one in ranges.split(","))
    return {chr(number) for one in ends for number in range(int(one[0], 16), int(one[-1], 16) + 1)}


def test_the_theme_is_the_systems_until_somebody_chooses_one_which_the_account_keeps(app, services):
    client = app.test_client()
    token = client.post("/api/login", json={"username": "anna", "password": PASSWORD}).json["csrf_token"]
    dark = lambda: [media for address, media in stylesheets(client) if address.endswith("dark.css")]  # noqa: E731
    assert dark() == ["screen and (prefers-color-scheme: dark)"]
    for chosen, media, stored in (("dark", ["screen"], "dark"), ("light", [], "light"), ("pink", dark(), "")):
        client.post("/theme", data={"theme": chosen, "csrf_token": token})
        assert (dark(), services.users.by_name("anna").theme) == (media, stored)
        assert (f'data-bs-theme="{chosen}"' in client.get("/help").text) == bool(stored)


def test_a_visitor_keeps_the_theme_in_a_cookie(app):
    client = app.test_client()
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/help").text)[1]
    answer = client.post("/theme", data={"theme": "dark", "csrf_token": token}, headers={"Referer": "http://elsewhere/x"})
    assert answer.location == "/"
    assert 'data-bs-theme="dark"' in client.get("/help").text


def test_the_language_is_the_accounts_then_the_cookies_then_the_browsers(app, services):
    client, anna = app.test_client(), services.users.by_name("anna")
    shown = lambda asked: re.search(r'<html lang="(\w+)"', client.get("/help", headers={"Accept-Language": asked}).text)[1]  # noqa: E731
    assert (shown("ru, en;q=0.5"), shown("fr, en;q=0.5"), shown("de")) == ("ru", "en", "en")
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/help").text)[1]
    client.post("/language", data={"language": "ru", "csrf_token": token})
    assert shown("en") == "ru"
    client.post("/api/login", json={"username": "anna", "password": PASSWORD})
    assert shown("en") == "ru"
    services.users.set_language(anna.id, "en")
    assert shown("ru") == "en"


def test_what_pages_use_of_bootstrap_is_there_and_little_else():
    """Fails when a page uses a class or a variable for the first time: `make vendor` makes the file anew."""
    kept, wanted = trim.TARGET.read_text(), trim.trimmed()
    for kind in (r"\.[A-Za-z][\w-]*", r"--bs-[\w-]+(?=:)"):
        assert set(re.findall(kind, wanted)) - set(re.findall(kind, kept)) == set()
    assert ".modal-dialog" in kept and ".carousel" not in kept and len(kept) < 1.2 * len(wanted)


def test_the_style_page_shows_every_component(client_for):
    """Whatever has a rule of its own in the styles that pages share stands there."""
    page = client_for("admin").get("/styleguide").text
    shown = {name for given in re.findall(r'class="([^"]*)"', page) for name in given.split()}
    named = set()
    for sheet in ("base", "components", "transcript"):
        text = re.sub(r"/\*.*?\*/", "", (ROOT / f"static/css/{sheet}.css").read_text(), flags=re.DOTALL)
        selectors = re.sub(r"\{[^{}]*\}", " ", text)
        named |= set(re.findall(r"\.([A-Za-z][\w-]*)", selectors))
    assert len(named) > 100 and named - shown - OF_ONE_PAGE == set()


def test_no_page_is_painted_by_halves(client_for):
    for page in (client_for("anna").get("/jobs").text, client_for().get("/").text):
        assert '<link rel="expect" href="#main" blocking="render">' in page.split("</head>")[0] and '<main id="main"' in page


def test_a_dot_between_two_things_ends_a_line_and_never_begins_one():
    """The space before it holds them together; titles have no lines."""
    files = [*(ROOT / "templates").glob("*.html"), *(ROOT / "static/css").glob("*.css"), *(ROOT / "static/js").rglob("*.js")]
    said_only = "styleguide.html", "title.js", "upload.js"
    lines = [line for file in files if file.name not in said_only for line in file.read_text().splitlines()]
    shown = [line for line in lines if "{% block title %}" not in line]
    assert [line for line in shown if re.search(r"(^|[\s>}])·", line)] == []


def test_no_template_and_no_script_brings_styles_or_handlers_of_its_own():
    for path in (ROOT / "templates").glob("*.html"):
        text = path.read_text()
        assert not re.search(r"<style\b|\sstyle\s*=|\son[a-z]+\s*=\s*[\"']|javascript:", text), path.name
        assert all("src=" in tag or "application/json" in tag for tag in re.findall(r"<script\b[^>]*>", text)), path.name
    for path in (ROOT / "static/js").rglob("*.js"):
        assert not re.search(r"setAttribute\(\s*[\"']style|\beval\(|new Function\(", path.read_text()), path.name


def test_no_view_hands_a_page_the_name_by_which_templates_ask_for_style_sheets():
    """A page sets `sheets` before it extends the frame: what a view hands over under this name would be lost without a word."""
    assert "(sheets or [])" in (ROOT / "templates/base.html").read_text()
    assert [path.name for path in (ROOT / "ppi/web").glob("*.py") if re.search(r"\bsheets\s*=[^=]", path.read_text())] == []


def test_what_every_page_brings_is_light(client_for):
    """Packed bytes of the styles, fonts and scripts that the frame of each page names, with all that these name."""
    page = client_for().get("/help", headers={"Accept-Language": "ru"}).text
    named = set(re.findall(r'(?:href|src)="/static/\w+/([^"#]+)', page))
    waiting = list(named)
    while waiting:
        path = ROOT / "static" / waiting.pop()
        if path.suffix == ".js":
            inner = re.findall(r'^(?:import|export)[^"\n]*"(\.\.?/[^"]+)"', path.read_text(), re.M)
            found = {str((path.parent / one).resolve().relative_to(ROOT / "static")) for one in inner} - named
            named |= found
            waiting += found
    packed = {name: len(gzip.compress((ROOT / "static" / name).read_bytes(), 9)) for name in named}
    assert {"vendor/bootstrap/dialogs.js", "js/live.js", "css/tokens.css"} <= set(packed)
    assert sum(packed.values()) < 100_000, packed


def test_letters_come_with_the_pages_that_need_them(client_for):
    client, fonts = client_for("anna"), []
    for language, path in (("ru", "/help"), ("en", "/help"), ("en", "/lessons?text=Дроби")):
        link = client.get(path, headers={"Accept-Language": language}).headers.get("Link", "")
        fonts.append(link)
    assert fonts[0] and fonts[0] == fonts[2] and not fonts[1]
    address = re.match(r'<([^>]+)>; rel=preload; as=font; type="font/woff2"; crossorigin$', fonts[0])[1]
    assert client.get(address).data.startswith(b"wOF2")
