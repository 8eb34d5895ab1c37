#!/usr/bin/env python3
# Whether the receiving thread of `tandem run` really leaves its socket alone in a flood (Sources/Stream/ReadingPace.swift): 50
# times a second it is looked at from outside, by what it waits in. At rest it waits for everything but the socket, for 15 ms
# at most. Needs the rights of a debugger, as root has them; prints what it saw when it is ended with SIGTERM.
#
#     rests.py CONFIGURATION
import os, platform, signal, struct, sys, time

configuration = sys.argv[1]
ppoll = {'x86_64': 271, 'aarch64': 73}[platform.machine()]
looks = rests = 0


def done(*_):
    print(looks, rests)
    sys.exit()


def receivers():
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            arguments = open(f'/proc/{pid}/cmdline').read().split('\0')
            if 'run' not in arguments or configuration not in arguments:
                continue
            for thread in os.listdir(f'/proc/{pid}/task'):
                if open(f'/proc/{pid}/task/{thread}/comm').read().startswith('receive'):
                    yield f'/proc/{pid}/task/{thread}'
        except OSError:
            pass


def is_at_rest(thread):
    call = open(f'{thread}/syscall').read().split()
    if call[0] != str(ppoll) or int(call[2], 16) != 3:
        return False
    with open(f'{thread}/mem', 'rb', 0) as memory:
        memory.seek(int(call[3], 16))
        seconds, nanoseconds = struct.unpack('qq', memory.read(16))
    # Shorter ones are those of a socket file.
    return seconds == 0 and 1_000_000 < nanoseconds <= 15_000_000


signal.signal(signal.SIGTERM, done)
threads, found = [], 0
while True:
    if time.monotonic() - found > 0.2:
        threads, found = list(receivers()), time.monotonic()
    for thread in threads:
        try:
            rests += is_at_rest(thread)
            looks += 1
        except (OSError, ValueError):
            pass
    time.sleep(0.02)
