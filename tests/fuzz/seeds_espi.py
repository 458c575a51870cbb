"""Writes seeds for fuzz_espi into a folder: our sample feeds, and every public one where they are.

Each begins with the byte that says how large the pieces are. Of each block in a long document the first readings stay:
what links them is what a fuzzer should play with, not thousands of readings that are alike. What is long even so is cut off.
"""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve()
CORPUS = HERE.parents[3] / "shared" / "greenbutton" / "corpus"
LARGEST = 90_000
LONG = 40_000
READINGS_KEPT = 3
READING = re.compile(rb"<((?:[\w.-]+:)?)IntervalReading\b.*?</\1IntervalReading>\s*", re.DOTALL)
BLOCK_END = re.compile(rb"(</(?:[\w.-]+:)?IntervalBlock>)")


def thin_block(block):
    readings = 0

    def keep(match):
        nonlocal readings
        readings += 1
        return match.group() if readings <= READINGS_KEPT else b""
    return READING.sub(keep, block)


def seed_body(source):
    body = source.read_bytes()
    if len(body) <= LONG:
        return body
    return b"".join(thin_block(part) for part in BLOCK_END.split(body))[:LARGEST]


def main(target):
    pages = [page.read_bytes() for page in sorted((HERE.parents[1] / "data" / "feeds").glob("*.xml"))]
    for number, page in enumerate(pages[:-1]):
        (target / f"seed_pages_{number}").write_bytes(b"\x20" + page + b"\x1e" + pages[number + 1])
    for source in [*(HERE.parents[1] / "data" / "feeds").iterdir(), *CORPUS.glob("*.xml")]:
        body = seed_body(source)
        (target / f"seed_{source.name}").write_bytes(b"\x10" + body)
        if len(body) < 4000:
            (target / f"seed_utf16_{source.name}").write_bytes(
                b"\x07" + body.replace(b'encoding="UTF-8"', b'encoding="UTF-16"').decode("utf-8", "replace").encode("utf-16"))


main(pathlib.Path(sys.argv[1]))
