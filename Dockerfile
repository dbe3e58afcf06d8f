# One image for migrate, web, worker, sweeper and a trial's sandbox; docker-compose.yml says what each of them runs.
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore

RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin plumbing
WORKDIR /app

# Before the code: a change of the code alone installs nothing again.
COPY requirements.txt .
RUN pip install --require-hashes -r requirements.txt

# .dockerignore lets through what runs and nothing else. It belongs to root, so whoever takes over a process
# cannot change it; readable whatever the umask of the checkout was.
COPY . .
RUN python -m compileall -q . && chmod -R u=rwX,go=rX .

USER plumbing
