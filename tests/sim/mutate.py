#!/usr/bin/env python3
"""One source file with a few texts replaced: mutate.py DESCRIPTION ROOT OUTPUT.

A description (faults/*.fault, scale/*.scale) has a head of `name: value` lines and then pairs of blocks,
`--- find` and `--- put`. Each text to find must stand in the file exactly once, else this fails: a
description cannot rot. With --print NAME as the second argument it prints that value of the head instead.
"""
import pathlib
import sys


def parse(path):
    head, blocks, current = {}, [], None
    for line in path.read_text().splitlines(keepends=True):
        if line.rstrip() in ("--- find", "--- put"):
            current = []
            blocks.append((line.rstrip()[4:], current))
        elif current is not None:
            current.append(line)
        elif line.strip():
            name, _, value = line.partition(":")
            head[name.strip()] = value.strip()
    kinds = [kind for kind, _ in blocks]
    whole = blocks and kinds == ["find", "put"] * (len(blocks) // 2)
    if not whole or "file" not in head or "rule" not in head:
        sys.exit(f"{path}: needs `file:`, `rule:` and pairs of `--- find` and `--- put`")
    texts = ["".join(lines).rstrip("\n") for _, lines in blocks]
    return head, list(zip(texts[::2], texts[1::2]))


def main():
    path = pathlib.Path(sys.argv[1])
    head, pairs = parse(path)
    if sys.argv[2] == "--print":
        print(head.get(sys.argv[3], ""), end="")
        return
    source = pathlib.Path(sys.argv[2], head["file"])
    text = source.read_text()
    for find, put in pairs:
        if text.count(find) != 1:
            sys.exit(f"{path}: stands {text.count(find)} times in {head['file']}, not once:\n{find}")
        text = text.replace(find, put)
    output = pathlib.Path(sys.argv[3])
    output.parent.mkdir(parents=True, exist_ok=True)
    line = "" if source.suffix == ".lua" else f'#line 1 "{source}"\n'
    output.write_text(line + text)


if __name__ == "__main__":
    main()
