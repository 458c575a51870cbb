"""python3 packaging/sbom.py [FILE]: what meterbeat is made of and runs with, as CycloneDX 1.5 JSON; default: standard output.

Made from the lists that everything is installed by: packaging/steps/packages.*, tests/requirements.txt and
packaging/kairosdb/sha256sums. The same sources give the same bytes; versions of Debian packages are those of this machine."""
import json
import pathlib
import re
import subprocess
import sys
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[1]
GROUPS = {"runtime": "required", "build": "excluded", "check": "excluded", "test": "excluded", "servers": "optional",
          "kairosdb": "optional"}


def installed_version(package):
    done = subprocess.run(["dpkg-query", "-W", "-f=${db:Status-Abbrev}${Version}", package], capture_output=True, text=True)
    return done.stdout[3:] if done.returncode == 0 and done.stdout.startswith("ii") else None


def debian():
    for group, scope in GROUPS.items():
        text = (ROOT / f"packaging/steps/packages.{group}").read_text()
        for names in re.sub(r"#.*", "", text).split():
            choices = names.split("|")
            name = next((choice for choice in choices if installed_version(choice)), choices[0])
            version = installed_version(name)
            yield {"type": "library" if name.startswith("lib") else "application", "name": name, "scope": scope,
                   **({"version": version} if version else {}),
                   "purl": f"pkg:deb/debian/{name}" + (f"@{version}" if version else ""),
                   "properties": [{"name": "meterbeat:group", "value": group}]}


def hashes(found):
    return [{"alg": "SHA-256", "content": content} for content in found]


def python():
    text = (ROOT / "tests/requirements.txt").read_text().replace("\\\n", " ")
    for name, version, rest in re.findall(r"^([\w.-]+)(?:\[\w+\])?==(\S+)(.*)$", text, re.M):
        wheels = re.findall(r"sha256:([0-9a-f]{64})", rest)
        yield {"type": "library", "name": name, "version": version, "scope": "excluded",
               "purl": f"pkg:pypi/{name}@{version}",
               # one hash of several wheels: which one depends on the interpreter
               **({"hashes": hashes(wheels)} if len(wheels) == 1 else {}),
               "properties": [{"name": "meterbeat:group", "value": "test"},
                              *({"name": "meterbeat:wheel-sha256", "value": wheel} for wheel in wheels)]}


def java():
    for line in (ROOT / "packaging/kairosdb/sha256sums").read_text().splitlines():
        content, file = line.split()
        name, version = re.fullmatch(r"(.+?)-(\d.*)\.jar", file).groups()
        yield {"type": "library", "name": name, "version": version, "scope": "optional", "hashes": hashes([content]),
               "purl": f"pkg:generic/{name}@{version}?file_name={file}",
               "properties": [{"name": "meterbeat:group", "value": "kairosdb"}]}


def bill():
    version = re.search(r"project\(meterbeat VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
    components = {}
    for component in [*debian(), *python(), *java()]:
        components.setdefault(component["purl"], {**component, "bom-ref": component["purl"]})  # the first scope is the widest
    made = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
            "metadata": {"component": {"type": "application", "name": "meterbeat", "version": version, "bom-ref": "meterbeat",
                                       "licenses": [{"license": {"id": "BSD-3-Clause"}}]}},
            "components": list(components.values()),
            "dependencies": [{"ref": "meterbeat", "dependsOn": sorted(
                ref for ref, component in components.items() if component["scope"] == "required")}]}
    made["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(made, sort_keys=True))}"
    return made


def main(arguments):
    text = json.dumps(bill(), indent=1) + "\n"
    if arguments:
        pathlib.Path(arguments[0]).write_text(text)
    else:
        print(text, end="")


if __name__ == "__main__":
    main(sys.argv[1:])
