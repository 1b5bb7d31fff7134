"""croissant.json: what the reference library of the format finds in it, and reads by it."""

import json

import pytest

from ppi.dataset import refresh
from ppi.records import Consent


@pytest.fixture(scope="module")
def described(built_dataset):
    import mlcroissant

    return mlcroissant.Dataset(jsonld=str(built_dataset.folder / "croissant.json"))


def test_the_reference_library_has_nothing_to_object_to(described):
    issues = described.metadata.ctx.issues
    assert issues.errors == set()
    assert {warning for warning in issues.warnings if "datePublished" not in warning and "citeAs" not in warning} == set()


def test_its_records_are_the_rows_of_the_dataset(described, built_dataset):
    lines = (built_dataset.folder / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    found = list(described.records("train"))
    assert [read(record["train/id"]) for record in found] == [row["id"] for row in rows]
    assert [read(record["train/text"]) for record in found] == [row["text"] for row in rows]
    assert [record["train/end_time"] for record in found] == [row["end_time"] for row in rows]
    types = [[read(part["train/patterns/type"]) for part in record["train/patterns"]] for record in found]
    assert types == [[pattern["type"] for pattern in row["patterns"]] for row in rows]
    assert [[read(name) for name in record["train/regions"]] for record in found] == [row["regions"] for row in rows]


def read(value) -> str:
    return value.decode() if isinstance(value, bytes) else value


def test_licence_and_consent_of_the_card_stand_in_it_too(built_dataset):
    def read(path: str) -> bytes:
        return (built_dataset.folder / path).read_bytes()

    changed = refresh.refreshed(read, Consent("public", "cc-by-nc-4.0"), "", "en")
    told = json.loads(changed["croissant.json"])
    assert told["license"] == "https://creativecommons.org/licenses/by-nc/4.0/"
    assert "agreed that it is published" in told["conditionsOfAccess"]
    listed = {file["path"]: file["sha256"] for file in json.loads(changed["manifest.json"])["files"]}
    assert [file["sha256"] for file in told["distribution"]] == [listed[file["contentUrl"]] for file in told["distribution"]]
