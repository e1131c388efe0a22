"""Reads the part of YAML that docs/openapi.yaml is written in, with the standard library only.

Block mappings and sequences, flow mappings and sequences on one line, plain and quoted scalars,
literal (|) and folded (>) blocks, comments. Anchors, tags, multi-line plain scalars and several
documents are refused. test/api/check_openapi.py compares the result with PyYAML's.
"""
import json
import re

KEY = re.compile(r'("(?:[^"\\]|\\.)*"|\'[^\']*\'|[^\s"\'{\[#&*!|>%@,][^#]*?)\s*:(?:\s+|$)')
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$")


class Fault(ValueError):
    pass


class Line:
    def __init__(self, number, text):
        self.number = number
        self.raw = text
        self.indent = len(text) - len(text.lstrip(" "))
        self.text = text.strip()

    def fault(self, why):
        return Fault(f"line {self.number}: {why}: {self.text!r}")


def strip_comment(text):
    quote = None
    for i, c in enumerate(text):
        if quote:
            quote = None if c == quote and text[i - 1] != "\\" else quote
        elif c in "\"'" and (i == 0 or text[i - 1] in " [{,:"):
            quote = c
        elif c == "#" and (i == 0 or text[i - 1] == " "):
            return text[:i].rstrip()
    return text.rstrip()


def scalar(text, line):
    if text.startswith('"'):
        return json.loads(text)
    if text.startswith("'"):
        if not text.endswith("'") or len(text) < 2:
            raise line.fault("quote does not end")
        return text[1:-1].replace("''", "'")
    if text in ("", "null", "~"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if NUMBER.match(text):
        return float(text) if re.search(r"[.eE]", text) else int(text)
    if text[0] in "&*!%@`|>":
        raise line.fault("not in the subset")
    return text


class Flow:
    """{a: 1, b: [x, "y"]} on one line."""

    def __init__(self, text, line):
        self.text, self.line, self.at = text, line, 0

    def blanks(self):
        while self.at < len(self.text) and self.text[self.at] == " ":
            self.at += 1

    def peek(self):
        self.blanks()
        return self.text[self.at] if self.at < len(self.text) else ""

    def take(self, c):
        if self.peek() != c:
            raise self.line.fault(f"{c!r} expected at column {self.at}")
        self.at += 1

    def word(self, stops):
        self.blanks()
        start = self.at
        if self.peek() in ('"', "'"):
            quote = self.text[self.at]
            self.at += 1
            while self.at < len(self.text) and self.text[self.at] != quote:
                self.at += 2 if self.text[self.at] == "\\" and quote == '"' else 1
            self.at += 1
        else:
            while self.at < len(self.text) and self.text[self.at] not in stops:
                self.at += 1
        return self.text[start:self.at].strip()

    def value(self):
        c = self.peek()
        if c == "{":
            return self.mapping()
        if c == "[":
            return self.sequence()
        return scalar(self.word(",]}"), self.line)

    def mapping(self):
        found = {}
        self.take("{")
        while self.peek() != "}":
            key = scalar(self.word(":"), self.line)
            self.take(":")
            if key in found:
                raise self.line.fault(f"key {key!r} occurs twice")
            found[key] = self.value()
            if self.peek() == ",":
                self.take(",")
        self.take("}")
        return found

    def sequence(self):
        found = []
        self.take("[")
        while self.peek() != "]":
            found.append(self.value())
            if self.peek() == ",":
                self.take(",")
        self.take("]")
        return found


class Parser:
    def __init__(self, text):
        self.lines = [Line(n, t) for n, t in enumerate(text.split("\n"), 1)]
        self.at = 0

    def current(self):
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.text and not line.text.startswith("#"):
                return line
            self.at += 1
        return None

    def inline(self, text, line, indent):
        text = strip_comment(text)
        if text in ("|", ">", "|-", ">-"):
            return self.block_text(text, indent)
        if text[:1] in "{[" and text:
            flow = Flow(text, line)
            value = flow.value()
            if flow.peek():
                raise line.fault("text behind the flow value")
            return value
        return scalar(text, line)

    def block_text(self, style, indent):
        rows = []
        inner = None
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.text and line.indent <= indent:
                break
            if line.text and inner is None:
                inner = line.indent
            rows.append(line.raw[inner:] if line.text else "")
            self.at += 1
        while rows and not rows[-1]:
            rows.pop()
        end = "" if style.endswith("-") else "\n"
        if style[0] == "|":
            return "\n".join(rows) + end
        # Folded: one line feed is a blank, an empty line is a line feed.
        paragraphs = "\n".join(rows).split("\n\n")
        return "\n".join(p.replace("\n", " ") for p in paragraphs) + end

    def node(self, least):
        line = self.current()
        if line is None or line.indent < least:
            return None
        return self.sequence(line.indent) if self.is_item(line.text) else self.mapping(line.indent)

    @staticmethod
    def is_item(text):
        return text == "-" or text.startswith("- ")

    def mapping(self, indent):
        found = {}
        while (line := self.current()) is not None and line.indent == indent:
            if self.is_item(line.text):
                break
            self.pair(found, line, line.text, indent)
        if (line := self.current()) is not None and line.indent > indent:
            raise line.fault("indented too far")
        return found

    def pair(self, found, line, text, indent):
        match = KEY.match(text)
        if not match:
            raise line.fault("\"key: value\" expected")
        key = scalar(match.group(1), line)
        if key in found:
            raise line.fault(f"key {key!r} occurs twice")
        self.at += 1
        rest = text[match.end():]
        if strip_comment(rest):
            found[key] = self.inline(rest, line, indent)
            return
        below = self.current()
        if below is not None and self.is_item(below.text) and below.indent == indent:
            found[key] = self.sequence(indent)
        else:
            found[key] = self.node(indent + 1)

    def sequence(self, indent):
        found = []
        while (line := self.current()) is not None and line.indent == indent and self.is_item(line.text):
            rest = line.text[1:].lstrip()
            inner = indent + len(line.text) - len(rest)
            if rest and not rest.startswith(("{", "[", '"', "'")) and KEY.match(rest):
                # "- a: 1" begins a mapping whose other keys stand below the first.
                item = {}
                self.pair(item, line, rest, inner)
                while (more := self.current()) is not None and more.indent == inner and not self.is_item(more.text):
                    self.pair(item, more, more.text, inner)
                found.append(item)
            else:
                self.at += 1
                found.append(self.inline(rest, line, indent) if rest else self.node(indent + 1))
        return found


def parse(text):
    if "\t" in text:
        raise Fault("tabs are not allowed")
    parser = Parser(text)
    value = parser.node(0)
    if parser.current() is not None:
        raise parser.current().fault("does not belong here")
    return value
