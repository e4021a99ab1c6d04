"""Random stories of publishing and correcting, until the time is over: in how many somebody computes a small number.

python -m bench.republishing [--seconds 240] [--seed 0] [--steps 7]

Every story in which something small follows is told, step by step, with what was computed; then the exit code is 1.
Whoever changes what is hidden beside public periods runs it first. Who counts once, and levels, are no sums of months:
their stories are in the tests.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from itertools import count, product

from tests.services.republishing import Story, random_story

RULES = ("count", "rate", "sum", "median")


def main() -> int:
    arguments = _arguments()
    began, total = time.monotonic(), Counter[str]()
    for seed in count(arguments.seed):
        for rule, confidential in product(RULES, (False, True)):
            if time.monotonic() - began > arguments.seconds:
                print(
                    f"{total['stories']} stories up to seed {seed}: something small followed in {total['told']};"
                    f" {total['hidden']} of {total['figures']} figures hidden in the end"
                )
                return int(total["told"] > 0)
            total["stories"] += 1
            for story in random_story(rule, seed, confidential=confidential, steps=arguments.steps):
                if found := story.computed():
                    total["told"] += 1
                    print(f"{rule}, seed {seed}, confidential={confidential}", *story.told, *found, sep="\n  ")
                    break
            total.update(_figures(story))
    return 0


def _figures(story: Story) -> dict[str, int]:
    return {
        "figures": sum(len(versions[-1].figures) for versions in story.versions.values()),
        "hidden": len(story.hidden()),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=240.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=7)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
