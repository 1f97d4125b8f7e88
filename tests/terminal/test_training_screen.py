"""What appears on screen before and after a training, in English and in Korean."""

import io
import re

from made_records import VALUES, record

from overfitlab.events import ImagesLoaded, Noted, RunBegan, RunEnded
from overfitlab.reasons import reason
from overfitlab.report.data_text import data_lines
from overfitlab.results.history import EpochRow
from overfitlab.terminal.training_screen import TrainingScreen
from overfitlab.words.language import ENGLISH
from overfitlab.words.languages import language_named

KOREAN = language_named("ko")
DATA, NETWORK = VALUES["data"], VALUES["network"]
WHY = {"code": "no_ending_of_an_image", "values": {}}
EVERYTHING = record(
    method="batch_norm+dropout",
    data=DATA
    | {
        "skipped": [{"name": f"{letter}.txt", "reason": WHY} for letter in "abcdef"], "skipped_count": 1234,
        "class_images": {"training": [12, 2], "validation": [4, 4], "test": [4, 4]},
        "near_duplicates": {
            "validation": {"looked_at": 8, "found": 1, "pairs": []},
            "test": {"looked_at": 1000, "found": 0, "pairs": []},
        },
        "images": 40, "test_set_apart": True,
    },
    network=NETWORK
    | {
        "own_batch_norms": 1,
        "notes": [{"code": "network_brings", "values": {"network": "net.py:Net", "what": "batch_norm x 1"}}],
        "weights": {
            "sha256": "0" * 64, "loaded": ["a", "b"],
            "left_out": {"c": {"code": "weights_not_in_the_model", "values": {}}},
        },
    },
)  # fmt: skip
ROWS = [EpochRow(1, 1.0, 2.0, 0.2, 1.5, 0.5), EpochRow(2, 1.0, 1.0, 0.9, 1.8, 0.6)]


def lines(event, say=ENGLISH):
    stream = io.StringIO()
    TrainingScreen(stream, say).on(event)
    return stream.getvalue().splitlines()


def test_what_is_about_to_be_trained():
    event = RunBegan(EVERYTHING, [], ["torch", "processor"], [reason("run_starts_over")], 1, 4, 3)
    assert lines(event) == [
        "Note: the run starts over.",
        "Note: torch, processor changed since this run began. It resumes, but no longer bit for bit.",
        "Skipped 1234 files: "
        + "; ".join(f"{letter}.txt: its name does not end like an image format that is read" for letter in "abcde")
        + "; and 1,229 more, see run.json.",
        "Classes: from 10 images (b) to 20 (a). Accuracy favours large classes, so balanced accuracy, the mean over "
        "the classes, is shown as well.",
        "Near-duplicates: 1 of 8 validation images look like one in training, so their accuracy may partly be memory; "
        "look at duplicates.png (run.json lists them).",
        "Note: net.py:Net has built-in regularization, batch_norm x 1, and every method is added to it. --bare removes "
        "it.",
        "Weights: 2 tensors from the file. If it was trained on some of these images, what is measured here is partly "
        "memory.",
        "  c: not in this model",
        "Split: 14 training, 8 validation, 8 test (set apart by content); 10 images are left out; test images are not "
        "looked at",
        "Method: batch_norm+dropout, seed 1; notebook_cnn with 10 parameters, 9 trainable",
        "Protocol: notebook, 30 epochs, batches of 32, Adam 0.0001; float32, 1 thread, plain PyTorch",
        "Cores: 1 of 4; your other trainings use the rest.",
    ]
    said = "\n".join(lines(event, KOREAN))
    assert "참고: 이 실행을 시작한 뒤 torch, 프로세서가 바뀌었습니다." in said
    assert "파일 1234개를 건너뜀: a.txt: 이름에 읽을 수 있는 이미지 형식의 확장자가 없음; " in said
    assert "기법: 배치 정규화+드롭아웃, 시드 1; notebook_cnn, 파라미터 10개(훈련 가능 9개)" in said
    assert "net.py:Net에는 기법과 상관없이 규제(batch_norm x 1)가 들어 있어" in said
    assert not re.search(r"\b(images|the|of|is|are|with)\b", said), "English is left"


def identical(*pictures, blank=0):
    classes = [["a", "b", "c"][: len(images)] for images in pictures]
    listed = [{"images": images, "classes": names} for images, names in zip(pictures, classes, strict=True)]
    found = {"contradictions": listed, "found": len(listed), "blank": blank, "first_blank": 7 if blank else None}
    return record(data=DATA | {"identical": found}).data


def test_what_is_the_same_to_the_bit():
    one, two, several = ["a/0.png", "b/1.png"], ["a/2.png", "b/3.png"], [3, 5, 9]
    assert data_lines(identical(one), ENGLISH) == [
        "Labels: one image is in two classes, the same to the bit, so one label is wrong: a/0.png (a) and b/1.png (b)."
    ]
    assert data_lines(identical(one, two), ENGLISH) == [
        "Labels: 2 images are in two classes, the same to the bit, so one label is wrong: a/0.png (a) and b/1.png (b) "
        "(run.json lists them)."
    ]
    assert data_lines(identical(one, several), ENGLISH)[0].startswith("Labels: 2 images are in several classes, ")
    assert data_lines(identical(blank=12), ENGLISH) == ["Blank images, of one colour only: 12, the first image 7."]
    for found in (identical(one), identical(one, two), identical(several, one), identical(blank=1)):
        assert not re.search("[A-Za-z]{4}", re.sub(r"[\w/]+\.(png|json)", "", "".join(data_lines(found, KOREAN))))


def test_twins_of_another_class_cost_accuracy():
    counts = {"looked_at": 8, "found": 5, "pairs": [], "other_class": 3}
    data = record(data=DATA | {"near_duplicates": {"test": counts}}).data
    worse, memory = data_lines(data, ENGLISH)
    assert worse.startswith("Near-duplicates: 3 of 8 test images look like one of another class in training and ")
    assert memory.startswith("Near-duplicates: 2 of 8 test images look like one in training and validation, so ")
    only = record(data=DATA | {"near_duplicates": {"test": counts | {"other_class": 5}}}).data
    assert not any("memory" in line for line in data_lines(only, ENGLISH))


def test_a_class_without_an_image_in_a_part():
    data = record(data=DATA | {"class_images": {"training": [9, 9], "validation": [4, 0], "test": [0, 0]}}).data
    (line,) = (line for line in data_lines(data, ENGLISH) if "without" in line)
    assert line == (
        "Classes without a validation image: b. Measurements there do not cover them."
    )  # and nothing of a part that is empty
    assert "검증 이미지가 없는 클래스: b" in "".join(data_lines(data, KOREAN))


def test_how_images_were_read():
    notes = [{"code": "images_resized", "values": {"before": "145x140", "after": "32x32"}}]
    data = record(data=DATA | {"notes": notes}).data
    assert data_lines(data, ENGLISH)[0] == ("Note: resized from about 145x140 to 32x32; --image-size changes that.")


def test_where_other_trainings_compute():
    crowded = RunBegan(record(), [], [], [], 0, 2, 2)
    assert lines(crowded)[-1] == (
        "Note: other trainings of yours already use all 2 cores. Running together slows all of them; run them in turn."
    )
    assert lines(crowded, KOREAN)[-1].startswith("참고: 다른 훈련이 이미 코어 2개를 모두 쓰고 있습니다.")
    wide = record(resolved=VALUES["resolved"] | {"threads": 2})
    assert lines(RunBegan(wide, [], [], [], 1, 2, 1))[-1] == (
        "Note: other trainings of yours already use 1 of 2 cores, and this one has 2 threads. Running together slows "
        "all of them. Run them in turn, or give each --threads 1."
    )
    graphics = record(resolved=VALUES["resolved"] | {"device": "cuda"})
    note = "Note: plain PyTorch is used on cuda, on which overfitlab has not been tested."
    assert lines(RunBegan(graphics, [], [], [], 1, 2, 0))[-1] == note


def test_the_images_and_what_is_noted_of_them():
    note = reason("other_checksums", name="CIFAR-10")
    loaded = ImagesLoaded("cifar10", "/data", 60000, (32, 32, 3), 10, note, False)
    assert lines(loaded) == [
        "Data: cifar10 from /data, 60,000 images 32x32x3, 10 classes",
        "Note: this copy of CIFAR-10 has other checksums than the official release.",
    ]
    assert lines(loaded, KOREAN)[0] == "데이터: cifar10(/data), 이미지 60,000장 32x32x3, 클래스 10개"
    digits = reason("digits_instead", why="no network")
    box = lines(ImagesLoaded("digits", "scikit-learn", 1797, (8, 8, 1), 10, digits, True), KOREAN)
    assert box[0] == box[-2] == "!" * 88
    assert all(line.startswith("!! ") for line in box[1:-2])
    assert lines(Noted(reason("no_checkpoint")), KOREAN) == [f"참고: {KOREAN.reason(reason('no_checkpoint'))}."]


def test_the_outcome(tmp_path):
    finished = RunEnded(str(tmp_path / "mine"), record(), ROWS, before=True)
    assert lines(finished) == [
        "This run has already finished, so nothing is trained again. Use another --seed or --out for a new run.",
        "",
        "Lowest val_loss 1.5000 in epoch 1 (val_acc 0.5000), still near chance: too early to speak of overfitting; by "
        "epoch 2 val_loss is 1.8000 (loss 1.0000) and val_acc 0.6000 (acc 0.9000).",
        f"See {tmp_path}/mine/curves.png (and curves.svg, history.csv, weights.safetensors, model.txt, run.json)",
    ]
    said = lines(finished, KOREAN)
    assert said[2] == (
        "val_loss는 에포크 1에서 1.5000(val_acc 0.5000)로 가장 낮고, 에포크 2에서 val_loss 1.8000(loss 1.0000), "
        "val_acc 0.6000(acc 0.9000)입니다. 아직 찍어서 맞히는 수준이므로 과대적합을 말하기에는 이릅니다."
    )
    assert said[3].startswith(f"결과: {tmp_path}/mine/curves.png (그 밖에 curves.svg")
