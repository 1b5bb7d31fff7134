"""croissant.json: the dataset described as JSON-LD for search engines and loaders.

Source: the Croissant format, version 1.0, http://mlcommons.org/croissant/1.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ppi.dataset import layout
from ppi.dataset.card import CardFacts
from ppi.dataset.card_words import WORDS, counted

CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
# Addresses of the licences that a consent may name; another one stands there by its name.
LICENSES = {
    "cc0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    **{
        f"cc-{kind}-4.0": f"https://creativecommons.org/licenses/{kind}/4.0/"
        for kind in ("by", "by-sa", "by-nc", "by-nc-sa", "by-nd", "by-nc-nd")
    },
}
# As the specification gives it, "Croissant's context".
CONTEXT = {
    "@language": "en", "@vocab": "https://schema.org/", "citeAs": "cr:citeAs", "column": "cr:column",
    "conformsTo": "dct:conformsTo", "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"}, "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/", "examples": {"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract",
    "field": "cr:field", "fileObject": "cr:fileObject", "fileProperty": "cr:fileProperty", "fileSet": "cr:fileSet",
    "format": "cr:format", "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath",
    "key": "cr:key", "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/", "recordSet": "cr:recordSet", "references": "cr:references",
    "regex": "cr:regex", "repeated": "cr:repeated", "replace": "cr:replace", "sc": "https://schema.org/",
    "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform",
}  # fmt: skip
TEXTS = (
    "id", "source_video", "text", "text_origin", "annotator", "lesson", "teacher", "split", "video_path", "image_path",
    "text_path",
)  # fmt: skip
FileFacts = Mapping[str, Any]
NUMBERS, LISTS = ("start_time", "end_time"), ("regions", "speakers", "text_flags")


def describe(facts: CardFacts, files: Mapping[str, FileFacts], version: int) -> dict[str, Any]:
    """The content of croissant.json; `files` by path are what the manifest says of metadata.jsonl and the Parquet files."""
    splits = [split for split in layout.SPLITS if layout.parquet_path(split) in files]
    words = WORDS[facts.language]
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": " ".join(facts.pretty_name.split()) or words["unnamed"],
        "description": counted(words, "intro", len(facts.recordings)),
        "license": LICENSES.get(facts.consent.license, facts.consent.license),
        "version": f"{version}.0.0",
        "inLanguage": sorted({recording.language for recording in facts.recordings if recording.language}),
        "keywords": ["video", "education", "pedagogy", "classroom", "pedagogical-patterns"],
        "conditionsOfAccess": words[f"consent_{facts.consent.state}"],
        "distribution": [
            _file(files[layout.METADATA], "application/jsonlines"),
            *(_file(files[layout.parquet_path(split)], "application/x-parquet") for split in splits),
        ],
        "recordSet": [_records(split) for split in splits],
    }


def _file(file: FileFacts, encoding: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject", "@id": file["path"], "name": file["path"], "contentUrl": file["path"],
        "contentSize": f"{file['size_bytes']} B", "encodingFormat": encoding, "sha256": file["sha256"],
    }  # fmt: skip


def _records(split: str) -> dict[str, Any]:
    """The rows of a split, as its Parquet file holds them; clips and key frames lie in it too, as columns of bytes."""
    fields = [_field(split, name, "sc:Text") for name in TEXTS]
    fields += [_field(split, name, "sc:Float") for name in NUMBERS]
    fields += [{**_field(split, name, "sc:Text"), "repeated": True} for name in LISTS]
    fields.append(_patterns(split))
    return {"@type": "cr:RecordSet", "@id": split, "name": split, "key": {"@id": f"{split}/id"}, "field": fields}


def _field(split: str, name: str, kind: str) -> dict[str, Any]:
    source = {"fileObject": {"@id": layout.parquet_path(split)}, "extract": {"column": name}}
    return {"@type": "cr:Field", "@id": f"{split}/{name}", "name": name, "dataType": kind, "source": source}


def _patterns(split: str) -> dict[str, Any]:
    names = ("type", "description")
    return {
        "@type": "cr:Field", "@id": f"{split}/patterns", "name": "patterns", "repeated": True,
        "subField": [_part(split, name) for name in names],
    }  # fmt: skip


def _part(split: str, name: str) -> dict[str, Any]:
    field = _field(split, "patterns", "sc:Text")
    source = {**field["source"], "transform": {"jsonPath": f"$[*].{name}"}}
    return {**field, "@id": f"{split}/patterns/{name}", "name": f"patterns/{name}", "source": source}
