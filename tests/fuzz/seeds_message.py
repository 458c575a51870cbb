"""Writes a first corpus for fuzz_message from the captured messages: seeds_message.py DIRECTORY."""
import base64
import json
import pathlib
import sys

CHOICES = {"application/x-msgpack": 1, "application/json": 0}


def main(directory):
    directory.mkdir(parents=True, exist_ok=True)
    data = pathlib.Path(__file__).resolve().parents[1] / "data/messages"
    for path in sorted([*data.glob("celery-*.json"), *data.glob("steps-*.json")]):
        for number, case in enumerate(json.loads(path.read_text(encoding="utf-8"))):
            envelope = case["envelope"]
            compression = envelope["headers"].pop("compression", "")
            choice = CHOICES[envelope["content_type"]] + 2 * ("gzip" in compression) + 4 * ("bz2" in compression)
            seed = bytes([choice]) + json.dumps(envelope["headers"]).encode() + b"\n" + base64.b64decode(envelope["body"])
            (directory / f"{path.stem}-{number}").write_bytes(seed)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
