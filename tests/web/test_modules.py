"""What the scripts of the pages decide, each module asked by itself in the browser."""

from __future__ import annotations

import pytest

SIZES = {"en": ["1.2 GB", "5.3 MB", "900 B", "2 MB/s"], "ru": ["1,2 ГБ", "5,3 МБ", "900 Б", "2 МБ/с"]}


@pytest.fixture
def decide(new_page, live_server):
    """`decide(names, script, language)`: what a function finds that gets these modules, on a page of somebody logged in."""

    def make(names, script, language="en"):
        page = new_page(live_server, language, "admin")
        page.goto("/help")
        return page.evaluate(f"""async (names) => {{
          const base = document.querySelector("script[src*='/js/page.js']").src.replace("page.js", "");
          return ({script})(...(await Promise.all(names.map((name) => import(`${{base}}${{name}}.js`)))));
        }}""", names)

    return make


@pytest.mark.parametrize("language", SIZES)
def test_times_sizes_and_frames_are_said_as_people_write_them(decide, language):
    found = decide(["sizes", "player/times", "progress"], """(sizes, times, progress) => ({
      sizes: [...[1_200_000_000, 5_300_000, 900].map(sizes.shownSize), sizes.shownSpeed(2_000_000)],
      codes: [[0], [59.9996], [3723.4504], [61.99, 0], [9.96, 1], [-1]].map((given) => times.timeCode(...given)),
      frames: [[0, 25], [0.0395, 25], [2, 25], [1.001, 30000 / 1001]].map((given) => times.numberAt(...given)),
      clocks: [0, 61.4, 3599.6, 7265].map(progress.clock),
    })""", language)
    assert [one.replace("\u00a0", " ") for one in found["sizes"]] == SIZES[language]
    codes = ["00:00.000", "01:00.000", "01:02:03.450", "01:01", "00:10.0", "00:00.000"]
    assert found["codes"] == [code.replace(".", "," if language == "ru" else ".") for code in codes]
    # A time just before a frame's own counts as that frame's: containers round.
    assert found["frames"] == [1, 2, 51, 31]
    second = "1\u00a0с" if language == "ru" else "1\u00a0sec"
    assert found["clocks"] == [second, "1:01", "1:00:00", "2:01:05"]


def test_what_tabs_send_is_put_together_and_told_once(decide):
    found = decide(["uploads/board", "uploads/said"], """({ Board }, said) => {
      const board = new Board(), keys = () => board.files.map(({ key, state }) => `${key} ${state}`);
      const file = (number, id, state, waits = "") => ({ number, id, state, waits, name: `${id || waits || number}.mp4` });
      const files = [file(0, "x", "sending"), file(1, "y", "done"), file(2, "", "waits", "w")];
      const first = board.hear({ tab: "a", files });
      const found = { new: [first, board.hear({ tab: "a", files: [...files, file(3, "", "failed")] })] };
      found.held = board.held;
      found.ends = [board.end("a"), board.end("a"), board.end("unknown")];
      board.settle([{ id: "x", state: "left" }, { id: "", key: "w", state: "left" }]);
      found.left = keys();
      // Another tab goes on with one of them: it stands there once.
      board.hear({ tab: "b", files: [file(0, "x", "sending")] });
      found.taken = keys();
      found.again = board.hear({ tab: "a", files: [] });
      found.turns = said.turns([{ name: "1.mp4", state: "paused" }, { name: "2.mp4", state: "paused" },
        { name: "3.mp4", state: "waits" }, { name: "4.mp4", state: "failed", reason: "Too large." }]);
      found.notes = [{ state: "sending", percent: 40.9, speed: 2_000_000, left_s: 65 },
        { state: "sending", percent: 1, left_s: null }, { state: "away", reason: "" },
        { state: "failed", reason: "Too large." }, { state: "given-up" }].map(said.note);
      found.words = ["sending", "paused", "failed", "done"].map(said.mainWord);
      return found;
    }""")
    assert found["new"] == [True, False] and found["held"] == ["x", "y", "w"] and found["ends"] == [True, False, False]
    assert found["left"] == ["a 1 done", "a 3 lost", "x left", "w left"]
    assert found["taken"] == ["a 1 done", "a 3 lost", "b 0 sending", "w left"] and found["again"] is True
    assert found["turns"] == ["1.mp4, 2.mp4: Paused. Nothing is lost.", "4.mp4: Too large."]
    assert [one.replace("\u00a0", " ") for one in found["notes"]] == [
        "40 % · 2 MB/s · about 1:05 left", "1 %", "No connection. It goes on by itself when the network is back.",
        "Not sent: Too large.", "",
    ]  # fmt: skip
    assert found["words"] == ["Pause", "Continue", "Try again", ""]


def test_the_word_that_is_spoken_is_found_among_thousands_and_a_wait_says_how_long(decide):
    found = decide(["transcript/words", "progress"], """({ openWords }, progress) => {
      const list = document.createElement("ol");
      for (let segment = 0; segment < 500; segment += 1) {
        const words = [0, 1, 2, 3].map((n) => `<span data-t="${segment * 4 + n}">w${segment * 4 + n}</span>`).join(" ");
        list.insertAdjacentHTML("beforeend", `<li class="segment"><p class="text">${words}</p></li>`);
      }
      const words = openWords(list);
      const box = document.createElement("div");
      box.innerHTML = ["status", "percent", "message"].map((part) => `<i class="watch-${part}"></i>`).join("");
      box.insertAdjacentHTML("beforeend", `<div class="progress"><b></b></div>`);
      const said = (job) => (progress.showJob(box, job), box.querySelector(".watch-message").textContent);
      const begun = { status: "transcribing", started: "2026-11-30T10:00:00Z", timestamp: "2026-11-30T10:02:00Z" };
      return {
        at: [-1, 0, 0.99, 1, 777.5, 5000].map(words.at),
        lights: [words.light(8.1) !== null, words.light(9.2), words.light(12) !== null, list.querySelectorAll(".lit").length],
        waits: [said({ status: "queued", progress: 0, position: 3, how_long: "usually about 4 min" }),
          said({ ...begun, progress: 25, message: "Minute 3", how_long: "usually about 4 min" }),
          said({ ...begun, progress: 25, message: "Minute 3", remaining_s: 90 }),
          said({ ...begun, progress: 25, message: "Minute 3", remaining_s: 47.6 }),
          said({ ...begun, progress: 99, message: "Storing" }), said({ ...begun, progress: 99, message: "Transcribing" })],
      };
    }""")
    assert found["at"] == [-1, 0, 0, 1, 777, 1999]
    assert found["lights"] == [True, None, True, 1]
    assert found["waits"] == [
        "Place in the queue: 3\u00a0· usually about 4 min",
        "Minute 3\u00a0· about 6:00 left", "Minute 3\u00a0· about 1:30 left", "Minute 3\u00a0· about 48\u00a0sec left",
        "Storing", "",
    ]  # fmt: skip


def test_the_figures_of_uploads_are_right(decide):
    """How fast it goes, what is refused, and who is next."""
    found = decide(["uploads/pace", "uploads/checks", "uploads/line"], """({ Pace }, { judge }, { Line }) => {
      const pace = new Pace(), unknown = new Pace();
      for (let second = 0; second <= 20; second += 1) {
        pace.note(second < 10 ? second * 100 : 1000 + (second - 10) * 500, second * 1000);
      }
      const file = (name, size, type = "") => ({ file: { name, size, type }, isContinued: false });
      const room = { most_bytes: 100, free_bytes: 150, lessons_left: 3, bytes_left: null };
      const asked = [file("a.mp4", 90), file("b.pdf", 9, "application/pdf"), file("c.mov", 101), file("d", 0), file("e", 61),
        { ...file("f.mp4", 99), isContinued: true }, file("g.webm", 10), file("h.avi", 10), file("i.mkv", 1)];
      const line = new Line(), begun = [];
      for (const state of ["waits", "paused", "waits", "waits"]) {
        const begin = function () { this.state = "sending"; begun.push(this); };
        line.add({ state, begin, file: { size: 100 }, sentBytes: 50, isActive: state === "waits" });
      }
      line.fill();
      line.fill();
      const atOnce = begun.length;
      begun[0].state = "done";
      line.fill();
      return {
        pace: [pace.bytesPerSecond, pace.secondsFor(1000), unknown.secondsFor(1)],
        refused: judge(asked, room, ["mp4", "mov", "mkv", "webm", "avi"]),
        full: judge([file("j.mp4", 30), file("k.mp4", 31)], { ...room, bytes_left: 100 }, ["mp4"], [{ size: 70 }]),
        line: [atOnce, begun.length, line.percent],
      };
    }""")
    assert found["pace"] == [500, 2, None]
    assert found["refused"] == [None, "noVideo", "tooLarge", "emptyFile", "noRoom", None, None, None, "overQuota"]
    assert found["full"] == [None, "overBytes"]
    assert found["line"] == [2, 3, 50]
