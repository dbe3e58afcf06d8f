"""What gunicorn reads by itself where it is started; its command line may say otherwise."""

import os

from notifications.watchdog import Watchdog

worker_class = "plumbing.web_worker.Worker"
workers = 2
threads = 8
control_socket_disable = True
# Heartbeats in memory: a slow disk is no sick worker.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None
# No access log: the paths hold the customers' secret tokens.
accesslog = None
# gunicorn replaces a worker that has shown nothing for this many seconds; the watchdog ends gunicorn itself when
# nobody in it has for twice as long: when its first process is frozen, it replaces nobody.
timeout = 30


def when_ready(server):
    server.watchdog = Watchdog(2 * server.timeout)


def post_fork(server, worker):
    worker.watchdog = server.watchdog
