"""Write a synthetic case: `python -m samples OUT [--seed N] [--patient N] [--preview FILE.png]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from samples.case import PATIENTS, write_case


def main(arguments: list[str]) -> None:
    """Write the case that the command line asks for, and say what was written."""
    parser = argparse.ArgumentParser(prog="python -m samples", description="write a synthetic dental case")
    parser.add_argument("out", type=Path, help="the folder to write into")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other noise and other teeth")
    parser.add_argument("--patient", type=int, default=1, choices=range(1, PATIENTS + 1))
    parser.add_argument("--preview", type=Path, metavar="FILE.png", help="also draw a contact sheet")
    options = parser.parse_args(arguments)
    case = write_case(options.out, options.seed, options.patient)
    if options.preview:
        from samples.preview import contact_sheet

        contact_sheet(case).save(options.preview)
    size = sum(path.stat().st_size for path in case.files)
    sys.stdout.write(f"{len(case.files)} files, {size / 1e6:.1f} MB, {len(case.planted)} words planted\n")


if __name__ == "__main__":
    main(sys.argv[1:])
