#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns numbered SQL files into a C table, so that the program carries its migrations.

usage: embed_migrations.py SYMBOL OUTPUT.c NNNN_name.sql ...
"""
import os
import re
import sys


def c_lines(text):
    for line in text.splitlines():
        if line and not line.startswith("--"):
            escaped = line.replace("\\", "\\\\").replace('"', '\\"')
            yield f'     "{escaped}\\n"'


def main():
    symbol, output, files = sys.argv[1], sys.argv[2], sys.argv[3:]
    rows = []
    for expected, path in enumerate(sorted(files, key=os.path.basename), start=1):
        match = re.fullmatch(r"(\d{4})_([a-z0-9_]+)\.sql", os.path.basename(path))
        if not match or int(match.group(1)) != expected:
            sys.exit(f"{path}: migrations are named NNNN_name.sql and numbered without gaps; "
                     f"expected number {expected:04d}")
        with open(path, encoding="utf-8") as source:
            body = "\n".join(c_lines(source.read()))
        rows.append(f'    {{{expected}, "{match.group(2)}",\n{body}}},\n')
    with open(output, "w", encoding="utf-8") as out:
        out.write('#include "store/migrate.h"\n\n')
        out.write(f"static const struct hyp_migration rows[] = {{\n{''.join(rows)}}};\n\n")
        out.write(f"const struct hyp_migrations {symbol} = {{rows, {len(rows)}}};\n")


main()
