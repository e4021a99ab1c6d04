"""`python -m concert.demo`: the demonstration without the command line around it."""

from __future__ import annotations

import argparse

from concert.demo.main import PLANS, REFERRALS, SEED, run_demo
from concert.ending import leave


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m concert.demo", description="A region's partners at work.")
    parser.add_argument("--referrals", type=int, default=REFERRALS, help="how many requests come in")
    parser.add_argument("--plans", type=int, default=PLANS, help="how many families get a plan")
    parser.add_argument("--seed", type=int, default=SEED, help="same seed, same region and same requests")
    parser.add_argument("--json", action="store_true", help="nothing but JSON on standard output")
    asked = parser.parse_args()
    return run_demo(asked.referrals, asked.seed, asked.json, asked.plans)


if __name__ == "__main__":
    leave(main())
