"""Makes the sample lesson: a drawn lesson with synthetic speech, its annotations and its pattern table.

    python tests/data/make_sample.py

Needs ffmpeg and espeak-ng. Every frame carries its number as sixteen black and white blocks along the lower edge, least
significant first, so that tests can read which frames a clip shows. The times of the sentences go into
sample_lesson.json.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
from openpyxl import Workbook
from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).resolve().parent
WIDTH, HEIGHT, RATE, SOUND_HZ = 640, 360, 25, 22_050
BLOCKS, BLOCK, BAR = 16, 40, 16
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
BOLD = FONT.replace("Sans.ttf", "Sans-Bold.ttf")
PAPER, INK, TEACHER, PUPIL = "#f4f1ea", "#1f2a44", "#2f6f73", "#b5573a"

# (speaker, language, sentence, pause after it in seconds)
SPEECH = (
    ("teacher", "en", "Good morning everyone. Please sit down and open your books.", 0.9),
    ("teacher", "en", "Today we are going to talk about the water in the world.", 1.0),
    ("teacher", "en", "Who can tell me what happens when the water gets hot?", 1.4),
    ("pupil", "en", "The water goes up into the air.", 0.8),
    ("teacher", "en", "Very good. That was a good answer.", 1.0),
    ("teacher", "ru", "Молодец. Не бойся отвечать, у тебя хорошо получается.", 1.0),
    ("pupil", "en", "But why does the rain come down again?", 0.9),
    ("teacher", "en", "That is a great question. When the air is cold the water comes back as rain.", 1.2),
    ("teacher", "en", "Remember, we call this the water cycle.", 1.0),
    ("teacher", "ru", "Подумайте, откуда берётся вода в реке?", 1.4),
    ("pupil", "en", "From the rain and from the snow.", 0.8),
    ("teacher", "en", "For your home work, write about the river near your house.", 1.0),
    ("teacher", "en", "Thank you for your work today. See you on Monday.", 1.5),
)  # fmt: skip
VOICES = {("teacher", "en"): ("en-us", 38), ("pupil", "en"): ("en-us+f3", 70), ("teacher", "ru"): ("ru", 38)}
PATTERNS = (
    ("Эмоциональная поддержка", "Учитель подбадривает ученика и снимает страх ошибки."),
    ("Похвала", "Учитель положительно оценивает ответ или старание."),
    ("Открытый вопрос", "Вопрос, на который нельзя ответить одним словом."),
    ("Объяснение", "Учитель излагает новое содержание."),
    ("Введение", "Начало урока: приветствие, тема, настрой."),
    ("Работа в группах", "Ученики обсуждают задание между собой."),
)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        sound, sentences = speak(Path(folder))
        duration_s = len(sound) / SOUND_HZ
        write_wav(Path(folder) / "speech.wav", sound)
        draw(Path(folder), sentences, duration_s)
    (HERE / "sample_lesson.json").write_text(json.dumps(sentences, ensure_ascii=False, indent=1) + "\n")
    write_annotations(sentences, duration_s)
    write_patterns()
    print(f"{duration_s:.1f} s, {(HERE / 'sample_lesson.mp4').stat().st_size / 1e6:.2f} MB")


def speak(folder: Path) -> tuple[np.ndarray, list[dict]]:
    """The sound (int16, mono) and the sentences with their times."""
    parts, sentences = [np.zeros(int(0.8 * SOUND_HZ), np.int16)], []
    for number, (speaker, language, text, pause_s) in enumerate(SPEECH):
        voice, pitch = VOICES[speaker, language]
        path = folder / f"{number}.wav"
        subprocess.run(["espeak-ng", "-v", voice, "-p", str(pitch), "-s", "135", "-w", str(path), text], check=True)
        with wave.open(str(path)) as file:
            heard = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        start_s = sum(map(len, parts)) / SOUND_HZ
        parts += [heard, np.zeros(int(pause_s * SOUND_HZ), np.int16)]
        end_s = start_s + len(heard) / SOUND_HZ
        sentences.append({"speaker": speaker, "language": language, "text": text,
                          "start_s": round(start_s, 3), "end_s": round(end_s, 3)})  # fmt: skip
    sound = np.concatenate(parts)
    whole = -len(sound) % (SOUND_HZ // RATE)
    return np.concatenate([sound, np.zeros(whole, np.int16)]), sentences


def write_wav(path: Path, sound: np.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SOUND_HZ)
        file.writeframes(sound.tobytes())


def draw(folder: Path, sentences: list[dict], duration_s: float) -> None:
    """Draw every frame and pipe them into ffmpeg with the sound."""
    command = [
        "ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE),
        "-i", "-", "-i", str(folder / "speech.wav"), "-c:v", "libx264", "-preset", "slow", "-crf", "26", "-g", "250",
        "-bf", "2", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "64k", "-ac", "1", "-movflags", "+faststart",
        "-threads", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact",
        str(HERE / "sample_lesson.mp4"),
    ]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.PIPE) as ffmpeg:
        for frame in range(round(duration_s * RATE)):
            ffmpeg.stdin.write(picture(frame, sentences).tobytes())
        ffmpeg.stdin.close()
    if ffmpeg.returncode:
        raise SystemExit("ffmpeg failed")


def picture(frame: int, sentences: list[dict]) -> Image.Image:
    time_s = frame / RATE
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    pen = ImageDraw.Draw(image)
    now = next((one for one in sentences if one["start_s"] <= time_s < one["end_s"]), None)
    board(pen, frame)
    person(pen, 86, 318, TEACHER, now is not None and now["speaker"] == "teacher", frame)
    for place in range(3):
        talks = now is not None and now["speaker"] == "pupil" and place == 1
        person(pen, 370 + place * 90, 330, PUPIL, talks, frame, 0.72)
    minutes, seconds = divmod(time_s, 60)
    pen.text((WIDTH - 112, 8), f"{int(minutes):02}:{seconds:05.2f}", INK, ImageFont.truetype(FONT, 16))
    for bit in range(BLOCKS):
        colour = "white" if frame >> bit & 1 else "black"
        pen.rectangle((bit * BLOCK, HEIGHT - BAR, (bit + 1) * BLOCK - 1, HEIGHT - 1), colour)
    return image


def board(pen: ImageDraw.ImageDraw, frame: int) -> None:
    """The blackboard with the lesson's subject and drops that fall."""
    pen.rounded_rectangle((150, 30, 610, 200), 8, "#2d4a43", "#8b6f47", 5)
    pen.text((176, 50), "The water cycle", "#f4f1ea", ImageFont.truetype(BOLD, 26))
    pen.text((176, 88), "Круговорот воды", "#cfe3dc", ImageFont.truetype(FONT, 18))
    pen.ellipse((440, 60, 520, 96), "#cfe3dc")
    pen.ellipse((480, 50, 570, 98), "#e4efeb")
    for drop in range(5):
        top = 104 + (frame * 2 + drop * 29) % 70
        pen.line((456 + drop * 24, top, 452 + drop * 24, top + 10), "#9cc8e8", 2)
    pen.rectangle((430, 182, 590, 192), "#6aa5cf")


def person(pen: ImageDraw.ImageDraw, x: int, ground: int, colour: str, talks: bool, frame: int, size: float = 1.0) -> None:
    """A head and shoulders; the mouth moves while the person talks."""
    head, body = int(34 * size), int(80 * size)
    pen.rounded_rectangle((x - head, ground - body, x + head, ground + 12), int(26 * size), colour)
    face, chin, lips = int(26 * size), ground - body, int(9 * size)
    pen.ellipse((x - face, chin - int(50 * size), x + face, chin + int(2 * size)), "#e8c4a0")
    mouth, top = int((4 + 5 * (frame // 3 % 2)) * size) if talks else 2, chin - int(16 * size)
    pen.ellipse((x - lips, top, x + lips, top + mouth), INK)
    if talks:
        pen.ellipse((x + head, ground - body - 56, x + head + 30, ground - body - 34), "white", colour, 2)


def write_annotations(sentences: list[dict], duration_s: float) -> None:
    """A Label Studio JSON export as version 1.23 writes it: two annotators, and everything that must be left out."""

    def audio(region: str, first: int, last: int, labels: list[str], initiator: str = "", text: str = "", shift: float = 0.0):
        start, end = sentences[first]["start_s"] + shift, sentences[last]["end_s"] + shift
        place = {"start": round(start, 4), "end": round(end, 4), "channel": 0}
        items = [item(region, "patterns", "audio", "labels", {**place, "labels": labels})]
        if initiator:
            items.append(item(region, "initiator", "audio", "choices", {**place, "choices": [initiator]}))
        if text:
            items.append(item(region, "description", "audio", "textarea", {**place, "text": [text]}))
        return items

    def item(region: str, control: str, target: str, kind: str, value: dict) -> dict:
        found = {"id": region, "from_name": control, "to_name": target, "type": kind, "origin": "manual", "value": value}
        return found if target == "video" else {"original_length": round(duration_s, 3), **found}

    points = [
        {"frame": 26, "enabled": True, "rotation": 0, "x": 5.0, "y": 50.0, "width": 18.0, "height": 40.0, "time": 1.04},
        {"frame": 120, "enabled": False, "rotation": 0, "x": 7.0, "y": 50.0, "width": 18.0, "height": 40.0, "time": 4.8},
    ]
    box = {"framesCount": round(duration_s * RATE), "duration": round(duration_s, 3), "sequence": points, "labels": ["Педагог"]}
    first = [
        *audio("q1", 2, 2, ["❓ Открытый вопрос П"], "Педагог", "Вопрос о нагревании воды"),
        *audio("p1", 4, 4, ["👍 Похвала П"], "Педагог"),
        *audio("s1", 4, 5, ["Эмоциональная поддержка П", "👍 Похвала П"], "Педагог", "Учитель подбадривает"),
        *audio("e1", 7, 8, ["Объяснение П"], "Педагог"),
        *audio("h1", 11, 11, ["Домашнее задание П"], "Педагог"),
        item("i1", "phases", "video", "timelinelabels", {"ranges": [{"start": 1, "end": 200}], "timelinelabels": ["Введение"]}),
        item("b1", "box", "video", "videorectangle", box),
        item("z1", "patterns", "audio", "labels", {"start": 5.0, "end": 5.0, "channel": 0, "labels": ["👍 Похвала П"]}),
    ]
    second = [
        *audio("q2", 2, 2, ["❓ Открытый вопрос П"], "Педагог", shift=0.12),
        *audio("q3", 9, 9, ["❓ Открытый вопрос П"], "Педагог"),
        *audio("s2", 5, 5, ["Эмоциональная поддержка П"], "Педагог"),
    ]
    annotations = [annotation(11, 1, first), annotation(12, 2, second), annotation(13, 2, [], was_cancelled=True)]
    task = {
        "id": 1, "annotations": annotations, "drafts": [], "predictions": [],
        "data": {"video": "http://127.0.0.1:5000/m/sample/lesson.mp4", "fps": RATE, "duration_s": round(duration_s, 3)},
        "meta": {}, "created_at": "2026-11-01T09:00:00.000000Z", "updated_at": "2026-11-01T10:00:00.000000Z",
        "allow_skip": True, "inner_id": 1, "total_annotations": 2, "cancelled_annotations": 1, "total_predictions": 0,
        "comment_count": 0, "unresolved_comment_count": 0, "last_comment_updated_at": None, "project": 1, "updated_by": 1,
        "comment_authors": [],
    }  # fmt: skip
    text = json.dumps([task], ensure_ascii=False, indent=1)
    (HERE / "sample_annotations.json").write_text(text + "\n", encoding="utf-8")


def annotation(number: int, annotator: int, result: list[dict], was_cancelled: bool = False) -> dict:
    return {
        "id": number, "completed_by": annotator, "result": result, "was_cancelled": was_cancelled, "ground_truth": False,
        "created_at": "2026-11-01T09:30:00.000000Z", "updated_at": "2026-11-01T09:30:00.000000Z",
        "draft_created_at": None, "lead_time": 61.5, "prediction": {}, "result_count": len({one["id"] for one in result}),
        "unique_id": f"00000000-0000-4000-8000-0000000000{number}", "import_id": None, "last_action": None,
        "bulk_created": False, "task": 1, "project": 1, "updated_by": annotator, "parent_prediction": None,
        "parent_annotation": None, "last_created_by": None,
    }  # fmt: skip


def write_patterns() -> None:
    book = Workbook()
    sheet = book.active
    sheet.title = "Паттерны"
    sheet.append(["Паттерн", "Описание"])
    for row in PATTERNS:
        sheet.append(list(row))
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 32, 70
    book.save(HERE / "sample_patterns.xlsx")


if __name__ == "__main__":
    main()
