#!/usr/bin/env bash
# Writes tests/requirements.txt anew: what its first part pins, all that it needs, and the SHA-256 of each wheel.
set -euo pipefail
source "$(dirname "$0")/common.sh"
pins=$root/tests/requirements.txt
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sed '/^# needed by these/,$d; /^ /d; s/ *\\$//' "$pins" >"$folder/wanted"
for python in 3.11 3.13; do
    for machine in x86_64 aarch64; do
        retry "$root/.dev/venv/bin/python" -m pip download -q --no-input --disable-pip-version-check -r "$folder/wanted" \
            --implementation cp --python-version "$python" --only-binary=:all: --platform "manylinux2014_$machine" \
            --platform "manylinux_2_28_$machine" --platform "manylinux_2_5_$machine" -d "$folder/$python-$machine" ||
            fail "not every wheel for Python $python on $machine is there" "look at pip's message above"
    done
done
/usr/bin/python3 - "$folder" <<'PYTHON' >"$folder/pins"
import hashlib, pathlib, re, sys, zipfile

folder = pathlib.Path(sys.argv[1])
wanted = (folder / "wanted").read_text()
extras = {name.lower(): extra or "" for name, extra in re.findall(r"^([\w.-]+)(\[\w+\])?==", wanted, re.M)}
pins = {}
for wheel in folder.glob("*/*.whl"):
    with zipfile.ZipFile(wheel) as archive:
        about = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        fields = dict(re.findall(r"^(Name|Version): (\S+)", archive.read(about).decode(), re.M))
    name = re.sub(r"[-_.]+", "-", fields["Name"]).lower()
    pins.setdefault((name, fields["Version"]), set()).add(hashlib.sha256(wheel.read_bytes()).hexdigest())


def lines(names):
    for (name, version), hashes in sorted(pins.items()):
        if (name in extras) == names:
            print(" \\\n    ".join([f"{name}{extras.get(name, '')}=={version}", *(f"--hash=sha256:{h}" for h in sorted(hashes))]))


print("".join(line + "\n" for line in wanted.splitlines() if line.startswith("#")))
lines(True)
print("\n# needed by these")
lines(False)
PYTHON
cp "$folder/pins" "$pins"
