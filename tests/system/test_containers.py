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


def tool(name):
    """Where a program is, also for a user whose PATH has no sbin; what brings it is said where it is not."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/local/bin:/usr/bin:/usr/sbin:/bin")
    assert found, f"{name} is missing: packaging/steps/apt.sh build test"
    return found


def compose_command():
    """Compose 1, or 2 under its old name or as a plugin of docker."""
    if shutil.which("docker-compose"):
        return [shutil.which("docker-compose")]
    docker = shutil.which("docker")
    if docker and subprocess.run([docker, "compose", "version"], capture_output=True, timeout=60).returncode == 0:
        return [docker, "compose"]
    pytest.fail("neither docker-compose nor docker's compose plugin is there: packaging/steps/apt.sh test")


def compose_config(**environment):
    done = subprocess.run([*compose_command(), "-f", "compose.yaml", "config"], cwd=ROOT, capture_output=True,
                          text=True, timeout=60, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


PASSWORDS = {f"{name}_PASSWORD": f"of-{name.lower()}" for name in (
    "RABBITMQ_ADMIN", "METERBEAT_BROKER", "POSTGRES_ADMIN", "METERBEAT_OWNER", "METERBEAT_DATABASE")}


@pytest.fixture(scope="module")
def composed():
    """compose.yaml as Compose understands it."""
    return compose_config(**PASSWORDS)


def host_of(port):
    """The address a port is open on. Compose 1 prints "127.0.0.1:8080:80", Compose 2 a map."""
    return port.get("host_ip") if isinstance(port, dict) else str(port).rpartition(":")[0].rpartition(":")[0]


def source_of(volume):
    """Compose 1 prints "name:/path", Compose 2 a map."""
    return volume["source"] if isinstance(volume, dict) else volume.split(":")[0]


def test_compose_accepts_the_file_and_finds_every_part(composed):
    assert set(composed["services"]) == {"rabbitmq", "postgresql", "kairosdb", "tables", "rights", "broker-user",
                                         "producer",
                                         "worker"}


def test_every_lasting_service_has_a_health_check_and_starts_again(composed):
    for name, service in composed["services"].items():
        if name not in ("tables", "rights", "broker-user"):
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
            assert host_of(port) == "127.0.0.1", (name, port)


@pytest.mark.parametrize("port, address", [
    ("127.0.0.1:8080:80/tcp", "127.0.0.1"), ("8080:80", ""), ("80", ""),
    ({"mode": "ingress", "host_ip": "127.0.0.1", "target": 80, "published": "8080"}, "127.0.0.1"),
    ({"mode": "ingress", "target": 80, "published": "8080"}, None)])
def test_a_port_is_read_as_either_compose_prints_it(port, address):
    assert host_of(port) == address


def test_data_lies_in_volumes_that_are_declared(composed):
    for name in ("rabbitmq", "postgresql", "kairosdb"):
        volumes = [source_of(volume) for volume in composed["services"][name]["volumes"]]
        assert volumes[0] == name and name in composed["volumes"]
        assert all(os.path.isfile(script) for script in volumes[1:]), volumes


def test_the_configuration_of_the_containers_loads_and_names_their_servers(build, composed):
    shown = output(build / "ctl/meterbeatctl", "--config", ROOT / "config/compose.conf",
                   "--show-config")
    hosts = set(re.findall(r"//(?:\w+@)?([a-z]+):\d+", shown))
    assert hosts == {"rabbitmq", "postgresql", "kairosdb"} < set(composed["services"])


def test_each_user_of_each_server_has_a_password_of_its_own_and_programs_no_administrators(composed):
    given = {name: service.get("environment", {}) for name, service in composed["services"].items()}
    assert given["rabbitmq"]["RABBITMQ_DEFAULT_PASS"] == "of-rabbitmq_admin"
    assert given["postgresql"]["POSTGRES_PASSWORD"] == "of-postgres_admin"
    assert given["tables"] == {"METERBEAT_DATABASE_PASSWORD": "of-meterbeat_owner"}
    for name in ("producer", "worker"):
        assert given[name] == {"METERBEAT_BROKER_PASSWORD": "of-meterbeat_broker",
                               "METERBEAT_DATABASE_PASSWORD": "of-meterbeat_database"}


def test_without_passwords_nothing_starts_and_what_makes_them_is_named(tmp_path):
    bare = {name: value for name, value in os.environ.items() if not name.endswith("_PASSWORD")}
    empty = tmp_path / "empty"
    empty.write_text("")
    done = subprocess.run([*compose_command(), "--env-file", empty, "-f", "compose.yaml", "config"], cwd=ROOT,
                          capture_output=True, text=True, timeout=60, env=bare)
    assert done.returncode != 0 and "packaging/compose/env.sh" in done.stderr
    script = tmp_path / "packaging/compose/env.sh"
    script.parent.mkdir(parents=True)
    script.write_text((ROOT / "packaging/compose/env.sh").read_text())
    for _ in range(2):  # the second time it is left alone
        subprocess.run(["bash", script], check=True, capture_output=True)
        found = dict(re.findall(r"(?m)^(\w+)=([0-9a-f]{48})$", (tmp_path / ".env").read_text()))
        assert set(found) == set(PASSWORDS) and len(set(found.values())) == len(found)
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0


def test_every_container_has_few_rights_and_limits(composed):
    for name, service in composed["services"].items():
        assert service["cap_drop"] == ["ALL"] and "cap_add" not in service and not service.get("privileged"), name
        assert service["security_opt"] == ["no-new-privileges:true"] and service["read_only"] is True, name
        for limit in ("mem_limit", "pids_limit", "cpus"):
            assert service.get(limit), (name, limit)
        assert service.get("user", "65534:65534") not in ("root", "0", 0), name
    assert "ports" not in composed["services"]["kairosdb"], "it asks nobody for a password"


@pytest.mark.parametrize("state, status", [("S", 0), ("R", 0), ("D", 0), ("T", 1), ("Z", 1)])
def test_a_program_is_healthy_while_it_goes_on_whatever_its_servers_do(composed, tmp_path, state, status):
    for name in ("producer", "worker"):
        command, shell, option, script = composed["services"][name]["healthcheck"]["test"]
        assert (command, shell, option) == ("CMD", "bash", "-c") and "check" not in script
    (tmp_path / "stat").write_text(f"1 (meterbeat-worke) {state} 0 1 1 0 -1\n")
    script = script.replace("$$", "$").replace("/proc/1/stat", str(tmp_path / "stat"))
    assert subprocess.run(["bash", "-c", script]).returncode == status


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
    listed = set(re.sub("#.*", "", (STEPS / "packages.runtime").read_text()).replace("|", " ").split())
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
    command = [tool(command[0]), *command[1:]]
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


# --- packages that releases call by several names ------------------------------------------------------

@pytest.fixture
def steps(tmp_path):
    """apt.sh with dpkg-query, apt-get and apt-cache of our own making; what it would have installed."""
    folder, bin_ = tmp_path / "steps", tmp_path / "bin"
    shutil.copytree(STEPS, folder)
    bin_.mkdir()
    (folder / "packages.try").write_text("# a comment\nold-name|new-name\nplain\n")

    def run(installed=(), known=()):
        for name, lines in {
                "dpkg-query": f"case ' {' '.join(installed)} ' in *\" ${{@: -1}} \"*) printf ii;; *) exit 1;; esac",
                "apt-cache": f"case ' {' '.join(known)} ' in *\" $2 \"*) echo '  Candidate: 1'; seq 20000;;"
                             " *) echo '  Candidate: (none)';; esac",
                "apt-get": f"echo \"$@\" >>{tmp_path}/asked", "sudo": '"$@"', "tee": "cat >/dev/null",
                "chmod": ":", "rm": ":"}.items():
            (bin_ / name).write_text(f"#!/bin/bash\n{lines}\n")
            os.chmod(bin_ / name, 0o755)
        done = subprocess.run([folder / "apt.sh", "try"], capture_output=True, text=True, timeout=60,
                              env={**os.environ, "PATH": f"{bin_}:{os.environ['PATH']}"})
        asked = tmp_path / "asked"
        lines = asked.read_text().splitlines() if asked.exists() else []
        return done, [line.rpartition(" install ")[2].split() for line in lines if " install " in line]
    return run


@pytest.mark.parametrize("known, names", [(("old-name", "plain"), ["old-name", "plain"]),
                                          (("new-name", "plain"), ["new-name", "plain"]),
                                          (("old-name", "new-name", "plain"), ["old-name", "plain"])])
def test_a_package_is_installed_under_the_name_that_the_release_has(steps, known, names):
    assert steps(known=known)[1] == [names]


def test_a_package_that_is_there_under_either_name_is_not_installed_again(steps):
    done, asked = steps(installed=("new-name", "plain"))
    assert (done.returncode, asked) == (0, [])


def test_a_package_that_a_release_has_under_no_name_is_said_with_its_names(steps):
    done, asked = steps(known=("plain",))
    assert done.returncode != 0 and asked == [] and "old-name or new-name" in done.stderr
