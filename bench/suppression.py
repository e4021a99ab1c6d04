"""What hiding costs: cells hidden beyond the small ones, and what an attacker gets with and without them.

python -m bench.suppression [--tables 200] [--threshold 11] [--seconds 5]
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

from services.suppressing import protect
from tests.services.attacker import recovered
from tests.services.tables import random_table

HEADER = f"{'table':>5} {'shape':<36} {'cells':>5} {'small':>5} {'beyond':>6} {'seconds':>7}  recovered: small, both"


def main() -> None:
    arguments = _arguments()
    total: Counter[str] = Counter()
    print(HEADER)
    for seed in range(arguments.tables):
        name, table = random_table(seed)
        began = time.process_time()
        found = protect(table, arguments.threshold, arguments.seconds)
        took = time.process_time() - began
        before = len(recovered(table, found.small, arguments.threshold))
        after = len(recovered(table, found.hidden, arguments.threshold))
        cells, small, beyond = len(table.values), len(found.small), len(found.complement)
        print(f"{seed:>5} {name:<36} {cells:>5} {small:>5} {beyond:>6} {took:>7.2f}  {before:>10} {after:>5}")
        total.update(cells=cells, small=small, beyond=beyond, tables_open=bool(before), tables_shut=not after)
        total.update(before=before, after=after, best=found.best, milliseconds=round(took * 1000))
    _sum(total, arguments.tables)


def _sum(total: Counter[str], tables: int) -> None:
    print(
        f"\n{tables} tables, {total['cells']} cells: {total['small']} small, {total['beyond']} hidden beyond them"
        f" ({total['beyond'] / max(1, total['cells']):.1%} of all cells);"
        f" {total['best']} choices proven to be the fewest; {total['milliseconds'] / 1000:.1f} s of processor\n"
        f"small cells alone hidden: the attacker recovers {total['before']} cells in {total['tables_open']} tables\n"
        f"both hidden: {total['after']} cells; {total['tables_shut']} tables give nothing away"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=200)
    parser.add_argument("--threshold", type=int, default=11)
    parser.add_argument("--seconds", type=float, default=5.0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
