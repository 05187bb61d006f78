import sys

import pint


def convert(amount: str, source: str, target: str) -> str:
    return f"{pint.Quantity(float(amount), source).to(target):~g}"


def main() -> None:
    print(convert(*sys.argv[1:4]))
