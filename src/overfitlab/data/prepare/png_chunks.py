"""PNG files without what they say besides their pixels."""

import io
from typing import IO

SIGNATURE = b"\x89PNG\r\n\x1a\n"
REMARKS = (b"iCCP", b"iTXt", b"zTXt", b"tEXt")  # colour profiles and texts (PNG specification, third edition, 11.3)
AROUND = 12  # bytes of a chunk besides its content: length, kind, checksum


def without_remarks(stream: IO[bytes]) -> IO[bytes]:
    """Return the PNG that `stream` holds without its texts and colour profile; all other chunks as they are.

    Nothing is decompressed, so it takes no more memory than the file twice. A file that is no such PNG stays what it
    is, from the first chunk on that is none.
    """
    content = memoryview(stream.read())
    kept = io.BytesIO()
    position = len(SIGNATURE)
    kept.write(content[:position])
    while position + AROUND <= len(content):
        end = position + AROUND + int.from_bytes(content[position : position + 4], "big")
        if content[position + 4 : position + 8].tobytes() not in REMARKS:
            kept.write(content[position:end])
        position = end
    kept.seek(0)
    return kept
