"""What a reader of results has to know about the images, in sentences: for a screen, and for a report."""

from overfitlab.records.data_record import DataRecord
from overfitlab.records.run_folder import DUPLICATES, RECORD
from overfitlab.report.group_text import group_lines, group_notes
from overfitlab.words.language import Language

LISTED = 5  # files in a message
IMBALANCED = 1.5  # times as many images in the largest class as in the smallest


def data_lines(data: DataRecord, say: Language, record: str = RECORD, seed: int | None = None) -> list[str]:
    """Return what a reader of results has to know about the images; `record` is the file that says more.

    `seed` is the one whose parts they are, where others have other ones.
    """
    lines = [say("Note: {what}.", what=say.reason(note)) for note in data.notes]
    if data.skipped_count:
        listed = "; ".join(f"{file.name}: {say.reason(file.reason)}" for file in data.skipped[:LISTED])
        if data.skipped_count > LISTED:
            listed += say("; and {count:,} more, see {file}", count=data.skipped_count - LISTED, file=record)
        lines.append(say("Skipped {files}: {listed}.", files=say.count(data.skipped_count, "file"), listed=listed))
    images = [sum(counts) for counts in zip(*data.class_images.values(), strict=True)]
    least, most = min(images), max(images)
    if most >= IMBALANCED * least:
        fewest, largest = (data.classes[images.index(count)] for count in (least, most))
        lines.append(
            say(
                "Classes: from {least:,} images ({fewest}) to {most:,} ({largest}). Accuracy favours large "
                "classes, so balanced accuracy, the mean over the classes, is shown as well.",
                least=least, fewest=fewest, most=most, largest=largest,
            )
        )  # fmt: skip
    for part, counts in data.class_images.items():
        missing = [name for name, count in zip(data.classes, counts, strict=True) if not count]
        if any(counts) and missing:
            named = ", ".join(missing[:LISTED]) + (", ..." if len(missing) > LISTED else "")
            lines.append(say("Classes without a {part} image: {names}. Measurements there do not cover them.",
                             part=say(part), names=named))  # fmt: skip
    lines += _identical_lines(data, say, record)
    if data.groups is not None:
        lines += [*group_lines(data.groups, say, seed), *group_notes(data.groups, data.images, say)]
    for part, found in data.near_duplicates.items():
        others = say("training" if part == "validation" else "training and validation")
        if found.other_class:
            lines.append(
                say(
                    "Near-duplicates: {found:,} of {looked_at:,} {part} images look like one of another class in "
                    "{others}, which costs accuracy; look at {file} ({record} lists them).",
                    found=found.other_class, looked_at=found.looked_at, part=say(part), others=others, file=DUPLICATES,
                    record=record,
                )
            )  # fmt: skip
        if found.found > found.other_class:
            lines.append(
                say(
                    "Near-duplicates: {found:,} of {looked_at:,} {part} images look like one in {others}, so their "
                    "accuracy may partly be memory; look at {file} ({record} lists them).",
                    found=found.found - found.other_class, looked_at=found.looked_at, part=say(part), others=others,
                    file=DUPLICATES, record=record,
                )
            )  # fmt: skip
    return lines


def _identical_lines(data: DataRecord, say: Language, record: str) -> list[str]:
    """Return what is the same to the bit: in two classes one label is wrong, and blank images show nothing."""
    found, lines = data.identical, []
    if found is None:
        return []
    if found.contradictions:
        first = found.contradictions[0]
        named = [f"{_image(image, say)} ({kind})" for image, kind in zip(first.images, first.classes, strict=True)]
        where = {"first": say.listing(named), "found": found.found, "record": record}
        if any(len(each.images) > 2 for each in found.contradictions):
            said = say(
                "Labels: {found:,} images are in several classes, the same to the bit, so only one label can be right: "
                "{first} ({record} lists them).",
                **where,
            )
        elif found.found == 1:
            said = say(
                "Labels: one image is in two classes, the same to the bit, so one label is wrong: {first}.", **where
            )
        else:
            said = say(
                "Labels: {found:,} images are in two classes, the same to the bit, so one label is wrong: {first} "
                "({record} lists them).",
                **where,
            )
        lines.append(said)
    if found.blank and found.first_blank is not None:
        lines.append(
            say("Blank images, of one colour only: {count:,}, the first {first}.",
                count=found.blank, first=_image(found.first_blank, say))
        )  # fmt: skip
    return lines


def _image(named: str | int, say: Language) -> str:
    return say("image {number}", number=named) if isinstance(named, int) else named
