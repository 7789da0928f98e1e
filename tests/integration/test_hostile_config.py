"""Configurations that were made to do harm, or are no configurations at all: each ends with 78 and a message that names the place,
in bounded time and memory, and nothing is written, by `check` as by `run`."""

import ctypes
import os
import resource
import stat
import subprocess

import pytest
from harness import CARBONGATE

EX_CONFIG = 78
MEMORY = 320 << 20    # address space, of which the libraries have 100
LIMIT_S = 60  # also beside other work
STDERR_MAX = 1 << 20  # a message is for people

LIBC = ctypes.CDLL(None, use_errno=True)

SITE = "site: {id: park, timezone: Asia/Shanghai, grid_region: CN-SC}\n"
REST = "store: {path: data}\n"
MIB = 1 << 20

# name: (content of park.yaml, what the message says; the place first where one can be named)
FILES = {
    "empty": ("", "park.yaml:1:1: error: "),
    "deep_flow_lists": ("a: " + "[" * 100_000, "park.yaml:1:20: error: nested deeper than 32 levels"),
    "deep_flow_maps": ("{a: " * 100_000, "error: nested deeper than 32 levels"),
    "deep_block_maps": ("".join(" " * n + "a:\n" for n in range(2_000)), "error: nested deeper than 32 levels"),
    "deep_block_lists": ("- " * 50_000 + "a\n", "error: nested deeper than 32 levels"),
    "alias_bomb": (SITE + "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" +
                   "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)),
                   "error: more than 200000 values, references expanded"),
    "merge_bomb": (SITE + "m0: &m0 {" + ", ".join(f"k{n}: v" for n in range(200)) + "}\n" +
                   "".join(f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 50)}], x{n}: 1}}\n" for n in range(1, 80)),
                   "error: more than 200000 values, references expanded"),
    "text_bomb": (SITE + "t: &t " + "x" * MIB + "\nu: [" + ", ".join(["*t"] * 1_000) + "]\n",
                  "error: more than 32 MiB of text, references expanded"),
    "anchor_inside_of_itself": (SITE + "a: &a [1, *a]\n", "park.yaml:2:11: error: this reference is inside of what it refers to"),
    "anchor_unknown": (SITE + "a: *nobody\n", "park.yaml:2:4: error: YAML syntax: no anchor of this name"),
    "scalar_of_4_MiB": (SITE.replace("park", "p" * (4 * MIB - 200)) + REST, "park.yaml:1:12: error: site.id: 'pppp"),
    "scalar_beyond_4_MiB": (SITE + "a: " + "x" * 4 * MIB, "park.yaml: error: larger than 4 MiB"),
    "key_of_3_MiB": (SITE + "? " + "k" * 3 * MIB + "\n: 1\n", "park.yaml:2:3: error: a key longer than 256 bytes"),
    "binary": (os.urandom(100_000), "error: not a text in UTF-8"),
    "program": (CARBONGATE.read_bytes()[:MIB] if CARBONGATE.exists() else b"", "park.yaml:1:1: error: not a text in UTF-8"),
    "nuls": (b"\0" * MIB, "park.yaml:1:1: error: not a text in UTF-8"),
    "nul_in_a_value": (SITE.replace("park", "pa\0rk"), "park.yaml:1:14: error: not a text in UTF-8"),
    "utf_16": (SITE.encode("utf-16"), "park.yaml:1:1: error: not a text in UTF-8"),
    "overlong_utf_8": (SITE.encode() + b"a: \xc0\xaf\n", "park.yaml:2:4: error: not a text in UTF-8"),
    "terminal_escapes": (SITE + "a: \x1b]0;gotcha\x07\n", "park.yaml:2:4: error: not a text in UTF-8"),
    "crlf_and_byte_order_mark": (("\ufeff" + SITE + "stoer: {path: data}\n").replace("\n", "\r\n"),
                                 "park.yaml:2:1: error: unknown key 'stoer'"),
    "duplicate_keys": (SITE + "store: {path: a}\n" * 2_000, "park.yaml:3:1: error: key 'store' is given twice; first in line 2"),
    "many_unknown_keys": (SITE + "".join(f"key{n}: 1\n" for n in range(60_000)), "park.yaml:2:1: error: unknown key 'key0'"),
    "many_wrong_devices": (SITE + "devices:\n" + "- {id: a b, driver: x}\n" * 20_000, "park.yaml:3:8: error: devices[0].id: "),
    "many_good_looking_devices": (SITE + "devices:\n" + "".join(
        f"- {{id: d{n}, driver: modbus-tcp, address: 'h:{n}', unit: 9{n}, profile: eastron-sdm630}}\n" for n in range(3_000)),
        "error: devices["),
    "huge_numbers": (SITE + "devices:\n- {id: a, driver: modbus-tcp, address: 'h:502', unit: " + "9" * 10_000 +
                     ", profile: eastron-sdm630}\n" + REST, "park.yaml:3:55: error: devices[0].unit: '9999"),
    "huge_exponent": (SITE + "store: {path: data, size_max: 1e999999999GiB}\n", "park.yaml:2:31: error: store.size_max: "),
    "huge_duration": (SITE + "store: {path: data, keep_readings: 99999999999999999999d}\n",
                      "park.yaml:2:36: error: store.keep_readings: "),
    "list_at_the_top": ("- a\n" * 100_000, "park.yaml:1:1: error: expected a map"),
    "many_documents": (SITE + "---\na: 1\n" * 50_000, "error: a second document"),
    "tabs": (SITE + "store:\n\tpath: data\n", "park.yaml:3:1: error: YAML syntax: a tab"),
    "never_closed_quote": (SITE + 'a: "' + "x\n" * MIB, "error: YAML syntax: a quote is never closed"),
    "percent_directives": ("%YAML 9.9\n" * 1_000 + SITE, "error: "),
    "tags": (SITE + "a: !!python/object/apply:os.system ['touch pwned']\n", "park.yaml:2:1: error: unknown key 'a'"),
    "escaped_terminal_escapes": (SITE.replace("park", '"\\x1b]0;gotcha\\a"'), "park.yaml:1:12: error: an escaped control"),
    "escaped_nul": (SITE + 'store: {path: "data\\0.txt"}\n', "park.yaml:2:15: error: an escaped control character"),
    "include_of_3_MiB": (SITE + "include: " + "x" * 3 * MIB + "\n", "park.yaml:2:10: error: cannot read '"),
    "includes_lines": (SITE + 'include: "a\\nb: error: c"\n', "a?b: error: c': No such file or directory"),
    "includes_itself": (SITE + "include: park.yaml\n", "park.yaml:2:10: error: '"),
    "includes_a_directory": (SITE + "include: .\n", "park.yaml:2:10: error: cannot read '"),
    "includes_nothing_there": (SITE + "include: gone.yaml\n", "park.yaml:2:10: error: cannot read '"),
    "includes_dev_zero": (SITE + "include: /dev/zero\n", "park.yaml:2:10: error: cannot read '/dev/zero': it is not a file"),
    "includes_a_terminal": (SITE + "include: /dev/tty\n", "park.yaml:2:10: error: cannot read '/dev/tty': "),
    "includes_memory": (SITE + "include: /proc/self/mem\n", "park.yaml:2:10: error: cannot read '/proc/self/mem': "),
    "includes_a_map": (SITE + "include: {a: b}\n", "park.yaml:2:10: error: include: expected a file name"),
    "includes_itself_1000_times": (SITE + "include: [" + ", ".join(["./park.yaml"] * 1_000) + "]\n", "park.yaml:2:11: error: '"),
}


METER = ("devices: [{id: m, driver: mqtt, broker: b, topic: t, timestamp: {json: /t, format: epoch-s}, "
         "points: [{name: e, json: /e, unit: kWh}]}]\n")

# A configuration that names what the test lays beside it as `thing`, and where it does.
MENTIONS = {
    "include": (SITE + "include: thing\n", "park.yaml:2:10: error: "),
    "password_file": (SITE + "brokers: {b: {url: 'mqtt://h', username: u, password_file: thing}}\n" + METER + REST,
                      "park.yaml:2:60: error: brokers.b.password_file: "),
    "ca_file_of_a_broker": (SITE + "brokers: {b: {url: 'mqtts://h', ca_file: thing}}\n" + METER + REST,
                            "park.yaml:2:42: error: brokers.b.ca_file: "),
    "ca_file_of_a_sink": (SITE + REST + "sinks: [{type: line-protocol, url: 'https://h/write', ca_file: thing}]\n",
                          "park.yaml:3:64: error: sinks[0].ca_file: "),
}


def make_pipe(path):
    os.mkfifo(path)


def make_socket(path):
    os.mknod(path, stat.S_IFSOCK | 0o600)


def make_unreadable(path):
    path.write_text("secret\n")
    path.chmod(0)


def make_loop(path):
    path.symlink_to(path)


# name: (what makes it, what the message says)
THINGS = {
    "pipe": (make_pipe, ("it is a pipe, and nothing comes out of it", "it is not a file")),
    "directory": (lambda path: path.mkdir(), ("it is a directory",)),
    "socket": (make_socket, ("it is not a file",)),
    "device": (lambda path: path.symlink_to("/dev/zero"), ("it is not a file",)),
    "unreadable": (make_unreadable, ("Permission denied",)),
    "loop": (make_loop, ("Too many levels of symbolic links",)),
    "dangling": (lambda path: path.symlink_to("nowhere"), ("No such file or directory",)),
}


def confine():
    """In the child: bounded memory, and also as root no right to read what is unreadable."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    if os.geteuid() == 0:
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            if LIBC.prctl(24, capability, 0, 0, 0) != 0:  # PR_CAPBSET_DROP
                raise OSError(ctypes.get_errno(), "prctl")


def refuses(config, messages):
    before = sorted(path.name for path in config.parent.iterdir())
    processes = {command: subprocess.Popen([CARBONGATE, command, config], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                           stderr=subprocess.PIPE, cwd=config.parent, preexec_fn=confine)
                 for command in ("check", "run")}
    for command, process in processes.items():
        try:
            printed, complained = process.communicate(timeout=LIMIT_S)
        finally:
            process.kill()
        text = complained.decode()  # strictly: what is printed is text, whatever was read
        assert process.returncode == EX_CONFIG, (command, process.returncode, text[:2000])
        assert any(message in text for message in messages), (command, text[:2000])
        assert printed == b""
        assert len(text) < STDERR_MAX, (command, len(text))
        assert not {c for c in text if c < " " and c != "\n"}, "no control characters"
    assert sorted(path.name for path in config.parent.iterdir()) == before, "nothing is written"


@pytest.fixture
def config(tmp_path):
    return tmp_path / "park.yaml"


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_refused(config, name):
    content, message = FILES[name]
    config.write_bytes(content if isinstance(content, bytes) else content.encode())
    refuses(config, [message])


@pytest.mark.parametrize("thing", THINGS)
def test_what_is_no_file_is_no_configuration(config, thing):
    make, reasons = THINGS[thing]
    make(config)
    refuses(config, [f"park.yaml: error: cannot read '{config}': {reason}" for reason in reasons])


@pytest.mark.parametrize("mention", MENTIONS)
@pytest.mark.parametrize("thing", THINGS)
def test_what_is_no_file_is_refused_where_it_is_mentioned(config, thing, mention):
    make, reasons = THINGS[thing]
    content, place = MENTIONS[mention]
    config.write_text(content)
    make(config.parent / "thing")
    refuses(config, [f"{place}cannot read '{config.parent / 'thing'}': {reason}" for reason in reasons])


def test_includes_go_64_files_deep_at_most(config):
    for n in range(100):
        (config.parent / f"{n}.yaml").write_text(f"include: {n + 1}.yaml\n")
    config.write_text(SITE + "include: 0.yaml\n")
    refuses(config, ["62.yaml:1:10: error: more than 64 files"])


def test_the_limits_hold_over_all_files_together(config):
    for n in range(60):
        (config.parent / f"{n}.yaml").write_text("x: [" + "1, " * 10_000 + "1]\n")
    config.write_text(SITE + "include: [" + ", ".join(f"{n}.yaml" for n in range(60)) + "]\n")
    refuses(config, ["error: more than 200000 values, references expanded"])


def test_a_hostile_profile_is_refused(config):
    profiles = config.parent / "profiles"
    profiles.mkdir()
    (profiles / "bomb.yaml").write_text(FILES["alias_bomb"][0])
    (profiles / "zero.yaml").symlink_to("/dev/zero")
    os.mkfifo(profiles / "pipe.yaml")
    for profile, message in [("bomb", "profiles/bomb.yaml:7:10: error: more than 200000"), ("zero", "no profile 'zero'"),
                             ("pipe", "no profile 'pipe'"), ("../park", "no profile '../park'")]:
        config.write_text(SITE + f"devices: [{{id: a, driver: modbus-tcp, address: 'h:502', profile: {profile}}}]\n" + REST)
        refuses(config, [message])


def test_a_configuration_may_come_from_a_pipe_that_someone_writes(config):
    """`carbongate check <(generate-config)` is a friendly use of pipes."""
    result = subprocess.run(["bash", "-c", '"$0" check <(printf "%s" "$1")', CARBONGATE,
                             SITE + REST + METER + "brokers: {b: {url: 'mqtt://h'}}\n"],
                            capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert result.stdout.startswith("site: park"), result.stderr
