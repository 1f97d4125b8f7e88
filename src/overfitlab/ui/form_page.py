"""The form that starts a study: what can be chosen, and what stands beside the button before it is pressed."""

import io
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from PIL import Image
from starlette.requests import Request

from overfitlab.api.planning import MODELS, PROTOCOLS, Images, Outlook, Wish, look_at, outlook
from overfitlab.data.catalog.inventory import inventory
from overfitlab.data.dataset import Images as Pixels
from overfitlab.data.dataset import Labels
from overfitlab.data.loading import brightest
from overfitlab.describe.card import Card
from overfitlab.errors import UsageError
from overfitlab.files import file_name
from overfitlab.methods import registry
from overfitlab.ui.desk import Desk
from overfitlab.words.language import Language

ROWS, COLUMNS, SIDE = 3, 12, 40  # pictures of a sheet: images of each class in turn, and pixels of one
WHITE = 255
NONE = "none"


@dataclass(frozen=True)
class Choice:
    """Images that can be chosen."""

    given: str
    title: str


@dataclass
class Looked:
    """What has been looked at: images are read once, and not kept."""

    images: dict[str, Images] = field(default_factory=dict)
    sheets: dict[str, bytes] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def at(self, given: str) -> Images:
        """Return what there is to know of images; raises what loading them raises."""
        with self.lock:
            if given not in self.images:
                dataset = look_at(given)
                self.sheets[given] = contact_sheet(dataset.images, dataset.labels, brightest(dataset.source))
                self.images[given] = Images.of(dataset, given)
            return self.images[given]


@dataclass(frozen=True)
class Entry:
    """A method in the form."""

    name: str
    label: str
    card: Card
    chosen: bool
    strength: str


def choices(desk: Desk, say: Language) -> tuple[list[Choice], list[str]]:
    """Return the images that can be chosen, and the names of published sets that would have to be fetched before."""
    entries = inventory()
    here = [
        Choice(each.name, say(each.title) if each.to_fetch is None else each.title) for each in entries if each.here
    ]
    here.sort(key=lambda each: each.given != "digits")  # quick, and always there
    here += [Choice(given, given) for given in desk.data]
    return here, [each.name for each in entries if not each.here]


def methods(values: Mapping[str, list[str]], say: Language) -> list[Entry]:
    """Return the methods with their cards, as far as they have been chosen in the form."""
    from overfitlab.api.describing import all_cards

    cards, _ = all_cards(say)
    chosen = values.get("method", ["dropout", "batch_norm"])
    return [
        Entry(card.name, str(say.method(card.name)), card, card.name in chosen or card.name == NONE,
              values.get(f"strength-{card.name}", [card.defaults.replace(" ", "")])[0])
        for card in sorted(cards, key=lambda card: card.name != NONE)
        if card.name != "as_is"  # it needs a network that brings something
    ]  # fmt: skip


def wish_of(values: Mapping[str, list[str]], desk: Desk, say: Language) -> Wish:
    """Return what a form asks for; raises `UsageError` for images that were not offered."""
    known = {each.given for each in choices(desk, say)[0]}
    data = _one(values, "data") or "digits"
    if data not in known:
        raise UsageError("data_not_offered", "{data!r} is not among the images that can be chosen here", data=data)
    chosen = [NONE]
    for name in values.get("method", []):
        strength = _one(values, f"strength-{name}").replace(" ", "").strip(",")
        chosen += [f"{name}:{strength}" if strength else name] if name != NONE else []
    chosen += _one(values, "compositions").split()
    labels = [registry.parse(method).label for method in chosen]  # what is as it is by default need not be said
    until = _one(values, "maximum") if _one(values, "mode") == "until" else None
    return Wish(
        data=data, methods=tuple(labels), model=_one(values, "model") or MODELS[0],
        protocol=_one(values, "protocol") or PROTOCOLS[0], epochs=_one(values, "epochs"),
        seeds=_one(values, "seeds"), until_decided=until, budget=_one(values, "budget"),
    )  # fmt: skip


def looked(desk: Desk, seen: Looked, wish: Wish) -> Outlook:
    """Return what a wish amounts to; raises `UsageError` where it cannot be, and what loading the images raises."""
    return outlook(wish, seen.at(wish.data), desk.runs)


def name_of(values: Mapping[str, list[str]], found: Outlook) -> str:
    """Return what the study is to be called: what was typed, else after what it compares."""
    return _one(values, "name") or file_name(found.name)


def contact_sheet(images: Pixels, labels: Labels, white: int) -> bytes:
    """Return a PNG with images of the classes in turn, a row after the other."""
    count = int(labels.max()) + 1
    by_class = [np.flatnonzero(labels == label)[: ROWS * COLUMNS] for label in range(min(count, ROWS * COLUMNS))]
    order = [rows[turn] for turn in range(ROWS * COLUMNS) for rows in by_class if turn < len(rows)][: ROWS * COLUMNS]
    sheet = Image.new("RGB", (COLUMNS * SIDE, math.ceil(len(order) / COLUMNS) * SIDE), "white")
    for place, row in enumerate(order):
        values = np.rint(np.array(images[row]).astype(np.float64) * WHITE / white).clip(0, WHITE).astype(np.uint8)
        picture = Image.fromarray(values[..., 0] if values.shape[2] != 3 else values).convert("RGB")
        picture.thumbnail((SIDE - 4, SIDE - 4))
        scale = max(1, (SIDE - 4) // max(picture.size))
        picture = picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)
        down, across = divmod(place, COLUMNS)
        sheet.paste(picture, (across * SIDE + (SIDE - picture.width) // 2, down * SIDE + (SIDE - picture.height) // 2))
    stream = io.BytesIO()
    sheet.save(stream, "png")
    return stream.getvalue()


def _one(values: Mapping[str, list[str]], name: str) -> str:
    return next(iter(values.get(name, [])), "").strip()


def looked_of(request: Request) -> Looked:
    """Return what the server that was asked has looked at."""
    state = request.app.state
    if not hasattr(state, "looked"):
        state.looked = Looked()
    found: Looked = state.looked
    return found
