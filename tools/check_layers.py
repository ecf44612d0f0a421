#!/usr/bin/env python3
"""Keeps the folder list true: fails on what breaks the layers or the sizes that CONTRIBUTING.md sets.

    tools/check_layers.py [ROOT]

Reads tools/layers.txt (who may include whom) and tools/libraries.txt (who owns which library), and finds:
  - an #include of geoul/X from geoul/Y that layers.txt does not allow; a module that it does not name
  - an #include "..." that does not start at the root (relative paths), or names a file that does not exist
  - a third-party header outside the module that owns the library; a library that nobody owns
  - a .cpp or .h below geoul/ that no CMakeLists.txt names; a file(GLOB), which would name it by chance
  - a header above 400 lines, or a source above 1,000, whose first comment does not say 'long because ...'
Prints one finding a line and exits 1 where there is one, 2 where the tables cannot be read.
"""
import pathlib
import re
import sys

HEADER_LINES, SOURCE_LINES = 400, 1000
CHECKED = ("geoul", "bench", "scenarios", "tools")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.M)
COMMENTS = re.compile(r'//[^\n]*|/\*.*?\*/|("(?:\\.|[^"\\\n])*")', re.S)
# Headers of the C++ library and of the system: <vector>, <experimental/simd>, <unistd.h>, <sys/stat.h>.
STANDARD = re.compile(r'^(experimental/)?[a-z_0-9]+$|^(sys|netinet|arpa|linux|net)/[a-z_0-9]+\.h$'
                      r'|^(cxxabi|dirent|dlfcn|errno|fcntl|fenv|float|immintrin|limits|locale|malloc|math|netdb|poll|pthread|pwd'
                      r'|sched|setjmp|signal|spawn|stddef|stdint|stdio|stdlib|string|termios|time|unistd)\.h$')


class TableError(Exception):
    pass


def table_lines(file):
    """(line number, name, rest) of every line 'name: rest'."""
    if not file.exists():
        raise TableError(f"{file}: does not exist")
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            name, colon, rest = line.partition(":")
            if not colon:
                raise TableError(f"{file}:{number}: write 'name: ...'")
            yield number, name.strip(), rest


def read_layers(file):
    """Module -> modules that it may include. A module may only name modules above it, so that there is no cycle."""
    layers = {}
    for number, name, rest in table_lines(file):
        if name in layers:
            raise TableError(f"{file}:{number}: '{name}' stands twice")
        for other in rest.split():
            if other not in layers:
                raise TableError(f"{file}:{number}: '{name}' may only name modules above it, and '{other}' is none")
        layers[name] = set(rest.split())
    return layers


def read_libraries(file):
    """[(library, owners, beginnings of header names)]"""
    libraries = []
    for number, name, rest in table_lines(file):
        owners, bar, beginnings = rest.partition("|")
        if not bar or not beginnings.split():
            raise TableError(f"{file}:{number}: write '{name}: modules | beginnings of header names'")
        libraries.append((name, set(owners.split()), tuple(beginnings.split())))
    return libraries


def without_comments(text):
    """The text with its comments blanked and its lines and strings kept."""
    return COMMENTS.sub(lambda m: m.group(1) or "\n" * m.group(0).count("\n"), text)


def first_comment(text):
    """The comment block that a file starts with."""
    block = re.match(r'\s*(?:(?://[^\n]*\n\s*)+|/\*.*?\*/)', text, re.S)
    return block.group(0) if block else ""


class Check:
    def __init__(self, root):
        self.root = root
        self.layers = read_layers(root / "tools/layers.txt")
        self.libraries = read_libraries(root / "tools/libraries.txt")
        self.findings = []

    def find(self, file, line, message):
        where = file.relative_to(self.root)
        self.findings.append(f"{where}:{line}: {message}" if line else f"{where}: {message}")

    def check_own_include(self, file, line, module, target):
        """An #include "target" of a file in a module (bench, scenarios and tools stand above all modules; tests may use
        the scenes of scenarios/)."""
        if target.endswith(".pb.h"):  # generated; who may use it is the protobuf line of libraries.txt
            return self.check_library(file, line, module, "google/protobuf/" + target)
        if not target.startswith(tuple(f"{top}/" for top in CHECKED)):
            return self.find(file, line, f'"{target}" is no path from the root; write "geoul/{module}/..."')
        if ".." in target or not (self.root / target).is_file():
            return self.find(file, line, f'"{target}" does not exist')
        other = target.split("/")[1]
        if not target.startswith("geoul/"):
            is_test = file.name.endswith("_test.cpp") and target.startswith("scenarios/")
            if module in self.layers and not is_test:
                self.find(file, line, f"geoul/{module} may not include {target}: it stands above the modules")
        elif other not in self.layers:
            self.find(file, line, f"module '{other}' is missing in tools/layers.txt")
        elif module in self.layers and other != module and other not in self.layers[module]:
            self.find(file, line, f"geoul/{module} may not include geoul/{other} (tools/layers.txt)")

    def check_library(self, file, line, module, target):
        if STANDARD.match(target):
            return
        for name, owners, beginnings in self.libraries:
            if target.startswith(beginnings):
                is_test = file.stem.endswith("_test")
                if name != "tests" and "any" not in owners and module not in owners:
                    self.find(file, line, f"<{target}> belongs to {name}, which {' and '.join(sorted(owners))} owns "
                                          "(tools/libraries.txt)")
                elif name == "tests" and not is_test:
                    self.find(file, line, f"<{target}> may only appear in a *_test.cpp")
                return
        self.find(file, line, f"<{target}> belongs to no library of tools/libraries.txt")

    def check_size(self, file, text):
        lines = text.count("\n")
        limit = HEADER_LINES if file.suffix == ".h" else SOURCE_LINES
        if lines > limit and "long because" not in " ".join(first_comment(text).replace("//", " ").split()):
            self.find(file, 0, f"{lines} lines, above {limit}: split it, or let its first comment say 'long because ...'")

    def check_file(self, file, module):
        text = file.read_text(errors="replace")
        code = without_comments(text)
        for match in INCLUDE.finditer(code):
            line = code.count("\n", 0, match.start(match.lastindex)) + 1
            if match.group(1) is not None:
                self.check_own_include(file, line, module, match.group(1))
            else:
                self.check_library(file, line, module, match.group(2))
        self.check_size(file, text)

    def listed_files(self):
        """Every file that a CMakeLists.txt below geoul/ names."""
        listed = set()
        for file in sorted((self.root / "geoul").rglob("CMakeLists.txt")):
            text = re.sub(r'#[^\n]*', '', file.read_text())
            if re.search(r'\bfile\s*\(\s*GLOB', text, re.I):
                self.find(file, 0, "file(GLOB): list the files")
            listed |= {(file.parent / word).resolve() for word in re.split(r'[\s()"]+', text)
                       if word.endswith((".cpp", ".h"))}
        return listed

    def run(self):
        listed = self.listed_files()
        for top in CHECKED:
            for file in sorted((self.root / top).rglob("*")):
                if self.root / "bench/rivals/drivers" in file.parents:  # each is built by its own script, with its own libraries
                    continue
                if file.suffix not in (".h", ".cpp") or "node_modules" in file.parts:
                    continue
                module = file.relative_to(self.root).parts[1] if top == "geoul" else top
                if top == "geoul" and module not in self.layers:
                    self.find(file, 0, f"module '{module}' is missing in tools/layers.txt")
                    continue
                if top == "geoul" and file.resolve() not in listed:
                    self.find(file, 0, "no CMakeLists.txt names it")
                self.check_file(file, module)
        return self.findings


def main(arguments):
    if len(arguments) > 1 or arguments[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return 0 if arguments[:1] in (["-h"], ["--help"]) else 2
    root = pathlib.Path(arguments[0]) if arguments else pathlib.Path(__file__).parents[1]
    try:
        findings = Check(root.resolve()).run()
    except TableError as error:
        print(f"check_layers: {error}", file=sys.stderr)
        return 2
    print("\n".join(findings) if findings else "layers: nothing found")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
