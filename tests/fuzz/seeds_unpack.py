"""Writes seeds for fuzz_unpack into a folder: our sample feeds plain, as gzip, and in archives of every kind."""
import gzip
import io
import pathlib
import sys
import zipfile

FEEDS = pathlib.Path(__file__).resolve().parents[1] / "data" / "feeds"


def archive(files, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, body in files.items():
            made.writestr(name, body)
    return out.getvalue()


def main(target):
    feeds = {path.name: path.read_bytes() for path in sorted(FEEDS.glob("*.xml"))}
    names = list(feeds)
    for number, (name, body) in enumerate(feeds.items()):
        other = names[(number + 1) % len(names)]
        for kind, seed in {
                "gzip": gzip.compress(body), "members": gzip.compress(body[:50]) + gzip.compress(body[50:]),
                "zip": archive({name: body}), "stored": archive({name: body}, zipfile.ZIP_STORED),
                "two": archive({name: body, "read me.txt": b"a,b\n1,2\n", other: feeds[other]})}.items():
            (target / f"seed_{kind}_{name}").write_bytes(b"\x30" + seed)
    for name, seed in {"xlsx": archive({"[Content_Types].xml": b"<Types/>"}), "nested": archive({"a.zip": archive({})}),
                       "csv": b"Date,kWh\n2025-07-01,0.62\n", "folder": archive({"a/": b"", "__MACOSX/b": b"c"}),
                       "json": b'{"a": 1}', "pdf": b"%PDF-1.7\n"}.items():
        (target / f"seed_{name}").write_bytes(b"\x05" + seed)


main(pathlib.Path(sys.argv[1]))
