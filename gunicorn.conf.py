"""What gunicorn reads by itself where it is started; its command line may say otherwise."""

import os

worker_class = "plumbing.web_worker.Worker"
workers = 2
threads = 8
control_socket_disable = True
# Heartbeats in memory: a slow disk is no sick worker.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None
# No access log: the paths hold the customers' secret tokens.
accesslog = None
