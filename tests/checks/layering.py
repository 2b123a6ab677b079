#!/usr/bin/env python3
"""Holds #include lines to the layers of ARCHITECTURE.md.

    domain <- app <- {store, transfer, rpc, receive, platform} <- main; base is for all

CMake's link rules cannot do this: on Debian every library's headers lie in
/usr/include, where any target finds them.

Usage: layering.py [ROOT]   prints every line that breaks a rule, exits with 1
"""

import pathlib
import re
import sys

# Folder -> the folders of ours that it may include, besides itself.
OURS = {
    "server/base": [],
    "server/domain": ["server/base"],
    "server/app": ["server/base", "server/domain"],
    "server/store": ["server/base", "server/domain", "server/app"],
    "server/transfer": ["server/base", "server/domain", "server/app"],
    "server/rpc": ["server/base", "server/domain", "server/app"],
    "server/receive": ["server/base", "server/domain", "server/app"],
    "server/platform": ["server/base", "server/domain", "server/app"],
    "server/main": ["server/base", "server/domain", "server/app", "server/store",
                    "server/transfer", "server/rpc", "server/receive", "server/platform"],
    # The library is installed, and takes nothing of the server's.
    "client": [],
    "client/cli": ["server/base", "client"],
}

PROTOBUF = r"google/|bits/v1/|bits/config/|.*\.pb\.h$"
GRPC = r"grpc"
CURL = r"curl/"
BOOST = r"boost/"
DATABASE = r"sqlite3|libpq|pqxx|postgresql/"
SYSTEM = (r"(sys|linux|arpa|netinet|net)/|(unistd|fcntl|poll|signal|pthread|netdb|dirent)\.h$"
          r"|(csignal|fstream|filesystem|iostream|cstdio|stdio\.h)$")
THREADS = (r"(thread|mutex|shared_mutex|condition_variable|future|atomic|semaphore|latch|barrier"
           r"|stop_token)$|absl/synchronization/|server/base/(mutex|executor|log|unique_fd)\.h$")
CLOCK = r"(ctime|time\.h|sys/time\.h)$|absl/time/clock\.h$"
RANDOM = r"absl/random/|openssl/"

# Folder -> what of the world it may not include, and why.
FORBIDDEN = {
    "server/base": {"protobuf": PROTOBUF, "gRPC": GRPC, "libcurl": CURL, "a database": DATABASE},
    "server/domain": {"protobuf": PROTOBUF, "gRPC": GRPC, "libcurl": CURL,
                      "a database": DATABASE, "the system": SYSTEM, "threads": THREADS,
                      "the clock": CLOCK, "randomness": RANDOM},
    "server/app": {"protobuf": PROTOBUF, "gRPC": GRPC, "libcurl": CURL, "a database": DATABASE,
                   "the clock": CLOCK},
    "server/store": {"the API's messages": r"bits/v1/", "gRPC": GRPC, "libcurl": CURL},
    "server/transfer": {"protobuf": PROTOBUF, "gRPC": GRPC, "a database": DATABASE},
    "server/rpc": {"libcurl": CURL, "a database": DATABASE},
    "server/receive": {"protobuf": PROTOBUF, "gRPC": GRPC, "libcurl": CURL,
                       "a database": DATABASE},
    "server/platform": {"libcurl": CURL, "a database": DATABASE},
    "client": {"libcurl": CURL, "a database": DATABASE},
}

# Debian's absl::Mutex makes ThreadSanitizer report races that are none.
FORBIDDEN_EVERYWHERE = {"absl::Mutex": r"absl/synchronization/"}

# In the domain time is an argument.
DOMAIN_CLOCK_CALL = re.compile(r"_clock::now\(|\babsl::Now\(|\bclock_gettime\(|\btime\((nullptr|0)\)")

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')


def folder_of(path):
    """The key in OURS that a path (relative to the root) belongs to, or None."""
    if path == "server/main.cc":
        return "server/main"
    matches = [key for key in OURS if path.startswith(key + "/")]
    return max(matches, key=len, default=None)


def check_include(folder, header):
    target = folder_of(header)
    if header.startswith("bits/") and not header.endswith(".pb.h"):
        target = "client"  # The client's headers are included as <bits/client.h>.
    allowed = target in (None, folder) or target in OURS[folder]
    if not allowed:
        return f"{folder} may not include {target}"
    if header.startswith(("../", "./")):
        return "includes are written from the root of the repository"
    if target is None and header.startswith(("server/", "tests/")):
        return f"{folder} may not include this"
    family = "client" if folder == "client/cli" else folder
    if folder != "server/receive" and re.match(BOOST, header):
        return f"{folder} may not use Boost"
    for what, pattern in {**FORBIDDEN.get(family, {}), **FORBIDDEN_EVERYWHERE}.items():
        if re.match(pattern, header):
            return f"{folder} may not use {what}"
    return None


def check_file(root, path):
    relative = path.relative_to(root).as_posix()
    folder = folder_of(relative)
    if folder is None:
        yield f"{relative}:1: this folder has no place among the layers of {__file__}"
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        include = INCLUDE.match(line)
        complaint = check_include(folder, include.group(1)) if include else None
        if folder == "server/domain" and DOMAIN_CLOCK_CALL.search(line):
            complaint = "server/domain may not read a clock: time is an argument"
        if complaint:
            yield f"{relative}:{number}: {complaint}: {line.strip()}"


def check(root):
    files = [p for top in ("server", "client") for p in sorted((root / top).rglob("*"))
             if p.suffix in (".h", ".cc")
             and not p.relative_to(root).as_posix().startswith("client/examples/")]
    return len(files), [c for path in files for c in check_file(root, path)]


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    count, complaints = check(root)
    print("\n".join(complaints), end="\n" if complaints else "")
    if count == 0:
        print(f"no sources under {root}")
        return 1
    print(f"{count} files, {len(complaints)} includes against the layers")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
