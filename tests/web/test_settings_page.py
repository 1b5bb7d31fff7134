"""The settings as they are in force: each with its value and where it comes from, and never a secret."""

from __future__ import annotations

import html
import re

import pytest

from ppi.services import Services
from ppi.settings import SECRETS, VARIABLES, Settings
from ppi.web.app import build_app
from tests.conftest import PASSWORD, ROOT, with_people

SECRET = "s3cr3t-that-nobody-may-see-"
ROW = r"<dt>[^<]+<code>(\w+)</code></dt><dd>(.*?)</dd>\s*<dd class=\"meaning\">(.*?)</dd>"
# What the documentation says of paths, which depend on the machine.
PATHS = {
    "PPI_DATA_DIR": "./data", "PPI_USERS_FILE": "users.json in the data folder",
    "APP_LOG_FILE": "logs/ppi.log in the data folder", "WHISPER_MODEL_DIR": "~/.cache/whisper",
    "PPI_SPEAKERS_DIR": "~/.cache/ppi/speakers", "SUMMARY_MODEL_DIR": "~/.cache/ppi/chat",
}  # fmt: skip


@pytest.fixture
def page_of():
    def show(settings):
        client = build_app(with_people(Services(settings))).test_client()
        client.post("/api/login", json={"username": "admin", "password": PASSWORD})
        return client.get("/admin/settings").text

    return show


def told(page):
    """name -> (value, source), as people read them."""
    return {name: words(value) for name, value, _ in re.findall(ROW, page, re.DOTALL)}


def explained(page):
    """name -> (explanation, and what is usual where something else is in force)."""
    return {name: words(meaning) for name, _, meaning in re.findall(ROW, page, re.DOTALL)}


def words(text):
    parts = [part.strip() for part in re.sub("<[^>]+>", "|", text).split("|") if part.strip()]
    return tuple(html.unescape(part) for part in parts)


def test_every_setting_stands_on_the_page_once(tmp_path, page_of):
    found = told(page_of(Settings.from_env({"PPI_DATA_DIR": str(tmp_path / "data")})))
    assert sorted(found) == sorted(VARIABLES)
    assert found["DL_USER_MAX_FILES"] == ("1", "usual value") and found["HF_TOKEN"] == ("not set", "usual value")
    assert found["PPI_DATA_DIR"] == (str(tmp_path / "data"), "environment")
    assert found["PPI_USERS_FILE"] == (str(tmp_path / "data" / "users.json"), "usual value")
    assert found["REDIS_ENABLED"] == ("false", "usual value")


def test_every_setting_is_explained_in_one_line_and_the_documentation_says_the_same(tmp_path, page_of):
    page = page_of(Settings.from_env({"PPI_DATA_DIR": str(tmp_path / "data")}))
    documented = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+) \|$", (ROOT / "docs" / "configuration.md").read_text(), re.MULTILINE)
    assert list(told(page)) == [name for name, *_ in documented], "in the same order"
    assert {name: found[0] for name, found in explained(page).items()} == {
        name: meaning.replace("`", "") for name, _, meaning in documented
    }
    usual = {one.name: one.default for one in Settings.from_env({}).stated}
    for name, default, _ in documented:
        assert default.replace("`", "") == PATHS.get(name, usual[name] or "not set"), name


def test_every_setting_has_a_name_of_its_own_before_the_variable(tmp_path, page_of):
    page = page_of(Settings.from_env({"PPI_DATA_DIR": str(tmp_path / "data")}))
    names = re.findall(r"<dt>([^<]+)<code>", page)
    assert len(names) == len(set(names)) == len(VARIABLES) and names[0] == "Data folder"


def test_what_is_set_stands_beside_what_is_usual(tmp_path, page_of):
    given = {"PPI_DATA_DIR": str(tmp_path / "data"), "PPI_LIGHT_JOBS": "7", "PPI_CACHE_BYTES": "1000000", "PPI_HEAVY_JOBS": "1"}
    given |= {"HF_TOKEN": SECRET, "WHISPER_DEVICE": "cpu"}
    found = explained(page_of(Settings.from_env(given)))
    assert found["PPI_LIGHT_JOBS"][1:] == ("Usual value:", "4") and found["WHISPER_DEVICE"][1:] == ("Usual value:", "auto")
    assert found["PPI_CACHE_BYTES"][1:] == ("Usual value:", "21474836480", "(21.47\u00a0GB)")
    assert [len(found[name]) for name in ("PPI_HEAVY_JOBS", "HF_TOKEN", "HF_ENDPOINT", "REDIS_PORT")] == [1, 1, 1, 1]


def test_no_secret_is_on_the_page_nor_in_what_it_is_made_of(tmp_path, page_of):
    given = {name: f"{SECRET}{number}" for number, name in enumerate(sorted(SECRETS))}
    given |= {"LABEL_STUDIO_URL": f"https://somebody:{SECRET}@labels.example.org", "PPI_DATA_DIR": str(tmp_path / "data")}
    settings = Settings.from_env(given)
    page = page_of(settings)
    assert SECRET not in page and SECRET not in repr(settings.stated)
    assert all(told(page)[name] == ("set, hidden", "environment") for name in SECRETS)
    assert told(page)["LABEL_STUDIO_URL"][0] == "https://***@labels.example.org"


def test_what_the_settings_hide_is_what_the_page_hides():
    """A secret is what no `repr` of the settings shows; the page must know every one of them."""
    given = dict.fromkeys(SECRETS, SECRET) | {"MINIO_ENDPOINT": "store:9000"}
    assert SECRET not in repr(Settings.from_env(given))
    open_ones = {name: SECRET for name in VARIABLES if name not in SECRETS and re.search("TOKEN$|KEY|PASSWORD", name)}
    assert open_ones == {}


def test_where_a_setting_comes_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("PPI_PORT", "PPI_LIGHT_JOBS", "PPI_HEAVY_JOBS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".env").write_text("PPI_PORT=6001\nPPI_LIGHT_JOBS=7\n")
    monkeypatch.setenv("PPI_LIGHT_JOBS", "9")
    # What .env brings into the environment is taken back after the test.
    monkeypatch.setenv("PPI_PORT", "")
    monkeypatch.delenv("PPI_PORT")
    found = {one.name: (one.value, one.source) for one in Settings.from_env().stated}
    monkeypatch.delenv("PPI_PORT")
    assert found["PPI_PORT"] == ("6001", "file") and found["PPI_LIGHT_JOBS"] == ("9", "environment")
    assert found["PPI_HEAVY_JOBS"] == ("1", "default")


def test_a_fault_is_told_as_before():
    from ppi.errors import SettingsError

    with pytest.raises(SettingsError) as told_fault:
        Settings.from_env({"PPI_PORT": "many", "REDIS_ENABLED": "perhaps"})
    assert "PPI_PORT" in str(told_fault.value) and "REDIS_ENABLED: expected true or false" in str(told_fault.value)
