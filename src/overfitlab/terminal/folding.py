"""Text in several styles, folded for a terminal."""

from rich.text import Text

from overfitlab.words.columns import wrapped

NARROWEST = 30  # columns beside an indent: where there are fewer, folded lines begin farther to the left
LITTLE = 2


def hanging(text: Text, width: int, indent: int) -> Text:
    """Return text folded at words as `wrapped` folds it, lines that go on below `indent` columns; styles stay."""
    below = indent if width - indent >= NARROWEST else LITTLE
    folded = []
    for line in text.split("\n", allow_blank=True):
        head, rest = line[:indent], line[indent:]
        place = 0
        pieces = []
        for part in wrapped(rest.plain, width - indent if below == indent else width - below):
            place = rest.plain.index(part, place)
            pieces.append(rest[place : place + len(part)])
            place += len(part)
        if below != indent:  # what is in front has a line of its own
            pieces.insert(0, Text())
        folded.append(Text.assemble(head, Text(f"\n{' ' * below}").join(pieces)))
    return Text("\n").join(folded)
