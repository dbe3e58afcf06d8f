import os
import subprocess
import sys

import pytest

from dev import forked
from dev.folders import ROOT


def test_a_command_ends_as_in_a_process_of_its_own():
    command = ["check", "--tag", "nonsense"]
    alone = subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, capture_output=True, text=True)

    ended = forked.manage(*command, environment=os.environ)

    assert (ended.returncode, ended.stdout, ended.stderr) == (alone.returncode, alone.stdout, alone.stderr)
    assert (alone.returncode, alone.stderr) == (1, 'CommandError: There is no system check with the "nonsense" tag.\n')


def test_a_bug_is_a_traceback():
    ended = forked.manage("shell", "-c", "1 / 0", environment=os.environ)

    assert ended.returncode == 1
    assert "CRITICAL plumbing: Uncaught exception\nTraceback" in ended.stderr  # by the product's own hook
    assert ended.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_each_command_has_the_environment_that_it_was_given_and_no_other():
    show = ["shell", "-v0", "-c", "import os; print(os.environ.get('LEFT_BEHIND'))"]

    shown = [forked.manage(*show, environment=os.environ | extra).stdout for extra in ({"LEFT_BEHIND": "1"}, {})]

    assert shown == ["1\n", "None\n"]


def test_a_command_that_does_not_end_is_ended():
    with pytest.raises(subprocess.TimeoutExpired):
        forked.manage("shell", "-c", "import time; time.sleep(60)", environment=os.environ, within=0.1)
