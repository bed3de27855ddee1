"""What scripts of a few fixed cases have in common: the programs' directory, a scratch directory, the exit status."""

import argparse
import pathlib
import sys
import tempfile


def run_cases(description, cases):
    """Each case is called with the directory of rnc and rnrun and an empty one; it says whether it is good."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    binaries = parser.parse_args().bin.resolve()
    good = []
    for case in cases:
        with tempfile.TemporaryDirectory() as scratch:
            good.append(case(binaries, pathlib.Path(scratch)))
    sys.exit(0 if all(good) else 1)
