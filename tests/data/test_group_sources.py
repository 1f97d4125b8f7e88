"""What stands after `--groups`: lists as people have them, rules, arrays; and one line where an image has no group."""

import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refusals import refused

from overfitlab.data import loading
from overfitlab.data.sources import group_rule
from overfitlab.data.sources.group_rule import matched
from overfitlab.errors import DataError, UsageError

NAMES = [f"{kind}/p{patient}_{number}.png" for kind in ("cat", "dog") for patient in range(6) for number in range(2)]
PATIENTS = [Path(name).name.partition("_")[0] for name in NAMES]  # a patient is in both classes


@pytest.fixture
def photos():
    rng = np.random.default_rng(0)
    for name in NAMES:
        path = Path("photos", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(path)
    return Path("photos")


def wanted():
    return sorted(frozenset(name for name, patient in zip(NAMES, PATIENTS, strict=True) if patient == f"p{one}")
                  for one in range(6))  # fmt: skip


def found(given, data="photos"):
    dataset = loading.load(data, groups=given)
    codes, names = dataset.groups.codes, dataset.image_names
    assert not set(codes[dataset.test]) & set(codes[dataset.learning])
    return sorted(frozenset(name for name, one in zip(names, codes, strict=True) if one == code) for code in set(codes))


def write(lines, name="list.csv", encoding="utf-8"):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_bytes("\n".join(lines).encode(encoding))
    return name


PAIRS = list(zip(NAMES, PATIENTS, strict=True))
LISTS = {
    "plain": lambda: write([",".join(pair) for pair in PAIRS]),
    "header": lambda: write(["path,patient", *(f"{name},{patient}" for name, patient in PAIRS)]),
    "unknown header": lambda: write(["bild,wer", *(f"{name},{patient}" for name, patient in PAIRS)]),
    "byte-order mark": lambda: write(["file,group", *(",".join(pair) for pair in PAIRS)], encoding="utf-8-sig"),
    "utf-16": lambda: write(["\t".join(pair) for pair in PAIRS], "list.tsv", "utf-16"),
    "semicolons": lambda: write(["Path;Group ID", *(";".join(pair) for pair in PAIRS)]),
    "windows": lambda: write([",".join((name.replace("/", "\\"), f"{patient}\r")) for name, patient in PAIRS]),
    "quoted": lambda: write([f'"{name}","{patient}"' for name, patient in PAIRS]),
    "columns in any order": lambda: write(
        ["age,patient_id,dx,image_path", *(f"50,{patient},x,./{name}" for name, patient in PAIRS)]
    ),
    "from the list's folder": lambda: write([f"../photos/{name},{patient}" for name, patient in PAIRS], "lists/a.csv"),
    "from where the list lies": lambda: write([f"photos/{name},{patient}" for name, patient in PAIRS]),
    "absolute": lambda: write([f"{Path('photos').absolute() / name},{patient}" for name, patient in PAIRS]),
    "with others": lambda: write([*(",".join(pair) for pair in PAIRS), "cat/gone.png,p9", ""]),
}


@pytest.mark.parametrize("make", LISTS.values(), ids=LISTS)
def test_lists(photos, make):
    assert found(make()) == wanted()


def test_a_list_may_name_files_alone_where_that_is_enough():
    rng = np.random.default_rng(0)
    lines = ["lesion_id,image_id,dx"]
    for number in range(24):
        path = Path("photos", "ab"[number % 2], f"IMG_{number}.jpg")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(path)
        lines.append(f"L{number // 4},IMG_{number},x")
    assert sorted(map(len, found(write(lines)))) == [4] * 6
    assert sorted(map(len, found(write([line.replace(",x", "") for line in lines])))) == [4] * 6, (
        "the first one is a header"
    )


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_that_look_equal_are_equal(form):
    rng = np.random.default_rng(0)
    lines = []
    for kind, number in [(kind, number) for kind in "ab" for number in range(8)]:
        path = Path("photos", kind, f"caf\u00e9{number}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(path)
        lines.append(unicodedata.normalize(form, f"{kind}/caf\u00e9{number}.png,{number // 2}"))
    assert len(found(write(lines))) == 4


@pytest.mark.parametrize("given", ["name:^(.*?)_", "list.csv", "array:patient"])
def test_groups_that_look_equal_are_equal(given):
    """One patient's images from two computers: é as one sign and as two, in names, in a list and in an array."""
    rng = np.random.default_rng(0)
    named = [(kind, patient, number) for kind in "ab" for patient in range(4) for number in range(4)]
    spelled = [
        unicodedata.normalize("NFC" if number % 2 else "NFD", f"\u00e9{patient}") for _, patient, number in named
    ]
    if given.startswith("array"):
        x, y = rng.integers(0, 256, (32, 8, 8), dtype=np.uint8), np.array([kind for kind, _, _ in named])
        np.savez("photos.npz", x=x, y=y, patient=np.array(spelled))
        data = loading.load("photos.npz", groups=given)
        assert data.notes == ()  # none that says the array is not used
    else:
        for (kind, _, number), patient in zip(named, spelled, strict=True):
            path = Path("photos", kind, f"{patient}_{number}.png")
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(path)
        write(
            [
                f"{kind}/{patient}_{number}.png,{patient}"
                for (kind, _, number), patient in zip(named, spelled, strict=True)
            ]
        )
        data = loading.load("photos", groups=given)
    assert len(data.groups.names) == 4


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_lists_in_every_unicode(photos, encoding):
    Path("list.csv").write_bytes("\n".join(",".join(pair) for pair in PAIRS).encode(encoding))
    assert found("list.csv") == wanted()


@pytest.mark.parametrize("rule", ["name:^(.*?)_", "name:^(p[0-9]+)", "path:/(p.)_", r"path:(p\d)(?:_)"])
def test_rules(photos, rule):
    assert found(rule) == wanted()


def test_a_rule_for_paths_sees_folders():
    rng = np.random.default_rng(0)
    for kind, patient, number in [(kind, patient, number) for kind in "ab" for patient in range(4) for number in "xy"]:
        path = Path("photos", kind, f"patient {patient}", f"{number}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(path)
    assert sorted(map(len, found("path:^[^/]+/([^/]+)/"))) == [4] * 4


@pytest.mark.parametrize(
    ("given", "kind", "code", "values"),
    [
        ("missing.csv", UsageError, "groups_not_there", {"given": "missing.csv"}),
        ("name:(x", UsageError, "rule_is_no_pattern", {"pattern": "(x"}),
        ("name:^p", UsageError, "rule_of_another_form", {"count": 0}),
        ("name:(p)(_)", UsageError, "rule_of_another_form", {"count": 2}),
        ("name:", UsageError, "rule_of_another_form", {"count": 0}),
        ("path:^cat/(.*?)_", DataError, "images_without_group", {"count": 12, "images": 24}),
        ("name:^p(x?)", DataError, "images_without_group", {"count": 24}),
        ("array:groups", UsageError, "array_of_no_npz", {}),
        ("photos", UsageError, "groups_are_a_folder", {"given": "photos"}),
        ("a\0b", UsageError, "groups_not_there", {}),
    ],
)
def test_what_is_no_rule_and_no_list(photos, given, kind, code, values):
    with refused(kind, code, **values):
        loading.load("photos", groups=given)


@pytest.mark.parametrize(
    ("lines", "code", "values"),
    [
        ([], "groups_empty", {}),
        (["", ","], "groups_empty", {}),
        (["path,group"], "groups_empty", {}),
        (["a,b,c"], "groups_without_columns", {"count": 3}),
        (["photo"], "groups_without_columns", {"count": 1}),
        (["cat/p0_0.png,p0", "cat/p0_0.png,p1"], "image_of_two_groups", {"one": "p0", "other": "p1", "line": 2}),
        (["path,group", "cat/p0_0.png"], "groups_line_too_short", {"line": 2}),
        (["x.png,a"], "groups_of_other_images", {"images": 24, "example": "cat/p0_0.png"}),
        (
            [",".join(pair) for pair in PAIRS[:-2]],
            "images_without_group",
            {"count": 2, "names": "dog/p5_0.png, dog/p5_1.png"},
        ),
        ([f"{name}," for name in NAMES], "groups_empty", {}),
        (['"cat/p0_0.png,p0'], "groups_no_table", {}),
    ],
)
def test_lists_that_cannot_be_used(photos, lines, code, values):
    with refused(DataError, code, **values):
        loading.load("photos", groups=write(lines))


def test_a_list_that_is_no_text(photos):
    Path("list.csv").write_bytes(b"cat/p0_0.png,\xff\xfe\xfa\n")
    with refused(DataError, "groups_in_another_encoding"):
        loading.load("photos", groups="list.csv")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_list_that_is_no_file(photos):
    os.mkfifo("list.csv")
    with refused(UsageError, "groups_not_there"):
        loading.load("photos", groups="list.csv")


def test_a_pattern_without_end_is_stopped(monkeypatch):
    monkeypatch.setattr(group_rule, "SECONDS", 1)
    with refused(UsageError, "rule_takes_too_long", names=1):
        matched("name:x", "^(?:a+)+(b)$", ["a" * 40])


X = np.random.default_rng(0).integers(0, 256, (36, 8, 8), dtype=np.uint8)
Y, G = np.arange(36) % 3, np.arange(36) // 6


def codes(given, **arrays):
    np.savez("m.npz", **arrays)
    return loading.load("m.npz", groups=given)


def test_an_array_of_the_file():
    found = codes("array:patients", x=X, y=Y, patients=np.array([f"p{one}" for one in G]))
    np.testing.assert_array_equal(found.groups.codes, G)
    assert len(np.unique(G[found.test])) + len(np.unique(G[found.learning])) == 6
    assert codes("array:g", x=X, y=Y, g=G).groups.sha256 == found.groups.sha256
    assert codes("array:g", x=X, y=Y, g=np.array([b"p%d" % one for one in G])).groups.sha256 == found.groups.sha256


def test_arrays_of_the_parts():
    arrays = {"x_train": X[:24], "y_train": Y[:24], "x_test": X[24:], "y_test": Y[24:]}
    for groups in ({"g_train": G[:24], "g_test": G[24:]}, {"g": G[:24], "g_test": G[24:]}, {"g": G}):
        np.testing.assert_array_equal(codes("array:g", **arrays, **groups).groups.codes, G)


def test_numbers_of_the_images_in_a_list():
    write(["index,group", *(f"{row},{group}" for row, group in enumerate(G))])
    found = codes("list.csv", x=X, y=Y)
    np.testing.assert_array_equal(found.groups.codes, G)


@pytest.mark.parametrize(
    ("given", "arrays", "kind", "code", "values"),
    [
        ("array:g", {}, DataError, "npz_without_groups", {"name": "g", "arrays": "x, y"}),
        ("array:g", {"g": G[:-1]}, DataError, "groups_of_another_length", {"count": 35, "images": 36}),
        ("array:g", {"g_train": G[:-1]}, DataError, "groups_of_another_length", {"count": 35, "name": "g"}),
        ("array:g", {"g": G / 2}, DataError, "groups_of_no_kind", {}),
        ("array:g", {"g": G[:, None]}, DataError, "groups_of_no_kind", {}),
        ("array:g", {"g": G.astype(object)}, DataError, "groups_array_unreadable", {"name": "g"}),
        ("name:(.)", {}, UsageError, "rule_for_images_without_names", {}),
    ],
)
def test_arrays_that_cannot_be_used(given, arrays, kind, code, values):
    with refused(kind, code, **values):
        codes(given, x=X, y=Y, **arrays)


def test_published_sets_have_numbers():
    write([f"{row},{row // 10}" for row in range(1797)])
    found = loading.load("digits", groups="list.csv", image_size=(16, 16))
    assert found.image_shape == (16, 16, 1)
    assert not set(found.groups.codes[found.test]) & set(found.groups.codes[found.learning])
    assert abs(len(found.test) - 359) < 20


def test_content_hash_tells_which_images_test(photos):
    plain, grouped = loading.load("photos"), loading.load("photos", groups="name:^(.*?)_")
    assert plain.groups is None
    assert (plain.content_hash == grouped.content_hash) == (plain.test.tolist() == grouped.test.tolist())
