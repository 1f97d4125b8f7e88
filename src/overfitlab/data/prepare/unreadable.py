"""Files that are no images, and what they are instead: the reason is the only help that their owner gets."""

from pathlib import Path

from overfitlab.errors import DataError

HEAD = 1024  # bytes that say what a file is
LFS = b"version https://git-lfs.github.com/spec/"
ANNEX = b"/annex/objects/"
WEB_PAGES = (b"<!doctype html", b"<html")
# how files of formats begin that are read, so that what cannot be opened is damaged (or of a rare kind)
KNOWN_BEGINNINGS = (
    *(b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*"),
    *(b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"),
)
# of ISO/IEC 23008-12, as telephones write it, also where somebody called the file .jpg
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


class UnreadableImageError(DataError):
    """A file that is no image, or a damaged or unsuitable one; its text is the reason, without the file's name.

    `passing` where the same file may well be read another time: no permission, no memory.
    """

    def __init__(self, code: str, template: str = "", /, *, passing: bool = False, **values: object) -> None:
        super().__init__(code, template, **values)
        self.passing = passing


def beginning(path: Path) -> bytes:
    """Return the first bytes of a file, none where it cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(HEAD)
    except OSError:
        return b""


def not_an_image(path: Path, *, with_heif: bool) -> UnreadableImageError:
    """Return why a file is not one that a decoder knows; `with_heif` where HEIC can be decoded."""
    head = beginning(path)
    if (pointer := pointer_of(head)) is not None:
        return pointer
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(WEB_PAGES):
        return UnreadableImageError("image_is_web_page", "it is a web page, not an image; fetch the image again")
    if head and not head.strip(b"\0"):
        return UnreadableImageError("image_of_zeros", "it contains only zeros; copy it again")
    heif = path.suffix.lower() in (".heic", ".heif") or (head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS)
    if heif and not with_heif:
        return UnreadableImageError(
            "image_needs_heif", "it is not an image of a known format; for HEIC: pip install 'overfitlab[heif]'"
        )
    if head.startswith(KNOWN_BEGINNINGS):
        return UnreadableImageError("image_damaged", "it is damaged")
    return UnreadableImageError("image_format_unknown", "it is not an image of a known format")


def pointer_of(head: bytes) -> UnreadableImageError | None:
    """Return the reason where a file that begins so stands for one that was not fetched; None where it does not."""
    if head.startswith(LFS):
        return UnreadableImageError(
            "file_is_lfs_pointer", "it is a Git LFS pointer, not the file itself; fetch the files with: git lfs pull"
        )
    if head.startswith(ANNEX):
        return UnreadableImageError(
            "file_is_annex_pointer",
            "it is a git-annex pointer, not the file itself; fetch the files with: git annex get",
        )
    return None


def dangling(path: Path) -> UnreadableImageError | None:
    """Return the reason where a path that leads to nothing is a link, as git-annex leaves them; else None."""
    try:
        target = path.readlink().as_posix().encode(errors="surrogateescape")
    except OSError:  # it is no link
        return None
    if ANNEX in target:
        return pointer_of(ANNEX)
    return UnreadableImageError("link_leads_nowhere", "it is a link to a file that is not there")
