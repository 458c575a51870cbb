"""Writes a first corpus for fuzz_crontab: seeds_crontab.py DIRECTORY."""
import pathlib
import struct
import sys

TEXTS = ("* * * * *", "*/15 2 * * *", "30 2 * * *", "0 4 * * mon-fri", "50-10/5 22-2 * nov-feb fri-mon", "0 0 29 2 mon",
         "0,30 1-3 1,15,31 */3 0-6/2", "1-5-9 * * * *", "0 0 31 2 *", "0\t4 *  * Sunday")
CHANGES = (1774742400, 1792886400, 1772953200, 1793512800, 1775314800, 1791043200)  # of the clocks, in 2026


def main(directory):
    directory.mkdir(parents=True, exist_ok=True)
    for n, text in enumerate(TEXTS):
        for zone, at in enumerate(CHANGES):
            (directory / f"{n}-{zone}").write_bytes(struct.pack("<IB", at // 2 - 1800, zone % 4) + text.encode())


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
