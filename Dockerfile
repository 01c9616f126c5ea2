# `automation` in an image: docker run --rm --read-only --tmpfs /tmp -v "$PWD:/repository:ro" IMAGE check
# Only /tmp has to be writable. A repository of another user's is refused by git: add `--user "$(id -u)"`.
# `automation-bot` is in it, too, and keeps what it has in /data: bot/README.md has its command lines.

# The base is named by its tag alone: rebuilding takes its security updates in. The same one twice, because an
# environment belongs to the interpreter that it was made from.
FROM python:3.12-slim AS build
WORKDIR /build
ENV UV_PROJECT_ENVIRONMENT=/opt/automation \
    UV_PYTHON=/usr/local/bin/python3 \
    UV_PYTHON_DOWNLOADS=never \
    UV_COMPILE_BYTECODE=1 \
    UV_NO_CACHE=1
COPY .ci/uv.txt .ci/uv.txt
RUN pip install --no-cache-dir --root-user-action ignore --require-hashes --only-binary :all: -r .ci/uv.txt
# First what changes seldom.
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-dev --extra bot --extra otel --extra postgres --no-install-project
COPY README.md LICENSE ./
COPY src src
COPY bot bot
RUN uv sync --locked --no-dev --extra bot --extra otel --extra postgres --no-editable

FROM python:3.12-slim
LABEL org.opencontainers.image.title="automation-action" \
      org.opencontainers.image.description="Run a repository's OpenHands automations and report a verdict that can be trusted." \
      org.opencontainers.image.licenses="MIT"
# git packs repositories. Not of one version: Debian keeps only the newest one of a release.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin automation \
    && install --directory --owner automation --group automation --mode 0700 /data
COPY --from=build /opt/automation /opt/automation
ENV PATH=/opt/automation/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# By number, so that `runAsNonRoot` can tell.
USER 10001:10001
WORKDIR /repository
# As process 1 Python hears only signals that it has handlers for: of SIGINT every command knows.
STOPSIGNAL SIGINT
# No HEALTHCHECK: only one of the two programs serves, and whoever starts that one asks its /healthz and /readyz.
ENTRYPOINT ["automation"]
CMD ["--help"]
