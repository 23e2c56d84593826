#!/usr/bin/env python3
"""named_tests.py finds what it should, and nothing else."""

import pathlib
import subprocess
import sys
import tempfile

LINT = pathlib.Path(__file__).with_name("named_tests.py")
SOURCE = """BOOST_FIXTURE_TEST_SUITE(queue, fixture)
BOOST_AUTO_TEST_CASE(goes_on) {}
BOOST_AUTO_TEST_SUITE_END()
"""
LISTING = """add_test(NAME crash/resume
  COMMAND resume.py)
"""


def run(row):
    """Returns the exit status and the complaints about a README with one row."""
    with tempfile.TemporaryDirectory(prefix="quire-lint-") as folder:
        tests = pathlib.Path(folder) / "tests"
        tests.mkdir()
        (tests / "queue_test.cpp").write_text(SOURCE)
        (tests / "CMakeLists.txt").write_text(LISTING)
        (tests / "README.md").write_text(row + "\n")
        done = subprocess.run([sys.executable, "-B", LINT, folder], capture_output=True, text=True, check=False)
        return done.returncode, done.stderr


def main():
    assert run("| T1 | it goes on | `queue/goes_on` |") == (0, "")
    assert run("| T1 | it goes on | `queue/*` |") == (0, "")
    assert run("| T1 | it goes on | `crash/resume` |") == (0, "")
    for wrong in ("queue/stops", "other/goes_on", "other/*", "crash/goes_on"):
        status, text = run(f"| T1 | it goes on | `queue/goes_on`, `{wrong}` |")
        assert status == 1 and wrong in text, (wrong, status, text)
    status, text = run("no table")
    assert status == 1 and "names no test" in text, (status, text)


main()
