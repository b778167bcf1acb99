"""Seconds of ``import skd2ace``, and of importing what it is built upon, in turn.

python examples/benchmarks/import_time.py
"""

import argparse
import statistics
import subprocess
import sys
import time


def seconds_of(code):
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    ratios = []
    for _ in range(args.rounds):
        below = seconds_of("import torch, skorch, sklearn")
        ours = seconds_of("import skd2ace")
        ratios.append(ours / below)
        print(f"{ours:.2f} s, of {below:.2f} s: {ratios[-1]:.2f}", flush=True)
    print(f"median ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
