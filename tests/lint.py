#!/usr/bin/python3
"""The rules of the house that a compiler does not check. Each rule is one test; the last line counts them.

To let one place through, with a reason: a comment on the line (or the one before it) that begins with "lint:".
"""

import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
FOLDERS = ("signer", "chain", "conf", "proxy", "tests", "bench")

# What a folder may include of ours: itself, these folders (not the ones below them) and single headers.
BELOW = {"signer", "chain", "conf"}
BELOW_THE_WALK = BELOW | {"proxy/net", "proxy/http", "proxy/rules", "proxy/body", "proxy/observe"}
BELOW_COMMANDS = BELOW_THE_WALK | {
    "proxy/commands.hpp", "proxy/process.hpp", "proxy/settings.hpp", "proxy/wrong_usage.hpp"}
MAY_INCLUDE = {
    "signer": set(),
    "chain": {"signer"},
    "chain/boost": set(),
    "conf": set(),
    "proxy/net": BELOW,
    "proxy/http": BELOW | {"proxy/net/io_error.hpp", "proxy/net/buffers.hpp"},
    "proxy/rules": BELOW | {"proxy/http", "proxy/net"},
    "proxy/body": BELOW | {"proxy/http", "proxy/net"},
    "proxy/observe": BELOW | {"proxy/rules", "proxy/http", "proxy/net"},
    "proxy": BELOW_THE_WALK,
    "proxy/commands": BELOW_COMMANDS,
    "proxy/sandbox": BELOW_COMMANDS,
}
# Where no file may include itself by way of others, a header and its .cpp taken as one.
WITHOUT_CIRCLES = ("signer", "chain", "conf", "proxy")
# The libraries that a folder must do without.
NOT_IN = {"signer": r"boost/|fmt/|spdlog/|toml|CLI|pugi|prometheus|chrono_io",
          "conf": r"boost/asio|boost/beast|spdlog/|CLI|pugi|prometheus",
          "chain": r"spdlog/|toml|CLI|prometheus"}
BANNED = {"manager", "helper", "helpers", "util", "utils", "impl", "mgr"}
# Nouns where other libraries say them: x.data(), native_handle(), process_resident_memory_bytes.
NOUNS = {"data", "handle", "process"}
NOT_OURS = re.compile(r"native_handle|harden_process|ares_process_fd|process_(resident|open|cpu|start)\w*|std::data|coroutine_handle")
LONGEST_FILE, LONGEST_TEST, LONGEST_LINE = 400, 600, 120
GENERATED = {"scope_table"}


def sources(*suffixes):
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes and "vectors" not in path.parts:
                yield path


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def without_comments_and_strings(text):
    """The same text with blanks in place of comments, strings and characters: positions and lines stay."""
    def blank(found):
        inside = re.sub(r"[^\n]", " ", found[0])
        return inside if found[0].startswith("/") else found[0][0] + inside[1:-1] + found[0][-1]
    token = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'', re.S)
    return token.sub(blank, text)


class Source:
    def __init__(self, path):
        self.path = path
        self.text = path.read_text()
        self.lines = self.text.split("\n")
        self.code = without_comments_and_strings(self.text)

    def line_at(self, position):
        return self.text.count("\n", 0, position) + 1

    def excused(self, number):
        return any("lint:" in self.lines[n] for n in (number - 1, number - 2) if 0 <= n < len(self.lines))

    def complaint(self, number, what):
        return None if self.excused(number) else f"{name_of(self.path)}:{number}: {what}"


def includes(source):
    """Line and name of everything that is included; what stands in the same folder by its full name."""
    for number, line in enumerate(source.lines, 1):
        if found := re.match(r'\s*#\s*include\s*["<]([^">]+)', line):
            beside = source.path.parent / found[1]
            yield number, name_of(beside.resolve()) if beside.exists() else found[1]


def include_directions(source):
    folder = name_of(source.path.parent)
    top = folder.split("/")[0]
    if folder not in MAY_INCLUDE and any(known.split("/")[0] == top for known in MAY_INCLUDE):
        yield source.complaint(1, f"MAY_INCLUDE does not know {folder}")
    for number, name in includes(source):
        its_folder = name.rpartition("/")[0]
        allowed = MAY_INCLUDE.get(folder, {its_folder}) | {folder}
        if name.split("/")[0] in FOLDERS and not {name, its_folder} & allowed:
            yield source.complaint(number, f"{folder} must not include {name}")
        if top in NOT_IN and re.match(NOT_IN[top], name):
            yield source.complaint(number, f"{folder} does without {name}")


def include_graph():
    """Who includes whom: proxy/worker includes what worker.hpp and worker.cpp do."""
    graph = {}
    for source in map(Source, sources(".hpp", ".cpp", ".inc")):
        stem = name_of(source.path.with_suffix(""))
        others = {str(pathlib.PurePath(name).with_suffix("")) for number, name in includes(source)
                  if not source.excused(number)}
        graph.setdefault(stem, set()).update(others - {stem})
    return graph


def way_back(graph, start):
    """The shortest way from a file over its includes back to it; none where it is in no circle."""
    ways, seen = [[start]], set()
    for way in ways:
        for other in sorted(graph.get(way[-1], ())):
            if other == start:
                return way
            if other not in seen:
                seen.add(other)
                ways.append([*way, other])
    return []


def include_circles():
    graph, told, complaints = include_graph(), set(), []
    for stem in sorted(graph):
        if stem.split("/")[0] in WITHOUT_CIRCLES and stem not in told:
            circle = way_back(graph, stem)
            told.update(circle)
            if circle:
                complaints.append(" includes ".join([*circle, stem]))
    return complaints


def words(source):
    for found in re.finditer(r"^[ \t]*#.*|[A-Za-z_]\w*", source.code, re.M):
        if re.search(r"[A-Z#]", found[0]):      # includes, macros, C libraries: the names of others
            continue
        parts = set(found[0].lower().strip("_").split("_"))
        before = source.code[max(0, found.start() - 2):found.start()]
        member = before.endswith((".", "->", "::"))
        if parts & BANNED and not member:
            yield source.complaint(source.line_at(found.start()), f"the word {found[0]}")
        elif parts & NOUNS and not member and not NOT_OURS.fullmatch(found[0]) and parts != {"meta", "data"}:
            yield source.complaint(source.line_at(found.start()), f"the word {found[0]}")


def names(source):
    """Our types and functions are snake_case; template parameters alone are CamelCase."""
    for found in re.finditer(r"\b(?:class|struct|enum class|enum|using|namespace)\s+([A-Za-z_]\w*)", source.code):
        if re.search(r"[A-Z]", found[1]) and not re.search(r"<[^<>;{}]*$", source.code[:found.start()]):
            if "tests" not in source.path.parts:
                yield source.complaint(source.line_at(found.start()), f"{found[1]} is not snake_case")


def sleeps(source):
    for found in re.finditer(r"\b(?:sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(", source.code):
        yield source.complaint(source.line_at(found.start()), "a sleep")


def shared_files(source):
    """Tests run side by side: each has its files in a folder of its own."""
    if source.path.name != "temporary_folder.hpp" and "tests" in source.path.parts:
        for found in re.finditer(r"\btemp_directory_path\b|\bTempDir\b|\bmk\w*temp\b|\btmpnam\b|\btempnam\b", source.code):
            yield source.complaint(source.line_at(found.start()), f"{found[0]}: tests/support/temporary_folder.hpp")


def full_expression(code, position):
    """What stands in the same parentheses as a co_await, and after it up to the end of the statement (or of the
    parentheses of an if, for, while)."""
    stack = []
    for at, char in enumerate(code[:position]):
        if char in "([{":
            stack.append((char, at))
        elif char in ")]}" and stack:
            stack.pop()
    begin = position
    while stack and stack[-1][0] != "{":
        begin = stack.pop()[1]
    end, depth = position, 0
    while end < len(code):
        if depth == 0 and (code[end] in ";}" or re.match(r"\)\s*(?:\{|\w)", code[end:])):
            break
        depth = max(depth + {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(code[end], 0), 0)
        end += 1
    return code[begin:end]


def coroutine_temporaries(source):
    """g++ 12 destroys brace-made temporaries and capturing lambdas of a co_await's full expression twice."""
    for found in re.finditer(r"\bco_await\b", source.code):
        expression = full_expression(source.code, found.start())
        # An awaiter made in place (co_await pause{timer}) is ours, and trivial; so is the buffer to read into.
        expression = re.sub(r"co_await\s+(?:[\w:]+\{(?:[^{}]|\{[^{}]*\})*\}|read_some\(\{[^{}]*\}\))", "co_await",
                            expression)
        lambda_ = re.search(r"(?<![\w\])])\[[^\]]*\w[^\]]*\]\s*(?:\(|\{|mutable)", expression)
        aggregate = re.search(r"[\w>(,=]\s*\{", re.sub(r"\{\s*\}", "", expression))
        if lambda_ or aggregate:
            yield source.complaint(source.line_at(found.start()), "co_await beside a brace-made value or a lambda: "
                                                                  "name it first")


def condition_after(code, position):
    """The condition in the parentheses that open at the position, without an init-statement; of a for: its second part."""
    end, depth, parts = position, 0, [position + 1]
    while end < len(code):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(code[end], 0)
        if depth == 0:
            break
        if depth == 1 and code[end] == ";":
            parts.append(end + 1)
        end += 1
    begin = parts[1] if len(parts) > 1 else parts[0]
    return code[begin:parts[2] - 1 if len(parts) > 2 else end]


def awaited_conditions(source):
    """g++ 12 loses what a co_await inside a condition, or beside ?:, && or ||, has to jump over (a loop's break)."""
    what = "co_await inside a condition: name the result first"
    for found in re.finditer(r"\b(?:if|while|switch|for)\s*(?:constexpr\s*)?(?=\()", source.code):
        if re.search(r"\bco_await\b", condition_after(source.code, found.end())):
            yield source.complaint(source.line_at(found.start()), what)
    for found in re.finditer(r"\bco_await\b", source.code):
        statement = re.split(r"[;{}]", source.code[:found.start()])[-1] + re.split(r"[;{}]", source.code[found.start():])[0]
        if re.search(r"\?|&& |\|\|", statement):
            yield source.complaint(source.line_at(found.start()), "co_await beside ?:, && or ||: name the result first")


def sizes(source):
    longest = LONGEST_TEST if "tests" in source.path.parts else LONGEST_FILE
    if len(source.lines) > longest and source.path.stem not in GENERATED and not source.excused(1):
        yield f"{name_of(source.path)}: {len(source.lines)} lines"
    for number, line in enumerate(source.lines, 1):
        if len(line) > LONGEST_LINE and source.path.stem not in GENERATED:
            yield source.complaint(number, f"{len(line)} columns")


def headers_open_with_words(source):
    if source.path.suffix == ".hpp" and not source.text.startswith("//"):
        yield source.complaint(1, "a header opens with what it is for")


def no_second_thoughts(source):
    for found in re.finditer(r"\b(?:TODO|FIXME|XXX|HACK)\b", source.text):
        yield source.complaint(source.line_at(found.start()), found[0])


def with_sources(check, *suffixes):
    return [c for path in sources(*(suffixes or (".hpp", ".cpp"))) for c in check(Source(path)) if c]


def formatting():
    tool = shutil.which("clang-format")
    if not tool:
        return ["clang-format is not installed (tests/packages.more)"]
    files = [str(p) for p in sources(".hpp", ".cpp")]
    done = subprocess.run([tool, "--dry-run", "-Werror", "--ferror-limit=1", *files], capture_output=True, text=True)
    return [] if done.returncode == 0 else [l for l in done.stderr.splitlines() if "error:" in l]


def compile_flags():
    """Of one file of each folder, as the dev preset compiles it, without its precompiled header."""
    flags = {}
    for entry in json.loads((ROOT / ".build/lint/compile_commands.json").read_text()):
        folder = pathlib.Path(entry["file"]).relative_to(ROOT).parts[0] if str(ROOT) in entry["file"] else ""
        given = shlex.split(entry["command"])
        kept = [a for a in given if a.startswith(("-I", "-isystem", "-D", "-std", "-W")) and "Winvalid-pch" not in a]
        kept += [x for i, a in enumerate(given) if a == "-isystem" for x in (given[i + 1],)]
        flags.setdefault(folder, kept)
    return flags


def self_contained():
    if not (ROOT / ".build/lint/compile_commands.json").exists():
        return ["no .build/lint/compile_commands.json: tests/run --lint makes it"]
    flags = compile_flags()

    def check(path):
        folder = path.relative_to(ROOT).parts[0]
        own = [f for f in flags.get(folder, flags["proxy"]) if f != "-isystem"]
        done = subprocess.run(["g++", "-fsyntax-only", "-Wno-unused", "-x", "c++", *own, "-I", str(ROOT), "-"], text=True,
                              input=f'#include "{name_of(path)}"\n#include "{name_of(path)}"\n', capture_output=True)
        return None if done.returncode == 0 else f"{name_of(path)}: {done.stderr.strip().splitlines()[0]}"
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [c for c in pool.map(check, list(sources(".hpp"))) if c]


def shell_scripts():
    scripts = ["deploy/quickstart", "deploy/install-packages", "tests/run", ".ci/run"]
    return [s for s in scripts if subprocess.run(["bash", "-n", ROOT / s], capture_output=True).returncode]


def settings_are_documented():
    """Every key of conf/config.hpp stands in deploy/countersign.toml, under its name there or as its struct says."""
    example = (ROOT / "deploy/countersign.toml").read_text()
    other_names = {"other": "other_hosts"}
    not_keys = {"profile_is_explicit", "source", "routes", "line", "upstream_scheme", "tables", "identity_index", "number"}
    missing = []
    text = without_comments_and_strings((ROOT / "conf/config.hpp").read_text())
    for struct in re.finditer(r"struct (\w+_settings|route|identity|client) \{(.*?)\n\};", text, re.S):
        for key in re.findall(r"(\w+)(?:\s*=[^;]*|\s*\{[^;]*\})?\s*;", struct[2]):
            key = other_names.get(key, key)
            if key not in not_keys and not re.search(rf"^\W*{key}\s*=", example, re.M):
                missing.append(f"deploy/countersign.toml lacks {key} of {struct[1]}")
    return missing


def named_files_exist():
    """Every source file that ARCHITECTURE.md names is there: net/poller.cpp may lie in any folder, poller.cpp too."""
    there = ["/" + name_of(path) for path in sources(".hpp", ".cpp")]
    missing = []
    for number, line in enumerate((ROOT / "ARCHITECTURE.md").read_text().split("\n"), 1):
        for name in re.findall(r"`([\w./]+\.[ch]pp)`", line):
            if not any(path.endswith("/" + name) for path in there):
                missing.append(f"ARCHITECTURE.md:{number}: there is no {name}")
    return missing


RULES = [
    ("includes go one way", lambda: with_sources(include_directions)),
    ("includes make no circle", include_circles),
    ("banned words", lambda: with_sources(words)),
    ("names are snake_case", lambda: with_sources(names)),
    ("tests share no files", lambda: with_sources(shared_files)),
    ("nothing sleeps", lambda: with_sources(sleeps)),
    ("no temporaries beside co_await", lambda: with_sources(coroutine_temporaries)),
    ("nothing is awaited in a condition", lambda: with_sources(awaited_conditions)),
    ("files and lines are short", lambda: with_sources(sizes)),
    ("headers say what they are for", lambda: with_sources(headers_open_with_words)),
    ("nothing is left for later", lambda: with_sources(no_second_thoughts)),
    ("every setting is documented", settings_are_documented),
    ("ARCHITECTURE.md names files that exist", named_files_exist),
    ("clang-format", formatting),
    ("shell scripts parse", shell_scripts),
    ("headers are self-contained", self_contained),
]


def main():
    failed = 0
    for name, rule in RULES:
        complaints = rule()
        failed += bool(complaints)
        print(f"{'FAILED' if complaints else 'ok    '}  {name}", flush=True)
        for line in complaints[:40]:
            print(f"        {line}")
    print(f"{len(RULES) - failed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
