# A shop that sells by the example of docs/guide.md: shop.py OLD NEW MODE COUNT WORKERS. Prints how many purchases it was told of.
import random
import sys
import threading
import time

import psycopg

from both import buy

OLD, NEW, MODE, COUNT, WORKERS = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
sold, failures, lock = 0, [], threading.Lock()


def open_(address):
    return psycopg.connect(address, autocommit=True, connect_timeout=2)


def work(number):
    global sold
    chance = random.Random(number)
    old, new, tried = open_(OLD), open_(NEW), 0.0
    print("ready", file=sys.stderr, flush=True)
    for _ in range(COUNT // WORKERS):
        if (new.closed or new.broken) and time.monotonic() > tried + 0.5:
            tried = time.monotonic()
            try:
                new = open_(NEW)
            except psycopg.OperationalError:
                pass
        try:
            if buy(old, new, MODE, chance.randint(1, 5), number, "9.90"):
                with lock:
                    sold += 1
        except Exception as error:
            failures.append(f"{type(error).__name__}: {error}")
            return
        time.sleep(0.005)


threads = [threading.Thread(target=work, args=(number,)) for number in range(WORKERS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sold, "sold")
if failures:
    sys.exit("\n".join(failures))
