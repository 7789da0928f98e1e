"""The shell scripts: shellcheck has nothing to say about them, and they refuse what they do not know."""

import subprocess

import pytest

from harness import SOURCE

SCRIPTS = ["deploy/build-jobs", "deploy/cluster/kafka/topics.sh", "deploy/install-packages", "deploy/quickstart", "tests/run", ".ci/run"]


def run(*args):
    return subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=60)


def test_the_list_of_scripts_is_complete():
    found = []
    for folder in ("deploy", "tests", ".ci"):
        for path in (SOURCE / folder).rglob("*"):
            if path.is_file() and path.read_bytes()[:20] == b"#!/usr/bin/env bash\n":
                found.append(str(path.relative_to(SOURCE)))
    assert sorted(found) == sorted(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_shellcheck_has_nothing_to_say(script):
    result = run("shellcheck", SOURCE / script)
    assert result.returncode == 0, result.stdout


def test_an_unknown_section_of_packages_is_named():
    result = run(SOURCE / "deploy/install-packages", "no-such-section")
    assert result.returncode == 1
    assert "no section 'no-such-section'" in result.stderr


def test_nothing_is_said_when_all_packages_are_there():
    result = run(SOURCE / "deploy/install-packages", "build", "run", "package", "test")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("options", [["--label", "nonsense"], ["--nonsense"], ["--quick", "more"]])
def test_the_test_runner_refuses_what_it_does_not_know(options):
    result = run(SOURCE / "tests/run", *options)
    assert result.returncode == 64
    assert "unit" in result.stderr
