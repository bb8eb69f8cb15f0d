"""Makes the virtual environment of the local AWS, once for each content of requirements.txt, and prints its Python.

    python3 prepare.py FOLDER

Safe to run by several processes at once. Needs nothing but Python 3.
"""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
import venv
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "requirements.txt"


def main() -> None:
    folder = Path(sys.argv[1]).absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    python, stamp = folder / "bin" / "python", folder / ".requirements-sha256"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    with open(folder.parent / f"{folder.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text().strip() != wanted:
            print("Preparing the local AWS (once, about two minutes)", file=sys.stderr, flush=True)
            venv.create(folder, with_pip=True, clear=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", REQUIREMENTS],
                           check=True, stdout=sys.stderr)
            stamp.write_text(wanted)
    print(python)


if __name__ == "__main__":
    main()
