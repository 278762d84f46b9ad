"""Runs a program with the system calls that a systemd unit allows, and its answer to all others."""

import errno
import os
import subprocess
import sys

import seccomp


def calls(name):
    """The system calls of a group, with those of the groups in it."""
    if not name.startswith("@"):
        return {name}
    listing = subprocess.run(
        ["systemd-analyze", "syscall-filter", name],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    words = [line.strip() for line in listing.splitlines()[1:]]
    found = set()
    for word in words:
        if word and not word.startswith("#"):
            found |= calls(word)
    return found


unit, program = sys.argv[1], sys.argv[2:]
allowed = set()
for line in open(unit):
    if line.startswith("SystemCallFilter="):
        value = line.strip().split("=", 1)[1]
        named = set().union(*map(calls, value.lstrip("~").split()))
        # As systemd has it: what @default names is always allowed.
        allowed = allowed - named if value.startswith("~") else allowed | named
allowed |= calls("@default")

rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
for name in sorted(allowed):
    try:
        rules.add_rule(seccomp.ALLOW, name)
    except (RuntimeError, OSError):
        pass  # This processor has no such call.
rules.load()
os.execv(program[0], program)
