#!/usr/bin/env python3
"""tools/yamllite reads docs/openapi.yaml as PyYAML does, and refuses what it cannot read."""
import os
import pathlib
import sys

ROOT = pathlib.Path(os.environ.get("HYP_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(ROOT / "tools"))
import yamllite  # noqa: E402

GOOD = [
    ("scalars", "a: 1\nb: -2.5\nc: true\nd: null\ne: text here\nf: \"x: y\"\ng: 'it''s'\n",
     {"a": 1, "b": -2.5, "c": True, "d": None, "e": "text here", "f": "x: y", "g": "it's"}),
    ("nesting", "a:\n  b:\n    c: 1\n  d: 2\n", {"a": {"b": {"c": 1}, "d": 2}}),
    ("lists", "a:\n  - 1\n  - x: 2\n    y: 3\n  - [4, {z: 5}]\n", {"a": [1, {"x": 2, "y": 3}, [4, {"z": 5}]]}),
    ("flow", "a: {b: [1, \"two, 2\"], c: {d: e}}\n", {"a": {"b": [1, "two, 2"], "c": {"d": "e"}}}),
    ("comments", "# top\na: 1 # behind\nb: \"# not\"\n", {"a": 1, "b": "# not"}),
    ("literal", "a: |\n  one\n    two\n\n  three\nb: 1\n", {"a": "one\n  two\n\nthree\n", "b": 1}),
]
BAD = [
    ("a tab", "a:\n\tb: 1\n"),
    ("a key twice", "a: 1\na: 2\n"),
    ("an anchor", "a: &x 1\n"),
    ("no key", "just text\n"),
    ("a flow that does not end", "a: {b: 1\n"),
    ("wrong indent", "a: 1\n   b: 2\n"),
]


def check_good(text, wanted):
    found = yamllite.parse(text)
    return "" if found == wanted else f"{found!r} instead of {wanted!r}"


def check_bad(text):
    try:
        return f"gave {yamllite.parse(text)!r}"
    except (yamllite.Fault, ValueError):
        return ""


def check_document():
    import yaml
    text = (ROOT / "docs" / "openapi.yaml").read_text()
    return "" if yamllite.parse(text) == yaml.safe_load(text) else "PyYAML reads it differently"


def main():
    results = [(name, check_good(text, wanted)) for name, text, wanted in GOOD]
    results += [("refuses " + name, check_bad(text)) for name, text in BAD]
    try:
        results.append(("docs/openapi.yaml", check_document()))
    except ImportError:
        results.append(("docs/openapi.yaml # SKIP PyYAML is not installed", ""))
    for number, (name, fault) in enumerate(results, 1):
        print(f"{'not ok' if fault else 'ok'} {number} - {name}")
        if fault:
            print(f"# {fault}")
    print(f"1..{len(results)}")
    return 1 if any(fault for _, fault in results) else 0


if __name__ == "__main__":
    sys.exit(main())
