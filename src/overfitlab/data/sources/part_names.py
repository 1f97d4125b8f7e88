"""What people call the parts of a data set, in names of folders and of arrays."""

import re
import unicodedata

TRAIN, VALIDATION, TEST = "train", "validation", "test"
PARTS = (TRAIN, VALIDATION, TEST)
PART_NAMES = {
    "train": TRAIN, "training": TRAIN, "trainval": TRAIN,
    "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION, "validate": VALIDATION, "dev": VALIDATION,
    "test": TEST, "testing": TEST,
}  # fmt: skip
# besides, where they stand beside others in a name: 학습용_이미지
MORE_WORDS = {
    "development": VALIDATION,
    "학습": TRAIN, "학습용": TRAIN, "훈련": TRAIN, "훈련용": TRAIN,
    "검증": VALIDATION, "검증용": VALIDATION,
    "테스트": TEST, "테스트용": TEST, "시험": TEST, "시험용": TEST, "평가": TEST, "평가용": TEST,
}  # fmt: skip
JOINED = re.compile(rf"({'|'.join(PART_NAMES)})(?:sets?|data|datasets?|images?|imgs?|photos?|pics?)")


def part_named(name: str) -> str | None:
    """Return the part whose name this is, `Train` or `val`; None where it is no such name."""
    return PART_NAMES.get(unicodedata.normalize("NFC", name).lower())


def part_within(name: str) -> str | None:
    """Return the part that a longer name speaks of: `training_set`, `seg_train`, `testImages`, `test1`.

    None where it speaks of none, or of two.
    """
    found = {part for word in words_of(name) if (part := _part_of(word.rstrip("0123456789"))) is not None}
    return found.pop() if len(found) == 1 else None


def besides_the_part(name: str) -> tuple[str, ...]:
    """Return the words of a name that do not speak of a part: of `seg_train` it is seg."""
    return tuple(word for word in words_of(name) if _part_of(word.rstrip("0123456789")) is None)


def words_of(name: str) -> list[str]:
    """Return the words of a name in lower case: `X_train`, `x-train` and `xTrain` are x and train."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", unicodedata.normalize("NFC", name))
    return re.findall(r"[^\W_]+", apart.lower())


def _part_of(word: str) -> str | None:
    joined = JOINED.fullmatch(word)
    return PART_NAMES.get(joined[1] if joined else word) or MORE_WORDS.get(word)
