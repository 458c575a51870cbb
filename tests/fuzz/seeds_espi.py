"""Writes seeds for fuzz_espi into a folder: our sample feeds, and the small public ones where they are.

Each begins with the byte that says how large the pieces are.
"""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve()
CORPUS = HERE.parents[3] / "shared" / "greenbutton" / "corpus"
LARGEST = 40_000

target = pathlib.Path(sys.argv[1])
for source in [*(HERE.parents[1] / "data" / "feeds").iterdir(), *CORPUS.glob("*.xml")]:
    body = source.read_bytes()
    if len(body) <= LARGEST:
        (target / f"seed_{source.name}").write_bytes(b"\x10" + body)
        if len(body) < 4000:
            (target / f"seed_utf16_{source.name}").write_bytes(
                b"\x07" + body.replace(b'encoding="UTF-8"', b'encoding="UTF-16"').decode("utf-8", "replace").encode("utf-16"))
