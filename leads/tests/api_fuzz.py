"""Whatever the API's description allows is taken, what it does not allow is refused, nothing is a 500 (make test-api).

Not named test_…: it needs schemathesis, and `make test` does not collect this file.
"""

import subprocess
import sys
from pathlib import Path

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
OFF = {f"LIMIT_{name}": "off" for name in ("PER_CLIENT", "PER_PHONE", "OVERALL")}


def test_the_api_keeps_to_its_description(run_stack, tmp_path):
    stack = run_stack(parts=("web",), **OFF)
    run = [SCHEMATHESIS, "run", f"{stack.url}/api/openapi.json", "--mode", "all", "--phases"]
    options = ["examples,coverage,fuzzing,stateful", "--max-examples", "200", "--seed", "1", "--no-color"]
    options += ["--generation-database", "none", "--warnings", "off", "--suppress-health-check", "all"]

    told = subprocess.run([*run, *options], cwd=tmp_path, capture_output=True, text=True, timeout=600)

    assert told.returncode == 0, told.stdout + told.stderr
    assert "Traceback" not in stack.log("web")
    assert stack.ledger.rows("SELECT count(*) FROM leads")[0]["count"] > 0
