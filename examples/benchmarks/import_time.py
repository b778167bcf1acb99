"""Seconds of a processor for ``import skd2ace``, and for what it is built upon, in turn.

python examples/benchmarks/import_time.py
"""

import argparse
import os
import statistics
import subprocess
import sys

# Modules are compiled once, as where a package is installed, and not at each import.
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def seconds_of(code):
    before = os.times()
    subprocess.run([sys.executable, "-c", code], check=True, env=ENVIRONMENT)
    after = os.times()
    spent = zip(after[2:4], before[2:4], strict=True)
    return sum(now - then for now, then in spent)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    seconds_of("import skd2ace")
    ratios = []
    for _ in range(args.rounds):
        below = seconds_of("import torch, skorch, sklearn")
        ours = seconds_of("import skd2ace")
        ratios.append(ours / below)
        print(f"{ours:.2f} s, of {below:.2f} s: {ratios[-1]:.2f}", flush=True)
    print(f"median ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
