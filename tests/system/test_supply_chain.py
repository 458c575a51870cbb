"""What is fetched is pinned by its bytes, and the bill of materials names it."""
import importlib.metadata
import json
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PINS = (ROOT / "tests/requirements.txt").read_text().replace("\\\n", " ")
SUMS = (ROOT / "packaging/kairosdb/sha256sums").read_text().splitlines()


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_python_package_is_pinned_with_the_hashes_of_its_wheels():
    lines = [line for line in PINS.splitlines() if line and not line.startswith("#")]
    for line in lines:
        assert re.fullmatch(r"[a-z0-9-]+(\[\w+\])?==\S+( +--hash=sha256:[0-9a-f]{64})+ *", line), line
    pinned = {canonical(re.match(r"[\w-]+", line).group()) for line in lines}
    assert len(pinned) == len(lines)
    installed = {canonical(found.metadata["Name"]) for found in importlib.metadata.distributions()}
    assert installed - {"pip", "setuptools", "wheel"} <= pinned
    assert "--require-hashes" in (ROOT / "packaging/steps/venv.sh").read_text()


def test_pip_takes_no_wheel_of_other_bytes(tmp_path):
    name, version = re.search(r"^(six)==(\S+)", PINS, re.M).groups()
    wrong = tmp_path / "requirements.txt"
    wrong.write_text(f"{name}=={version} --hash=sha256:{'0' * 64}\n")
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / f"{name}-{version}-py2.py3-none-any.whl").write_bytes(b"not it")
    done = subprocess.run([sys.executable, "-m", "pip", "install", "--no-index", "--find-links", wheels, "--no-deps",
                           "--require-hashes", "--target", tmp_path / "t", "-r", wrong], capture_output=True, text=True)
    assert done.returncode != 0 and "DO NOT MATCH" in done.stderr


def verify(folder):
    return subprocess.run([ROOT / "packaging/kairosdb/verify.sh", folder], capture_output=True, text=True)


def test_each_jar_of_kairosdb_is_held_against_its_sum_and_none_may_be_beside_them(tmp_path):
    lib = tmp_path / "lib"
    shutil.copytree(ROOT / ".dev/kairosdb/lib", lib)
    assert verify(lib).returncode == 0, verify(lib).stderr
    jar = next(lib.glob("guava-*.jar"))
    whole = jar.read_bytes()
    jar.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert verify(lib).returncode != 0 and jar.name in verify(lib).stderr
    jar.unlink()
    assert verify(lib).returncode != 0
    jar.write_bytes(whole)
    (lib / "more-1.0.jar").write_bytes(b"")
    assert verify(lib).returncode != 0 and "more-1.0.jar" in verify(lib).stderr
    assert "verify.sh" in (ROOT / "packaging/steps/kairosdb.sh").read_text()


def test_the_bill_of_materials_names_all_that_is_installed(tmp_path):
    file = tmp_path / "sbom.json"
    subprocess.run(["/usr/bin/python3", ROOT / "packaging/sbom.py", file], check=True)
    bill = json.loads(file.read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    components = {component["name"]: component for component in bill["components"]}
    refs = [component["bom-ref"] for component in bill["components"]]
    assert len(set(refs)) == len(refs)
    for group in ("runtime", "build", "servers"):
        text = re.sub("#.*", "", (ROOT / f"packaging/steps/packages.{group}").read_text())
        for names in text.split():
            assert set(names.split("|")) & set(components), names
    for name, version in re.findall(r"^([\w.-]+)(?:\[\w+\])?==(\S+)", PINS, re.M):
        assert components[name]["version"] == version
    jars = {component["hashes"][0]["content"] for component in bill["components"] if "file_name" in component["purl"]}
    assert jars == {line.split()[0] for line in SUMS}
    needed = bill["dependencies"][0]["dependsOn"]
    assert any(ref.startswith("pkg:deb/debian/librabbitmq4") for ref in needed) and not any("pypi" in ref for ref in needed)
    again = subprocess.run(["/usr/bin/python3", ROOT / "packaging/sbom.py"], check=True, capture_output=True, text=True)
    assert again.stdout == file.read_text(), "the same sources give the same bytes"
