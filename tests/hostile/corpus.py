"""One generator of hostile input. Everything follows from a seed, so what failed once fails again.

Names and disguises are written down by kind of harm, then multiplied by small changes; media and forms are good ones that
a mutator spoils.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator
from pathlib import Path

NAMES_WANTED, DISGUISES_WANTED = 800, 200

# One line a kind of harm: paths, shells, option letters, patterns, devices, directions, lengths, forms of letters, markup.
NAUGHTY = (
    "..", ".", "../../etc/passwd", "..\\..\\windows\\win.ini", "/etc/passwd", "C:\\lesson.mp4", "//server/share",
    "a/../b.mp4",
    "%2e%2e%2fetc", "..%c0%afetc", "....//....//x", "~root", "~/.ssh/id_rsa", "-y", "-i", "--help", "-rf", "-",
    "lesson.mp4;ls",
    "$(id).mp4", "`id`.mp4", "a|b.mp4", "a&b.mp4", "a>b.mp4", "${HOME}", "%PATH%", "'; DROP TABLE lessons; --", "' OR '1'='1",
    "%03d.mp4", "frame-%d", "seq%%03d", "{0}", "{lesson}", "{self.__class__}", "%s%s%n", "concat:a|b", "http://x/y.mp4",
    "file:///etc/passwd", "data:video/mp4;base64,AAAA", "subfile,,start,0,end,0,,:a", "pipe:0", "crypto:a", "tee:a|b",
    "CON", "con.mp4", "NUL", "aux.wav", "COM1", "LPT9.txt", "lesson.mp4:stream", "lesson.mp4::$DATA", "desktop.ini",
    ".htaccess",
    ".", " ", "", "\t", "\n", "a\nb.mp4", "a\r\nSet-Cookie: x=1", "a\x00b.mp4", "\x00", "\x1b[31mred", "a\x7fb", "\x85",
    "\u202egpj.mp4", "a\u2066b\u2069.mp4", "\ufeffa.mp4", "a\u200bb.mp4", "a\u00adb.mp4", "\u2028", "\u2029", "a\u0000",
    "e\u0301cole.mp4", "\u0439".encode().decode(), unicodedata.normalize("NFD", "Йод и ёж.mp4"), "Å\u030a\u0327.mp4",
    "урок.mp4", "Урок 1 (копия).mp4", "授業.mp4", "درس.mp4", "שיעור.mp4", "👩‍🏫.mp4", "🇷🇺🏳️‍🌈.mp4", "ﷺ.mp4", "ıİ.mp4",
    "ß.mp4", "ǅ",
    "<script>alert(1)</script>.mp4", "\"><img src=x onerror=alert(1)>", "javascript:alert(1)", "&lt;b&gt;", "{{7*7}}",
    "${7*7}",
    "=cmd|' /C calc'!A0", "+1+1", "@SUM(1)", "lesson.mp4.exe", "lesson.svg", "lesson.html", "lesson.wav",
    "lesson.txt", "a.info.json",
    "dataset", "manifest.json", "null", "undefined", "None", "true", "0", "-1", "1e999", "NaN", "a" * 255, "я" * 128,
    "👍" * 70,
    "a" * 5000, "." * 300, " " * 300, "a." * 120, "x" * 250 + ".mp4", "я" * 100 + ".mp4", "a/" * 200, "\\" * 50,
    "/" * 50, "💥" * 300,
)  # fmt: skip
AFFIXES = ("", " ", ".", "..", "/", "\\", "\x00", "\u202e", ".mp4", "%00", "\u200d", "-", "~", "\n", "é", "е\u0308")


def names(seed: int = 1) -> list[str]:
    """Names of files and lessons, none twice."""
    chance, found = random.Random(seed), dict.fromkeys(NAUGHTY)
    while len(found) < NAMES_WANTED:
        first, second = chance.choice(NAUGHTY), chance.choice(NAUGHTY)
        kind = chance.randrange(4)
        if kind == 0:
            made = chance.choice(AFFIXES) + first + chance.choice(AFFIXES)
        elif kind == 1:
            made = f"{first}/{second}"
        elif kind == 2:
            made = first[: len(first) // 2] + chance.choice(AFFIXES) + second[len(second) // 2 :]
        else:
            made = "".join(chr(chance.choice((chance.randrange(1, 128), chance.randrange(160, 0xD7FF)))) for _ in range(24))
        found[made] = None
    return list(found)


def disguises(canary: Path, listener: str, seed: int = 2) -> list[bytes]:
    """Texts and boxes that try to make a media program open `canary` or call `listener` ("http://127.0.0.1:port")."""
    chance = random.Random(seed)
    here = (f"file://{canary}", str(canary), f"../{canary.name}", f"/proc/self/root{canary}")
    places = (*here, f"{listener}/x.ts", f"{listener}/key")
    makers = (_m3u8, _m3u8_key, _m3u8_map, _m3u8_nested, _ffconcat, _dash, _sdp, _line, _image2, _smil, _mov_reference, _edl)
    found: dict[bytes, None] = {}
    while len(found) < DISGUISES_WANTED:
        made = chance.choice(makers)(chance.choice(places), chance)
        if chance.random() < 0.3:
            made = chance.choice((b"\xef\xbb\xbf", b"\n", b" ", b"#!/bin/sh\n", b"\x00\x00\x00\x18ftypmp42")) + made
        found[made] = None
    return list(found)


def _m3u8(target: str, chance: random.Random) -> bytes:
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{chance.randrange(1, 8)}", f"#EXT-X-TARGETDURATION:{chance.randrange(1, 99)}"]
    return "\n".join([*lines, f"#EXTINF:{chance.uniform(1, 9):.3f},", target, "#EXT-X-ENDLIST", ""]).encode()


def _m3u8_key(target: str, chance: random.Random) -> bytes:
    return f'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{target}"\n#EXTINF:{chance.randrange(9)},\na.ts\n#EXT-X-ENDLIST\n'.encode()


def _m3u8_map(target: str, chance: random.Random) -> bytes:
    size = chance.randrange(1, 9999)
    return f'#EXTM3U\n#EXT-X-MAP:URI="{target}",BYTERANGE="{size}@0"\n#EXTINF:4,\n{target}\n#EXT-X-ENDLIST\n'.encode()


def _m3u8_nested(target: str, chance: random.Random) -> bytes:
    return f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH={chance.randrange(10**6)}\nconcat:{target}|{target}\n".encode()


def _ffconcat(target: str, chance: random.Random) -> bytes:
    return f"ffconcat version 1.0\nfile '{target}'\nduration {chance.randrange(1, 60)}\n".encode()


def _dash(target: str, chance: random.Random) -> bytes:
    inner = f'<Representation id="{chance.randrange(99)}" bandwidth="1"><BaseURL>{target}</BaseURL></Representation>'
    return f'<?xml version="1.0"?><MPD type="static"><Period><AdaptationSet>{inner}</AdaptationSet></Period></MPD>'.encode()


def _sdp(target: str, chance: random.Random) -> bytes:
    port = chance.randrange(1024, 65535)
    head = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    return f"{head}a=control:{target}\nm=video {port} RTP/AVP 96\n".encode()


def _line(target: str, chance: random.Random) -> bytes:
    protocols = ("", "subfile,,start,0,end,9999,,:", "concat:", "cache:", "async:", "crypto:", "tee:", "ftp://127.0.0.1/")
    before = chance.choice(protocols)
    return (f"{before}{target}\n" * chance.randrange(1, 4)).encode()


def _image2(target: str, chance: random.Random) -> bytes:
    return f"{target.rsplit('.', 1)[0]}%0{chance.randrange(1, 9)}d.mp4\n".encode()


def _smil(target: str, chance: random.Random) -> bytes:
    return f'<smil><body><video src="{target}" begin="{chance.randrange(9)}"/></body></smil>'.encode()


def _mov_reference(target: str, chance: random.Random) -> bytes:
    """A QuickTime reference movie: a `rmra` box that names another file, and a `dref` with an alias."""
    url = target.encode() + b"\0"
    reference = _box(b"rmda", _box(b"rdrf", b"\0\0\0\0url " + len(url).to_bytes(4, "big") + url))
    alias = _box(b"dref", b"\0\0\0\0\0\0\0\1" + _box(b"url ", b"\0\0\0\0" + url))
    return _box(b"ftyp", b"qt  \0\0\0\0qt  ") + _box(b"moov", _box(b"rmra", reference) + alias + bytes(chance.randrange(64)))


def _edl(target: str, chance: random.Random) -> bytes:
    return f"# mpv EDL v0\n{target},{chance.randrange(9)},{chance.randrange(1, 60)}\n".encode()


def _box(kind: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def mutants(good: list[bytes], wanted: int, seed: int = 3) -> Iterator[bytes]:
    """Spoiled copies of good files: bits turned, pieces cut out, doubled, swapped or zeroed, absurd sizes, ends cut off."""
    chance = random.Random(seed)
    changes = (_flip, _cut_out, _double, _swap, _zero, _absurd_size, _truncate)
    for _ in range(wanted):
        data = bytearray(chance.choice(good))
        for _ in range(chance.choice((1, 1, 2, 3, 8))):
            chance.choice(changes)(data, chance)
        yield bytes(data)


def _place(data: bytearray, chance: random.Random) -> int:
    """Headers are where parsers live: half of the harm is done there."""
    return chance.randrange(min(len(data), 2000)) if chance.random() < 0.5 else chance.randrange(len(data))


def _flip(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 4, 64))):
        data[_place(data, chance)] ^= 1 << chance.randrange(8)


def _cut_out(data: bytearray, chance: random.Random) -> None:
    start = _place(data, chance)
    del data[start : start + chance.randrange(1, 400)]
    data or data.append(0)


def _double(data: bytearray, chance: random.Random) -> None:
    start = _place(data, chance)
    data[start:start] = data[start : start + chance.randrange(1, 400)]


def _swap(data: bytearray, chance: random.Random) -> None:
    one, other = _place(data, chance), _place(data, chance)
    data[one], data[other] = data[other], data[one]


def _zero(data: bytearray, chance: random.Random) -> None:
    start = _place(data, chance)
    data[start : start + 64] = bytes(len(data[start : start + 64]))


def _absurd_size(data: bytearray, chance: random.Random) -> None:
    start = _place(data, chance)
    value = chance.choice((0, 1, 7, 8, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE))
    data[start : start + 4] = value.to_bytes(4, chance.choice(("big", "little")))


def _truncate(data: bytearray, chance: random.Random) -> None:
    del data[max(1, chance.randrange(len(data))) :]


def targets(host: str = "evil.test") -> list[str]:
    """Addresses that must not be followed after a log-in."""
    plain = [f"https://{host}/", f"//{host}", f"///{host}", f"////{host}", f"/\\{host}", f"\\\\{host}", f"/\t/{host}",
        f"https:{host}"]
    plain += [f"http:/{host}", f"https:///{host}", f"/%09/{host}", f"/%5c{host}", f"/{host}/..//{host}",
        f" https://{host}", "ftp://x"]
    plain += ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "\x00https://x",
        "\r\nhttps://x", "?//x"]
    plain += [f"http://localhost@{host}", f"https://{host}#/", f"https://{host}?/", f"//{host}:80", f"//user@{host}",
        f"/..//{host}"]
    plain += ["/logout", "/api/lessons", "/static/x/css/base.css", "/metrics", "/m/x/y", "/uploads/", "http://[::1]",
        "//127.1", "/nothing"]
    return plain + [before + entry for entry in plain[:12] for before in (" ", "\n")]
