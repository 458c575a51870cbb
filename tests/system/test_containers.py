"""compose.yaml and the Dockerfile, checked without a container engine: by Compose itself, and against packaging/steps."""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
STEPS = ROOT / "packaging/steps"


@pytest.fixture(scope="module")
def composed():
    """compose.yaml as Compose understands it."""
    command = shutil.which("docker-compose")
    assert command, "docker-compose is missing: packaging/steps/apt.sh test"
    done = subprocess.run([command, "-f", "compose.yaml", "config"], cwd=ROOT, capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


def test_compose_accepts_the_file_and_finds_every_part(composed):
    assert set(composed["services"]) == {"rabbitmq", "postgresql", "kairosdb", "tables", "producer",
                                         "worker"}


def test_every_lasting_service_has_a_health_check_and_starts_again(composed):
    for name, service in composed["services"].items():
        if name != "tables":
            assert service["healthcheck"]["test"][0] == "CMD", name
            assert service["restart"] == "unless-stopped", name


def test_workers_can_be_many(composed):
    """--scale worker=4 fails on a service with a name or a port of its own."""
    worker = composed["services"]["worker"]
    assert not {"container_name", "ports", "hostname"} & set(worker)


def test_programs_wait_for_healthy_servers_and_made_tables(composed):
    for name in ("producer", "worker"):
        waits = composed["services"][name]["depends_on"]
        assert waits["tables"]["condition"] == "service_completed_successfully"
        assert {waits[server]["condition"] for server in ("rabbitmq", "kairosdb")} == {"service_healthy"}


def test_no_port_is_open_to_other_machines(composed):
    for name, service in composed["services"].items():
        for port in service.get("ports", []):
            assert str(port).startswith("127.0.0.1:"), (name, port)


def test_data_lies_in_volumes_that_are_declared(composed):
    for name in ("rabbitmq", "postgresql", "kairosdb"):
        volumes = [volume.split(":")[0] for volume in composed["services"][name]["volumes"]]
        assert volumes == [name] and name in composed["volumes"]


def test_the_configuration_of_the_containers_loads_and_names_their_servers(build, composed):
    shown = output(build / "ctl/meterbeatctl", "--config", ROOT / "config/compose.conf",
                   "--show-config")
    hosts = set(re.findall(r"//(?:\w+@)?([a-z]+):\d+", shown))
    assert hosts == {"rabbitmq", "postgresql", "kairosdb"} < set(composed["services"])


def test_the_password_comes_from_the_environment():
    done = subprocess.run(["docker-compose", "-f", "compose.yaml", "config"], cwd=ROOT, text=True,
                          capture_output=True, env={**os.environ, "METERBEAT_PASSWORD": "from-outside"})
    services = yaml.safe_load(done.stdout)["services"]
    assert services["worker"]["environment"]["METERBEAT_DATABASE_PASSWORD"] == "from-outside"
    assert services["postgresql"]["environment"]["POSTGRES_PASSWORD"] == "from-outside"
    assert services["rabbitmq"]["environment"]["RABBITMQ_DEFAULT_PASS"] == "from-outside"


def dockerfile():
    """(instruction, arguments) of each line."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines()]
    return [tuple(line.split(None, 1)) for line in lines if line and not line.startswith("#")]


def test_every_run_line_of_the_dockerfile_is_one_of_the_steps():
    runs = [arguments for instruction, arguments in dockerfile() if instruction == "RUN"]
    assert runs
    for run in runs:
        assert re.fullmatch(r"packaging/steps/[\w-]+\.sh( [\w/.-]+)*", run), run
        step = ROOT / run.split()[0]
        assert os.access(step, os.X_OK), step
        if step.name == "apt.sh":
            for group in run.split()[1:]:
                assert (STEPS / f"packages.{group}").is_file(), group


def test_the_steps_of_the_dockerfile_are_those_that_dev_takes():
    dev = (ROOT / "dev").read_text()
    for instruction, arguments in dockerfile():
        if instruction == "RUN":
            step = pathlib.Path(arguments.split()[0]).name
            if step == "data-folder.sh":
                continue  # tried below
            assert f"$steps/{step}" in dev, step


def test_the_images_of_compose_are_targets_of_the_dockerfile_and_run_as_nobody(composed):
    stages, users = {}, {}
    for instruction, arguments in dockerfile():
        if instruction == "FROM":
            image, _, stage = arguments.split()
            stages[stage] = image
        if instruction == "USER":
            users[stage] = arguments
    assert set(stages.values()) == {"debian:12-slim"}
    for service in composed["services"].values():
        if "build" in service:
            assert users[service["build"]["target"]] == "65534:65534"


def test_the_runtime_packages_hold_every_library_that_the_programs_link(build):
    """Checked by name: what each program needs itself, and the package that dpkg says it is from."""
    listed = set(re.sub("#.*", "", (STEPS / "packages.runtime").read_text()).split())
    programs = [path for path in build.glob("*/meterbeat*") if os.access(path, os.X_OK) and path.is_file()]
    assert programs
    for program in programs:
        needed = re.findall(r"NEEDED +(\S+)", output("objdump", "-p", program))
        places = dict(re.findall(r"(\S+) => (\S+)", output("ldd", program)))
        for library in needed:
            if re.match(r"lib(asan|ubsan|tsan)\.|libc\.|libm\.|libgcc|ld-linux", library):
                continue  # a sanitizer's, or in every image
            owner = output("dpkg", "-S", f"*/{os.path.basename(os.path.realpath(places[library]))}")
            owner = owner.split(":")[0]  # by its name: /lib may be a link to /usr/lib
            assert owner in listed, f"{program.name} needs {library} of package {owner}"


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.skipif(os.getuid() != 0, reason="giving a folder away needs root")
def test_the_data_folder_belongs_to_nobody(tmp_path):
    subprocess.run([STEPS / "data-folder.sh", tmp_path / "data"], check=True)
    assert (tmp_path / "data").stat().st_uid == 65534


@pytest.mark.parametrize("answer, status", [(b"HTTP/1.1 204 No Content\r\n\r\n", 0),
                                            (b"HTTP/1.1 500 Server Error\r\n\r\n", 1), (b"", 1)])
def test_the_health_check_of_kairosdb_believes_204_only(tmp_path, answer, status):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        script = tmp_path / "healthy.sh"
        script.write_text((ROOT / "packaging/kairosdb/healthy.sh").read_text()
                          .replace("/8080", f"/{listener.getsockname()[1]}"))

        def serve():
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        done = subprocess.run(["bash", script], timeout=20)
        thread.join(10)
    assert (done.returncode == 0) == (status == 0)
