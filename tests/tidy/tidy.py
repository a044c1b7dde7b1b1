#!/usr/bin/env python3
"""The house rules (docs/STYLE.md) as tests.

A rule that nothing checks is a wish. Each check is a function from a tree (path -> text) to complaints,
and comes with a small planted violation that it must find and a small clean tree in which it must find
nothing: a check that cannot fail is noticed. Both run before the check itself, every time.

    tidy.py --list                   the names of the checks
    tidy.py [--root DIR] [CHECK...]  run them (default: all); exit 0, 1 with complaints, 77 skipped

To add one: a function with @check and its two trees.
"""
import argparse
import fnmatch
import os
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile

CHECKS = {}
PRODUCT = ("core", "peers", "config", "ingest", "processors", "sinks", "cli")
TOP = PRODUCT + ("web", "deploy", "docs", "bench", "tests", "cmake")
TEXT_NAMES = (".c", ".h", ".def", ".in", ".lua", ".py", ".sh", ".md", ".yaml", ".yml", ".cmake", ".txt",
              ".json")
SELF = "tests/tidy/tidy.py"


class Skip(Exception):
    pass


def check(planted, clean):
    """Registers a check with the tree that it must complain about and the one that it must not."""
    def register(function):
        CHECKS[function.__name__.replace("_", "-")] = (function, planted, clean)
        return function
    return register


def read_tree(root):
    """What git would commit; where there is no git (a release archive), everything but build/."""
    listing = subprocess.run(["git", "-C", root, "ls-files", "-z", "-c", "-o", "--exclude-standard"],
                             capture_output=True, check=False)
    if listing.returncode == 0:
        paths = [path for path in listing.stdout.decode().split("\0") if path]
    else:
        paths = []
        for folder, folders, files in os.walk(root):
            folders[:] = [name for name in folders if name not in ("build", ".git")]
            paths += [os.path.relpath(os.path.join(folder, name), root) for name in files]
    tree = {}
    for path in sorted(set(paths)):
        full = os.path.join(root, path)
        if os.path.isfile(full):
            with open(full, "rb") as file:
                tree[path] = file.read().decode("utf-8", "replace")
    return tree


def c_files(tree, *suffixes):
    return [path for path in tree if path.endswith(suffixes or (".c", ".h"))]


def within(path, *folders):
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def bare(text):
    """C without comments and the insides of literals; the lines stay where they are."""
    def blank(match):
        word = match.group(0)
        if word.startswith("/"):
            return "\n" * word.count("\n") or " "
        return word[0] + word[0]
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text,
                  flags=re.DOTALL)


def line_of(text, at):
    return text.count("\n", 0, at) + 1


# Who may include whom: the longest folder that fits a file decides. A name allows its sub-folders too.
LAYERS = {
    "core": ("core",),
    "peers/kafka": ("core", "peers/kafka"),
    "peers/mqtt": ("core", "peers/mqtt"),
    "peers/redis": ("core", "peers/redis"),
    "peers/http": ("core", "peers/http"),
    "config": ("core", "config"),
    "config/log": ("core", "config", "peers/kafka", "peers/mqtt/mqtt.h", "peers/redis/redis.h"),
    "ingest/decode": ("core", "config", "ingest/decode"),
    "ingest": ("core", "config", "peers/kafka", "peers/mqtt", "peers/http", "ingest"),
    "processors/aggregate": ("core", "config/definition.h", "processors/aggregate"),
    "processors": ("core", "config", "processors"),  # pure: no peer, no clock
    "processors/run": ("core", "config", "peers/kafka", "peers/http", "processors"),
    "sinks": ("core", "config", "peers/kafka", "peers/redis", "peers/http", "sinks"),
    "cli": ("core", "config", "peers", "ingest/decode", "processors", "cli"),
}
NEVER = {
    "config": ("config/log",),
    "ingest/decode": ("config/log",),
    "processors": ("config/log", "processors/run"),
}
FOREIGN = {
    r"(librdkafka/)?rdkafka.*\.h": "peers/kafka",
    r"MQTT.*\.h": "peers/mqtt",
    r"hiredis.*": "peers/redis",
    r"microhttpd.*": "peers/http",
    r"yaml\.h": "config",
    r"cjson/.*": "config",
    r"xxhash\.h|openssl/.*": "core",
    r"zlib\.h": "ingest/decode",
    r"msgpack.*|cmocka\.h|lua.*\.h|lauxlib\.h": "tests",
}


def may_include(path, header):
    if path == "processors/main.c":  # the program, not the pure part beside it
        path = "processors/run/main.c"
    layer = max((name for name in LAYERS if within(path, name)), key=len, default=None)
    if layer is None:
        return True
    return within(header, *LAYERS[layer]) and not within(header, *NEVER.get(layer, ()))


@check({"core/a.c": '#include "peers/kafka/kafka.h"\n', "sinks/b.c": '#include <MQTTAsync.h>\n'},
       {"core/a.c": '#include "core/a.h"\n', "peers/mqtt/m.c": "#include <MQTTAsync.h>\n",
        "cli/c.c": '#include "ingest/decode/pipeline.h"\n'})
def layers(tree):
    """A file includes only what its layer may see, and foreign headers only in their place."""
    for path in c_files(tree, ".c", ".h", ".c.in"):
        for number, line in enumerate(tree[path].splitlines(), 1):
            own = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            foreign = re.match(r"\s*#\s*include\s+<([^>]+)>", line)
            if own and within(path, *PRODUCT) and not may_include(path, own.group(1)):
                yield f"{path}:{number}: may not include {own.group(1)}"
            for pattern, place in FOREIGN.items():
                allowed = within(path, place, "tests", "bench")
                if foreign and not allowed and re.fullmatch(pattern, foreign.group(1)):
                    yield f"{path}:{number}: {foreign.group(1)} belongs into {place}"


@check({"core/a.c": "\n" * 501, "core/a.h": "\n" * 151}, {"core/a.c": "\n" * 500, "core/a.h": "\n" * 150})
def file_length(tree):
    """500 lines for a .c, 150 for a .h (a header of the tests may be code: 500)."""
    for path in c_files(tree):
        limit = 150 if path.endswith(".h") and not within(path, "tests") else 500
        lines = tree[path].count("\n")
        if lines > limit:
            yield f"{path}: {lines} lines, more than {limit}"


@check({"core/a.c": "int f(void)\n{\n" + "    g();\n" * 61 + "}\n"},
       {"core/a.c": "int f(void)\n{\n" + "    g();\n" * 60 + "}\n"})
def function_length(tree):
    """60 lines between the braces of a function."""
    for path in c_files(tree):
        begin = None
        for number, line in enumerate(tree[path].splitlines(), 1):
            if line == "{":
                begin = number
            elif line.startswith("}") and begin is not None:
                if number - begin - 1 > 60:
                    yield f"{path}:{begin}: a function of {number - begin - 1} lines"
                begin = None


@check({"core/a.c": "/* " + "x" * 110 + " */\n"}, {"core/a.c": "/* " + "x" * 104 + " */\n"})
def line_length(tree):
    """110 columns at most."""
    for path in c_files(tree, ".c", ".h", ".def", ".py"):
        for number, line in enumerate(tree[path].splitlines(), 1):
            if len(line) > 110:
                yield f"{path}:{number}: {len(line)} columns"


BANNED = "strcpy sprintf vsprintf strtok atoi atol atof alloca gets sleep usleep nanosleep".split()
TIMELESS = ("clock_gettime time gettimeofday clock ftime bf_time_wall_us bf_time_monotonic_us "
            "rand random rand_r drand48 arc4random getrandom getenv secure_getenv").split()


def calls(text, names):
    pattern = r"(?<![\w.>])(" + "|".join(names) + r")\s*\("
    for match in re.finditer(pattern, bare(text)):
        yield line_of(bare(text), match.start()), match.group(1)


@check({"core/a.c": "void f(void)\n{\n    sleep(1);\n}\n", "processors/b.c": "int64_t t = time(NULL);\n",
        "tests/x.sh": "sleep 1\n"},
       {"core/a.c": '/* sleep(1) */ const char *s = "gets(x)"; a->time(3); strtok_r(a, b, c);\n',
        "deploy/x.sh": "sleep 1\n", "core/time.c": "clock_gettime(a, b);\n"})
def banned_calls(tree):
    """Calls with a better sister; in processors/ also what is not in the log: clocks, chance, environment."""
    for path in c_files(tree):
        timeless = within(path, "processors") and not within(path, "processors/run")
        names = BANNED + (TIMELESS if timeless else [])
        for number, name in calls(tree[path], names):
            yield f"{path}:{number}: calls {name}"
    for path, text in tree.items():
        if within(path, "tests") and path != SELF and not path.endswith((".c", ".h", ".md")):
            for number, line in enumerate(text.splitlines(), 1):
                if re.search(r"(^|[;&|(]\s*|\bdo\s+|\btime\.)\s*sleep\b", line.split("#")[0]):
                    yield f"{path}:{number}: a test waits for a condition, it does not sleep"


FAMILIES = {
    "ingest/decode/decoders.def": "ingest/decode",
    "processors/aggregate/aggregates.def": "processors/aggregate",
    "processors/detector/detectors.def": "processors/detector",
    "sinks/sinks.def": "sinks",
}


def members(tree, definition):
    return re.findall(r"^X\((\w+)", tree.get(definition, ""), flags=re.MULTILINE)


def covered(tree):
    """Files that a test names: " * Covers: peers/kafka/group.c, peers/kafka/options.c"."""
    named = set()
    for path in c_files(tree, ".c"):
        if within(path, "tests"):
            for words in re.findall(r"Covers:((?:[\s*]*[\w/.]+\.c,?)+)", tree[path]):
                named.update(re.findall(r"[\w/.]+\.c", words))
    return named


@check({"core/a.c": "", "peers/kafka/k.c": ""},
       {"core/a.c": "", "core/a_parts.c": "", "tests/unit/core/test_a.c": "", "cli/main.c": "",
        "sinks/sinks.def": "X(redis)\n", "sinks/redis.c": "", "config/b.c": "", "peers/kafka/k.c": "",
        "tests/unit/peers/test_k.c": "",
        "tests/unit/config/test_x.c": "/* Tests.\n * Covers: config/b.c, config/c.c */"})
def unit_tests(tree):
    """Every .c has its test: tests/unit/<folder>/test_<file>.c. The test of a.c covers a_<part>.c; a
    family's table and entries have the contract tests; a peer is one unit, tests/unit/peers/test_<peer>.c;
    what stands behind "Covers:" in a test is covered by it."""
    family = {posixpath.join(folder, name + ".c") for definition, folder in FAMILIES.items()
              for name in members(tree, definition)} | {definition[:-4] + ".c" for definition in FAMILIES}
    named = covered(tree)
    for path in c_files(tree, ".c"):
        folder, name = posixpath.split(path)
        stem = name[:-2]
        if not within(path, *PRODUCT) or stem == "main" or stem.endswith("_main") or path in family | named:
            continue
        if within(folder, "peers") and f"tests/unit/peers/test_{folder.split('/')[1]}.c" in tree:
            continue
        folders = {folder, folder.split("/")[0]}
        parts = stem.split("_")
        stems = ["_".join(parts[:n]) for n in range(1, len(parts) + 1)]
        if not any(f"tests/unit/{where}/test_{what}.c" in tree for where in folders for what in stems):
            yield f"{path}: no tests/unit/{folder}/{'test_' + name}"


MARKERS = r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK")) + r")\b"


@check({"core/a.c": "/* TO" + "DO: later */\n"}, {"core/a.c": "/* mkdtemp(name-XXXXXX), escapes ~XX */\n"})
def leftover_markers(tree):
    """Nothing is left for later in a file: it is built, or it is in the roadmap."""
    for path, text in tree.items():
        for match in re.finditer(MARKERS, text):
            yield f"{path}:{line_of(text, match.start())}: {match.group(1)}"


def exists(tree, word):
    word = word.rstrip("/")
    return any(path == word or path.startswith(word + "/") or fnmatch.fnmatch(path, word) for path in tree)


@check({"README.md": "see `core/gone.c` and `tests/nothing/`\n"},
       {"README.md": "`core/a.c`, `core/*.c`, `core/`, `deploy/demo --for 60s`, `tests/unit/<folder>/x`, "
                     "`build/bin/x`, `cli/{a,b}.c`, `city/air/7`",
        "core/a.c": "", "deploy/demo": ""})
def docs_name_files(tree):
    """What a page names in backticks as a path of this tree is there."""
    for path, text in tree.items():
        if path.endswith(".md") and "/" not in path or within(path, "docs"):
            for match in re.finditer(r"`([^`\n]+)`", text):
                for word in match.group(1).split():
                    word = re.sub(r"(:\d+)+$|[,.;:)]+$", "", word)
                    pattern = re.search(r"[<>{}$…|=\\]|\.\.\.", word)
                    if within(word, *TOP) and not pattern and not exists(tree, word):
                        yield f"{path}:{line_of(text, match.start())}: names {word}, which is not there"


@check({"sinks/sinks.def": "X(gone)\n"},
       {"sinks/sinks.def": "/* X(name) */\nX(redis)\n", "sinks/redis.c": ""})
def family_files(tree):
    """Every entry of a family's .def has its file."""
    for definition, folder in FAMILIES.items():
        for name in members(tree, definition):
            if f"{folder}/{name}.c" not in tree:
                yield f"{definition}: {name} has no {folder}/{name}.c"


MACHINE = r"(?<![\w.$}])/(" + "|".join(("wo" + "rk", "ro" + "ot", "ho" + "me")) + r")/[\w.]"


@check({"deploy/x.sh": "cd /ho" + "me/anna/belfry\n"},
       {"deploy/x.sh": "cd \"$here/work/x\"; echo teamwork/root\n"})
def no_machine_paths(tree):
    """No path of the machine that a file was written on."""
    for path, text in tree.items():
        if path.endswith(TEXT_NAMES) or "." not in posixpath.basename(path):
            for match in re.finditer(MACHINE, text):
                yield f"{path}:{line_of(text, match.start())}: {match.group(0)}"


@check({"core/a.c": "#include <stdio.h>\n", "core/a.h": "/* a.h: nothing else. */\n"},
       {"core/a.c": "/* a.c: see a.h. */\n", "tests/test_a.c": "/* Says. */\n",
        "core/a.h": "/* a.h: a.\n * Thread: any. */\n#ifndef BF_CORE_A_H\n"})
def file_openings(tree):
    """A file opens with why it exists; a header says which thread may call, and is guarded."""
    for path in c_files(tree, ".c", ".h", ".def"):
        if not tree[path].startswith("/*"):
            yield f"{path}:1: does not open with a comment that says why it exists"
        elif path.endswith(".h") and within(path, *PRODUCT):
            if "Thread:" not in tree[path].split("*/")[0]:
                yield f"{path}:1: its head has no Thread: line"
            if not re.search(r"^#ifndef BF_\w+_H$", tree[path], flags=re.MULTILINE):
                yield f"{path}:1: no guard BF_..._H"


def is_shell(path, text):
    return path.endswith(".sh") or re.match(r"#!\s*/\S+[ /](ba|da)?sh\b", text) is not None


@check({"deploy/x": "#!/bin/sh\nrm $1\ncd $2\n"}, {"deploy/x": "#!/bin/sh\nrm \"$1\"\n"})
def shell_scripts(tree):
    """shellcheck finds nothing in any shell script."""
    if shutil.which("shellcheck") is None:
        raise Skip("shellcheck is not installed")
    with tempfile.TemporaryDirectory() as folder:
        for number, (path, text) in enumerate(tree.items()):
            if is_shell(path, text):
                copy = os.path.join(folder, str(number))
                with open(copy, "w", encoding="utf-8") as file:
                    file.write(text)
                result = subprocess.run(["shellcheck", "-f", "gcc", copy], capture_output=True, text=True,
                                        check=False)
                yield from (line.replace(copy, path) for line in result.stdout.splitlines())


def self_test(name):
    function, planted, clean = CHECKS[name]
    found = list(function(planted))
    for path in planted:
        if not any(path in complaint for complaint in found):
            yield f"{SELF}: {name} does not see what was planted in {path}"
    for complaint in function(clean):
        yield f"{SELF}: {name} complains about a clean tree: {complaint}"


def main():
    parser = argparse.ArgumentParser(description="The house rules as tests.")
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--root", default=os.path.join(here, "..", ".."))
    parser.add_argument("--list", action="store_true")
    parser.add_argument("checks", nargs="*", metavar="CHECK")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(CHECKS))
        return 0
    unknown = [name for name in arguments.checks if name not in CHECKS]
    if unknown:
        parser.error(f"no check {', '.join(unknown)}; there are {', '.join(CHECKS)}")
    tree = read_tree(arguments.root)
    complaints = 0
    skipped = False
    for name in arguments.checks or CHECKS:
        try:
            for complaint in list(self_test(name)) + list(CHECKS[name][0](tree)):
                print(f"{name}: {complaint}")
                complaints += 1
        except Skip as reason:
            print(f"{name}: skipped, {reason}")
            skipped = True
    return 1 if complaints else 77 if skipped else 0


if __name__ == "__main__":
    sys.exit(main())
