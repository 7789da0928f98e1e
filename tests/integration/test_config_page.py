"""config/README.md, held against the program: what it reads is there, and its examples are good."""

import re
import subprocess

import pytest
from harness import CARBONGATE, SOURCE

PAGE = (SOURCE / "config/README.md").read_text()
READS = re.compile(r"""(?:\.|\bread_\w+\(in, |\b(?:first|other|constant|pointer_or_problem|read_when|read_time)\(\w+, (?:\w+, )?)
                       (?:required|optional|value_or|has|child|items|required_items|one_of|in_range)?\s*(?:<[^()"]*>)?\(?"([a-z0-9_]+)\"""", re.VERBOSE)
IN_LOOPS = re.compile(r"for \(const [\w:]+ \*? ?key : \{([^}]*)\}")
NOT_OF_A_FILE = {"password", "secret", "token"}  # of read_secret: read as password_file, token_env ...


def known_keys():
    keys = set()
    for folder in ("drivers", "gateway"):
        for file in sorted((SOURCE / folder).rglob("*.cc")):
            if "config::Reader" not in (text := file.read_text()):
                continue
            keys |= set(READS.findall(text))
            for words in IN_LOOPS.findall(text):
                keys |= set(re.findall(r'"([a-z0-9_]+)"', words))
    return keys - NOT_OF_A_FILE


def words():
    return set(re.findall(r"[a-z0-9_]+", PAGE))


def test_no_key_is_undocumented():
    keys = known_keys()
    assert len(keys) > 150 and {"register_bits", "count", "signed", "replaced", "ratio", "market", "coal_method", "barometric"} <= keys
    assert sorted(keys - words()) == []


def test_every_carrier_and_every_unit_is_there():
    carriers = re.findall(r'^    \w+[({]"([a-z0-9-]+)", "', (SOURCE / "gateway/model/carrier.cc").read_text(), re.MULTILINE)
    units = re.findall(r'Unit\{"([^"]+)", \w+', (SOURCE / "drivers/api/unit.cc").read_text())
    assert len(carriers) > 100 and len(units) > 50
    assert [name for name in carriers + units if f"`{name}`" not in PAGE] == []


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def site(tmp_path):
    configuration, factors, certificates = blocks("yaml")
    (tmp_path / "factors").mkdir()
    (tmp_path / "factors/own-fuels.yaml").write_text(factors)
    (tmp_path / "site.yaml").write_text(configuration + certificates)
    return tmp_path


def test_the_examples_are_good(site):
    result = subprocess.run([CARBONGATE, "check", "site.yaml"], cwd=site, capture_output=True, text=True, check=False)
    assert result.returncode == 0 and result.stderr == "", result.stderr
    assert "own-fuels/natural-gas/default/2026 version 2026-07-01" in result.stdout
    shown = subprocess.run([CARBONGATE, "factors", "show", "own-fuels/natural-gas/default/2026", "site.yaml"], cwd=site,
                           capture_output=True, text=True, check=False)
    assert "0.01532" in shown.stdout and "Laboratory report 2026-06" in shown.stdout, shown.stdout + shown.stderr


def test_amounts_entered_by_hand_have_the_header_that_the_program_reads():
    header = blocks("csv")[0].splitlines()[0]
    assert f'"{header}"' in (SOURCE / "gateway/cli/manual_file.cc").read_text()
