"""The same inputs, settings and tools give the same bytes; figures are drawn of what people wrote, whatever it is."""

import json
import re
import time
import warnings

import pytest
from PIL import Image

from ppi import palette
from ppi.dataset import figures
from ppi.dataset.card_words import EN, RU
from ppi.errors import Cancelled
from ppi.workflows.plain_dataset import build_from_files, check_folder
from tests.conftest import DATA

INPUTS = {
    "video": DATA / "sample_lesson.mp4", "annotations": DATA / "sample_annotations.json",
    "patterns": DATA / "sample_patterns.xlsx",
}  # fmt: skip


@pytest.mark.slow
def test_two_builds_of_the_same_files_are_equal_byte_for_byte(tmp_path):
    for name in ("one", "two"):
        build_from_files(**INPUTS, out=tmp_path / name, no_texts=True, lesson="Урок", own_text="Наш урок.")
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert len(files) == 3 * 10 + 6 + 1 + 3
    different = [
        str(name) for name in files if (tmp_path / "one" / name).read_bytes() != (tmp_path / "two" / name).read_bytes()
    ]
    assert different == []
    assert set(json.loads((tmp_path / "one" / "manifest.json").read_text())["tools"]) == {
        "ppi",
        "ffmpeg",
        "av",
        "cutter",
        "pyarrow",
        "matplotlib",
    }
    assert check_folder(tmp_path / "one").problems == ()


def row(number, name):
    return {
        "id": f"pattern_{number}", "lesson": name, "annotator": name, "start_time": 1.0 * number, "end_time": 2.0 * number,
        "patterns": [{"type": f"{name} {number}", "description": ""}],
    }  # fmt: skip


@pytest.mark.parametrize("name", ["Похвала", "$x^{$", "\\frac{1", "😊\u202e\x07", "a" * 5000, ""])
def test_figures_are_drawn_whatever_a_pattern_is_called(tmp_path, monkeypatch, name):
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))  # put back afterwards: drawing sets it in its child
    rows = [row(number, name) for number in range(1, 30)]
    (tmp_path / "metadata.jsonl").write_text("".join(json.dumps(item) + "\n" for item in rows), encoding="utf-8")
    figures.draw_all(lambda value: None, str(tmp_path), "en")
    for path in figures.FIGURES:
        with Image.open(tmp_path / path) as drawn:
            assert drawn.format == "PNG" and 300 < drawn.width < 2000 and 200 < drawn.height < 2000


def test_a_pattern_has_the_colour_of_its_place_in_the_table_in_every_figure(tmp_path, monkeypatch):
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))
    rows = [row(number, "Похвала") | {"patterns": [{"type": name}]} for number, name in enumerate("ббав", 1)]
    (tmp_path / "metadata.jsonl").write_text("".join(json.dumps(item) + "\n" for item in rows), encoding="utf-8")
    (tmp_path / "report.json").write_text(json.dumps({"colours": ["а", "-", "б", "в"]}))
    figures.draw_all(lambda value: None, str(tmp_path), "en")
    wanted = {bytes.fromhex(palette.colour(number)[1:]) for number in (0, 2, 3)}
    for name, least in (("patterns", wanted), ("timeline", wanted)):
        with Image.open(tmp_path / "figures" / f"{name}.png") as drawn:
            found = {bytes(colour) for _, colour in drawn.convert("RGB").getcolors(100_000)}
        assert least <= found and bytes.fromhex(palette.colour(1)[1:]) not in found


def test_figures_of_a_russian_card_are_russian_in_a_font_that_has_its_letters(tmp_path, monkeypatch):
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))
    rows = [row(number, "Похвала") | {"end_time": number + 0.5} for number in (1, 2, 3)]
    (tmp_path / "metadata.jsonl").write_text("".join(json.dumps(item) + "\n" for item in rows), encoding="utf-8")
    told, save = [], figures.save

    def saved(figure, path):
        from matplotlib.text import Text

        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a letter that the font lacks is a warning of matplotlib
            save(figure, path)
        told.extend(text.get_text() for text in figure.findobj(Text))

    monkeypatch.setattr(figures, "save", saved)
    figures.draw_all(lambda value: None, str(tmp_path), "ru")
    wanted = {RU[name] for name in EN if name.startswith(("axis_", "figure_"))}
    assert len(wanted) == 7 and wanted <= set(told)
    assert any("," in text and text.replace(",", "").isdecimal() for text in told), "0,5 and not 0.5"
    assert not [text for text in told if re.search(r"[A-Za-z]|\d\.\d", text)]


def test_drawing_can_be_stopped(tmp_path):
    rows = [row(number, f"pattern {number % 40}") for number in range(1, 20_000)]
    (tmp_path / "metadata.jsonl").write_text("".join(json.dumps(item) + "\n" for item in rows), encoding="utf-8")

    def stop():
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        figures.draw(tmp_path, "en", stop)
    time.sleep(1)
    assert not all((tmp_path / path).exists() for path in figures.FIGURES), "the child draws on"
