"""The images of a run or a study, found again by what its record says of them."""

import os
from collections.abc import Sequence
from pathlib import Path

from overfitlab.data import loading
from overfitlab.data.catalog.published import SETS
from overfitlab.data.dataset import Dataset
from overfitlab.events import Listener
from overfitlab.records.data_record import DataRecord


def recorded(
    record: DataRecord,
    image_size: Sequence[int] | None,
    folder: Path | None = None,
    *,
    groups: str | None = None,
    listener: Listener | None = None,
    fetch: bool = True,
) -> Dataset:
    """Return the images that the data record of a run or a study names, from where they were, or from `folder`.

    What keeps groups together is the record's, or `groups`. Without `fetch` a published set that is no longer on this
    machine is not downloaded. Raises what `loading.load` raises; whether they are still the same images, their
    `content_hash` says.
    """
    where = folder or (Path(record.data_dir) if record.data_dir else None)
    if where is None and record.source in SETS and os.path.exists(record.origin):  # noqa: PTH110 - never raises
        where = Path(record.origin).parent  # found by a variable that may no longer be set
    size = (image_size[0], image_size[1]) if image_size else None
    groups = groups or (record.groups.source if record.groups else None)
    return loading.load(record.source, where, image_size=size, groups=groups, listener=listener, fetch=fetch)
