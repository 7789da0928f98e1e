"""The Debian package as `cpack -G DEB` makes it of this build: what is in it, whether it can be installed, whether it runs."""

import configparser
import os
import re
import subprocess

import pytest
from harness import BUILD, CARBONGATE, SOURCE

ENVIRONMENT = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin", "LC_ALL": "C"}  # dpkg looks for ldconfig


def run(*args, **options):
    result = subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=120, env=ENVIRONMENT, check=False,
                            **options)
    assert result.returncode == 0, f"{args}\n{result.stdout}\n{result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    run("cpack", "-G", "DEB", "-B", folder, cwd=BUILD)
    packages = list(folder.glob("*.deb"))
    assert len(packages) == 1
    return packages[0]


@pytest.fixture(scope="module")
def unpacked(package):
    folder = package.parent / "unpacked"
    run("dpkg-deb", "-x", package, folder)
    return folder


@pytest.fixture(scope="module")
def control(package):
    folder = package.parent / "control"
    run("dpkg-deb", "-e", package, folder)
    return folder


def test_the_package_is_named_after_what_it_holds(package):
    version = re.search(r"project\(carbongate VERSION ([0-9.]+)", (SOURCE / "CMakeLists.txt").read_text()).group(1)
    architecture = run("dpkg", "--print-architecture").strip()
    assert package.name == f"carbongate_{version}_{architecture}.deb"
    assert run("dpkg-deb", "-f", package, "Package", "Version", "Architecture") == (
        f"Package: carbongate\nVersion: {version}\nArchitecture: {architecture}\n")


def test_it_holds_the_program_the_unit_an_example_the_licence_and_nothing_of_the_build(unpacked):
    files = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    examples = {f"usr/share/doc/carbongate/examples/{path.name}" for path in (SOURCE / "config/examples").glob("*.yaml")}
    assert files == examples | {
        "etc/carbongate/site.yaml.example",
        "usr/bin/carbongate",
        "usr/lib/systemd/system/carbongate.service",
        "usr/share/doc/carbongate/copyright",
    }
    assert (unpacked / "usr/share/doc/carbongate/copyright").read_text() == (SOURCE / "LICENSE").read_text()
    assert (unpacked / "usr/bin/carbongate").stat().st_size < 16 << 20, "without what only a debugger needs"


def test_everything_in_it_belongs_to_root_and_nobody_else_may_write_it(package):
    for line in run("dpkg-deb", "-c", package).splitlines():
        mode, owner = line.split()[:2]
        assert owner == "root/root", line
        assert re.fullmatch(r"d?-?rwxr-xr-x|-rw-r--r--", mode), line


def test_what_lies_in_etc_is_kept_when_someone_changed_it(unpacked, control):
    in_etc = {f"/{path.relative_to(unpacked)}" for path in (unpacked / "etc").rglob("*") if path.is_file()}
    assert set((control / "conffiles").read_text().split()) == in_etc


def test_nothing_runs_at_installation(control):
    assert {path.name for path in control.iterdir()} <= {"control", "conffiles", "md5sums"}


def test_its_dependencies_are_resolved_and_dpkg_accepts_it(package):
    planned = run("apt-get", "install", "--simulate", "--no-remove", package)
    assert "Inst carbongate " in planned and "Conf carbongate " in planned
    run("dpkg", "--dry-run", "--install", package)


def test_it_depends_on_the_libraries_that_the_program_loads_and_on_the_time_zones(package):
    depends = {part.split()[0] for part in run("dpkg-deb", "-f", package, "Depends").split(", ")}
    assert {"libc6", "libpaho-mqttpp3-1", "libsqlite3-0", "libssl3", "libyaml-cpp0.7", "tzdata"} <= depends


def test_the_program_and_the_example_in_it_work_together(unpacked, tmp_path):
    program = unpacked / "usr/bin/carbongate"
    assert run(program, "version") == run(CARBONGATE, "version")
    printed = run(program, "check", unpacked / "etc/carbongate/site.yaml.example", cwd=tmp_path)
    assert printed.startswith("site: workshop")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def unit_file(unpacked):
    return unpacked / "usr/lib/systemd/system/carbongate.service"


@pytest.fixture(scope="module")
def unit(unit_file):
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(unit_file)
    return parser


def test_the_unit_starts_what_the_package_brings(unpacked, unit):
    program, command, config = unit["Service"]["ExecStart"].split()
    assert (unpacked / "usr/bin" / program).is_file() and command == "run"
    assert unit["Unit"]["ConditionPathExists"] == config
    example = unpacked / f"{config}.example".lstrip("/")
    state = re.search(r"^ *path: (\S+)", example.read_text(), re.MULTILINE).group(1)
    assert state == f"/var/lib/{unit['Service']['StateDirectory']}"


def test_the_unit_lets_a_start_take_as_long_as_the_repair_of_a_large_store(unit):
    assert unit["Service"]["Type"] == "notify" and unit["Service"]["TimeoutStartSec"] == "infinity"


def test_the_unit_lets_it_ask_whether_a_time_server_keeps_the_clock_and_never_set_it(unit, unit_file):
    filters = re.findall(r"^SystemCallFilter=(.*)$", unit_file.read_text(), re.MULTILINE)
    calls = {"adjtimex", "clock_adjtime", "clock_adjtime64"}  # whichever the C library takes
    assert calls <= set(filters[-1].split()), "behind ~@privileged, which has them"
    assert "ProtectClock" not in unit["Service"], "it has a filter of its own, that refuses them"
    assert unit["Service"]["CapabilityBoundingSet"] == ""


def test_the_unit_lets_it_tell_this_run_of_the_machine_from_the_one_before(unit):
    assert unit["Service"].get("ProcSubset", "all") == "all", "the kernel's boot_id is not of a process"
