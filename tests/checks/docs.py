#!/usr/bin/env python3
"""Holds the Markdown pages to the tree that they describe.

Links lead to files and headings that exist; a command or a path that a page
names exists: scripts and sources, CMake presets, subcommands of bitsctl, flags
of bitsd, methods of the services.

Usage: docs.py ROOT [BITSCTL [BITSD]]   prints what is wrong, exits with 1
"""

import json
import pathlib
import re
import subprocess
import sys

LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```|^ {4}.*$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"(?<![\w/.:-])((?:deploy|tests|client|server|proto|\.ci)/[\w./-]*\w/?)")
PRESET = re.compile(r"--preset[ =]([\w-]+)")
METHOD = re.compile(r"\bbits\.v1\.(\w+)[/.](\w+)")
SUBCOMMAND = re.compile(r"\bbitsctl (?:--server=\S+ |--json )*([a-z][a-z-]+)\b")
# Each flag of one call of bitsd, to the end of the line.
BITSD_CALL = re.compile(r"\bbitsd((?: +(?:--|\[|\\\n)[^\s`|]*)+)")
FLAG = re.compile(r"--([a-z][a-z_-]*)")
# One call of bitsctl, within a piece of code and a line of it.
BITSCTL_CALL = re.compile(r"\bbitsctl ([a-z][a-z-]+)\b([^`\n|]*)")


def anchor(heading):
    """GitHub's name for a heading."""
    text = re.sub(r"[`*_]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


class Tree:
    def __init__(self, root, bitsctl=None, bitsd=None):
        self.root = pathlib.Path(root).resolve()
        presets = self.root / "CMakePresets.json"
        self.presets = set()
        if presets.exists():
            for kind, entries in json.loads(presets.read_text()).items():
                if kind.endswith("Presets"):
                    self.presets |= {e["name"] for e in entries if not e.get("hidden")}
        self.methods = set()
        for proto in (self.root / "proto").rglob("*.proto"):
            service = None
            for line in proto.read_text(encoding="utf-8").splitlines():
                if match := re.match(r"\s*service (\w+)", line):
                    service = match.group(1)
                elif match := re.match(r"\s*rpc (\w+)", line):
                    self.methods.add((service, match.group(1)))
        self.bitsctl = bitsctl
        self.bitsctl_help = self._help([bitsctl, "help"] if bitsctl else None)
        self.command_help = {}
        self.bitsd_help = self._help([bitsd, "--help"] if bitsd else None)

    @staticmethod
    def _help(command):
        if command is None:
            return None
        run = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        return run.stdout + run.stderr

    def help_of(self, command):
        if command not in self.command_help:
            self.command_help[command] = self._help([self.bitsctl, "help", command])
        return self.command_help[command]

    def pages(self):
        return [p for p in sorted(self.root.rglob("*.md"))
                if not set(p.relative_to(self.root).parts) & {"build", "node_modules", ".git"}]

    def check(self):
        pages = self.pages()
        return len(pages), [f"{p.relative_to(self.root)}: {c}" for p in pages
                            for c in self.check_page(p)]

    def check_page(self, page):
        text = page.read_text(encoding="utf-8")
        prose = re.sub(r"^```.*?^```|^ {4}.*$", "", text, flags=re.MULTILINE | re.DOTALL)
        for target in LINK.findall(prose):
            yield from self.check_link(page, target)
        if page.name == "CHANGELOG.md":
            return  # Tells of what was.
        for code in CODE.findall(text):
            yield from self.check_code(code)

    def check_link(self, page, target):
        if re.match(r"[a-z]+:", target):
            return
        path, _, fragment = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            yield f"no such file: {target}"
        elif fragment and file.suffix == ".md":
            headings = HEADING.findall(file.read_text(encoding="utf-8"))
            if fragment not in map(anchor, headings):
                yield f"no such heading: {target}"

    def check_code(self, code):
        for path in PATH.findall(code):
            file = self.root / path  # Or a .h and .cc beside each other.
            if not file.exists() and not list(file.parent.glob(file.name + ".*")):
                yield f"no such path: {path}"
        for preset in PRESET.findall(code):
            if preset not in self.presets:
                yield f"no such preset: {preset}"
        for service, method in METHOD.findall(code):
            if (service, method) not in self.methods and service.endswith("Service"):
                yield f"no such method: {service}/{method}"
        if self.bitsctl_help is not None:
            for subcommand in SUBCOMMAND.findall(code):
                if not re.search(rf"\b{subcommand}\b", self.bitsctl_help):
                    yield f"no such subcommand: bitsctl {subcommand}"
            for command, rest in BITSCTL_CALL.findall(code):
                for flag in FLAG.findall(rest):
                    if not re.search(rf"--{flag}\b", self.help_of(command)):
                        yield f"no such flag: bitsctl {command} --{flag}"
        if self.bitsd_help is not None:
            for call in BITSD_CALL.findall(code):
                for flag in FLAG.findall(call):
                    if not re.search(rf"--{flag}\b", self.bitsd_help):
                        yield f"no such flag: bitsd --{flag}"


def main():
    count, complaints = Tree(*sys.argv[1:4]).check()
    print("\n".join(complaints), end="\n" if complaints else "")
    print(f"{count} pages, {len(complaints)} complaints")
    return 1 if complaints or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
