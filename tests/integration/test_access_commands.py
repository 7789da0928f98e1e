"""`carbongate users`, `tokens` and `audit` as people type them."""

import json
import os
import pty
import stat
import subprocess
import threading

import pytest
from harness import CARBONGATE, wait_until

EX_USAGE, EX_DATAERR, EX_NOINPUT, EX_CANTCREAT, EX_CONFIG = 64, 65, 66, 73, 78
CONFIG = """
site: {id: works, timezone: Asia/Shanghai, grid_region: CN-SC}
devices: [{id: stock, driver: manual, points: [{name: diesel, unit: t}]}]
energy_users: [{id: boiler, consumes: [{carrier: diesel, from: stock.diesel}]}]
store: {path: store}
"""
PASSWORD = "correct horse battery"


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "works.yaml"
    file.write_text(CONFIG)
    (tmp_path / "password").write_text(PASSWORD + "\n")
    return file


def carbongate(*args, status=0):
    result = subprocess.run([CARBONGATE, *map(str, args)], capture_output=True, text=True, timeout=30)
    assert result.returncode == status, result.stdout + result.stderr
    return result


def add_user(config, name, role="viewer", status=0):
    return carbongate("users", config, "add", name, "--role", role, "--password-file", config.parent / "password", status=status)


def listed(config, what):
    return [json.loads(line) for line in carbongate(what, config, "list", "--format", "jsonl").stdout.splitlines()]


def audited(config):
    return [json.loads(line) for line in carbongate("audit", config, "--format", "jsonl").stdout.splitlines()]


def test_users_come_change_and_go(config):
    assert "no users" in carbongate("users", config, "list").stdout
    add_user(config, "li.wei", "operator")
    add_user(config, "王芳", "administrator")
    assert listed(config, "users") == [{"name": "li.wei", "role": "operator"}, {"name": "王芳", "role": "administrator"}]
    file = config.parent / "store" / "users"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert PASSWORD not in file.read_text()

    before = file.read_text()
    carbongate("users", config, "password", "li.wei", "--password-file", config.parent / "password")
    assert file.read_text() != before, "another salt"
    carbongate("users", config, "role", "li.wei", "--role", "viewer")
    assert "nobody is administrator" in carbongate("users", config, "remove", "王芳").stderr
    assert listed(config, "users") == [{"name": "li.wei", "role": "viewer"}]
    assert [entry["action"] for entry in reversed(audited(config))] == ["add user", "add user", "change password", "change role", "remove user"]


def test_what_cannot_be_is_refused_and_changes_nothing(config):
    add_user(config, "li.wei")
    assert "already" in add_user(config, "li.wei", status=EX_DATAERR).stderr
    assert "no name" in add_user(config, "li wei", status=EX_DATAERR).stderr
    assert "metrics" not in add_user(config, "wang", "metrics", status=EX_USAGE).stdout
    assert "did you mean 'li.wei'" in carbongate("users", config, "remove", "li.wie", status=EX_DATAERR).stderr
    assert "there is no user" in carbongate("users", config, "password", "wang", status=EX_DATAERR).stderr
    (config.parent / "password").write_text("short\n")
    assert "at least 10" in add_user(config, "wang", status=EX_DATAERR).stderr
    missing = carbongate("users", config, "add", "wang", "--password-file", config.parent / "none", status=EX_NOINPUT)
    assert "cannot read" in missing.stderr
    assert listed(config, "users") == [{"name": "li.wei", "role": "viewer"}]
    config.write_text("site: {}\n")
    carbongate("users", config, "list", status=EX_CONFIG)


def test_a_file_that_others_may_read_is_refused(config):
    add_user(config, "li.wei")
    (config.parent / "store" / "users").chmod(0o644)
    told = carbongate("users", config, "list", status=EX_CANTCREAT).stderr
    assert "chmod 600" in told
    assert "chmod 600" in add_user(config, "wang", status=EX_CANTCREAT).stderr


def test_files_belong_to_whom_the_store_belongs(config):
    store = config.parent / "store"
    store.mkdir(mode=0o750)
    if os.geteuid() == 0:  # root types for a service that runs as somebody else
        os.chown(store, 65534, 65534)
    add_user(config, "li.wei")
    carbongate("tokens", config, "add", "erp")
    for name in ("users", "tokens", "audit.jsonl", "access.lock"):
        assert (store / name).stat().st_uid == store.stat().st_uid, name
        assert stat.S_IMODE((store / name).stat().st_mode) == 0o600, name


def at_a_terminal(args, *lines):
    """What the command shows at a terminal of its own while `lines` are typed, each when it asks; and its status."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(args[0], args)
    shown = bytearray()

    def read():
        while True:
            try:
                shown.extend(os.read(terminal, 1024))
            except OSError:  # the other end is gone
                return
    reader = threading.Thread(target=read)
    reader.start()
    for count, line in enumerate(lines, 1):
        wait_until(lambda: shown.count(b": ") >= count, what="the question")  # noqa: B023
        os.write(terminal, line.encode() + b"\n")
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    reader.join(10)
    os.close(terminal)
    return shown.decode(), status


def test_a_password_that_is_typed_is_not_shown(config):
    args = [str(CARBONGATE), "users", str(config), "add", "li.wei"]
    shown, status = at_a_terminal(args, PASSWORD, PASSWORD)
    assert status == 0, shown
    assert "Password: " in shown and "Again: " in shown and PASSWORD not in shown
    shown, status = at_a_terminal([*args[:-1], "wang"], PASSWORD, PASSWORD + "x")
    assert status == EX_NOINPUT and "not the same" in shown
    assert listed(config, "users") == [{"name": "li.wei", "role": "viewer"}]


def test_without_a_terminal_it_says_what_to_do(config):
    result = subprocess.run([CARBONGATE, "users", config, "add", "li.wei"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            start_new_session=True, timeout=30)
    assert result.returncode == EX_NOINPUT and "--password-file" in result.stderr


def test_tokens_are_shown_once_and_kept_as_hashes(config):
    made = carbongate("tokens", config, "add", "erp", "--role", "operator", "--expires", "365d")
    token = made.stdout.strip()
    prefix, number, secret = token.split("_")
    assert (prefix, len(number), len(secret)) == ("cgt", 8, 64)
    file = config.parent / "store" / "tokens"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and secret not in file.read_text()
    carbongate("tokens", config, "add", "prometheus", "--role", "metrics", "--expires", "never")
    rows = listed(config, "tokens")
    assert [(row["name"], row["role"], row["state"]) for row in rows] == [("erp", "operator", "valid"), ("prometheus", "metrics", "valid")]
    assert rows[0]["id"] == number and rows[1]["expires"] == "never"
    carbongate("tokens", config, "revoke", number)
    assert [row["name"] for row in listed(config, "tokens")] == ["prometheus"]
    assert "there is no token" in carbongate("tokens", config, "revoke", number, status=EX_DATAERR).stderr
    for wrong in ("yesterday", "2020-01-01", "-1d"):
        assert "no time to come" in carbongate("tokens", config, "add", "x", f"--expires={wrong}", status=EX_DATAERR).stderr
    assert all(secret not in json.dumps(entry) for entry in audited(config))


def test_many_changes_at_once_lose_none(config):
    names = [f"user{n}" for n in range(8)]
    threads = [threading.Thread(target=add_user, args=(config, name)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(row["name"] for row in listed(config, "users")) == names
    assert [entry["number"] for entry in audited(config)] == list(range(8, 0, -1))
