#!/usr/bin/env bash
# The Action's Python environment: exactly what uv.lock names, found or made, with nothing of the job's own in it.
#
# Reads GITHUB_OUTPUT, RUNNER_TEMP and RUNNER_TOOL_CACHE, as a runner sets them, and INPUT_BACKEND (`embedded` adds
# that extra). Writes three outputs of the step: `python`, the environment's interpreter; `source`, the directory to
# import `automation` from; `state`, a file that is not there yet, in a directory that only this user can read.
#
# Exit codes: 2 this machine lacks something, 3 the package index did not give what was asked of it; each with one
# `::error`. Interrupted, it removes what it was making; killed, another one does so a day later.
#
# Needs bash 3.2 (macOS has no newer one) and POSIX tools. There is no lock: an environment is made under a name of
# its own and published by one symbolic link, which either is there or is not. Whoever is first has published it.
set -euo pipefail
umask 077

readonly A_DAY=1440 A_MONTH=43200 # in minutes

group=''      # what ends the group of the log, while one is open
making=''     # our workshop, while there is one
made=''       # the environment that we are making
child=''      # the process that we wait for
root=''       # where environments are
python=''     # the interpreter to make ours from
can_install=true

main() {
  trap clean EXIT
  trap 'interrupted 130' INT
  trap 'interrupted 143' TERM
  case ${OSTYPE:-} in
    msys* | cygwin*) fail 2 "Windows runners are not supported: use one with Linux or macOS." ;;
  esac
  forget_the_job
  action=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
  # What pyenv, uv and Python find in the workspace is the job's. Here .python-version says what we need.
  cd "$action"
  temporary=${RUNNER_TEMP:-${TMPDIR:-/tmp}}
  backend=${INPUT_BACKEND:-}
  extra=''
  if [ "${backend//[[:space:]]/}" = embedded ]; then extra=embedded; fi
  find_root
  find_python || fetch_python
  current=$(readlink "$root/$key" || true)
  if ! works; then make_environment; fi
  say_used "$root/$current" || true
  private=$(mktemp -d "$temporary/automation-action.XXXXXX")
  {
    echo "python=$root/$current/bin/python"
    echo "source=$root/$current/source"
    echo "state=$private/state.json"
  } >> "${GITHUB_OUTPUT:-/dev/stdout}"
}

# --- what the job must not be able to change ---

# The job's settings for its own Python, uv and pip would redirect ours. Where packages come from is kept.
forget_the_job() {
  local name
  unset CDPATH VIRTUAL_ENV CONDA_PREFIX PYENV_VERSION
  for name in "${!PYTHON@}"; do unset "$name"; done
  for name in "${!UV_@}" "${!PIP_@}"; do
    case $name in
      UV_CONFIG_FILE | PIP_CONFIG_FILE) case ${!name} in /*) ;; *) unset "$name" ;; esac ;;
      *INDEX* | *_FIND_LINKS | *_KEYRING_PROVIDER | *_HOST | *_PROXY | *CERT | *CERTS | *TLS | *TIMEOUT | *RETRIES) ;;
      UV_OFFLINE | UV_CONCURRENT_* | UV_PYTHON_*MIRROR | UV_PYTHON_DOWNLOADS* | UV_CREDENTIALS_DIR | PIP_USE_FEATURE) ;;
      *) unset "$name" ;;
    esac
  done
}

# --- where environments are ---

# In the tool cache they outlive the job, where anything does.
find_root() {
  for root in "${RUNNER_TOOL_CACHE:-$temporary}/automation-action" "$temporary/automation-action"; do
    [ -d "$root" ] || mkdir -p "$root" 2> /dev/null || continue
    # In another user's directory may be another user's code.
    if [ -O "$root" ] && [ -w "$root" ]; then return; fi
  done
  root=$(mktemp -d "$temporary/automation-action-own.XXXXXX")
}

works() { [ -n "$current" ] && quietly "$root/$current/bin/python" -I -S -c ''; }

say_used() { : 2> /dev/null > "$1/.used"; }

# --- Python ---

# Prints the environment's name, and the interpreter to make it from. uv.lock has wheels for CPython 3.12 to 3.14.
# The name stands for all that the environment depends on; for the C library too, because containers on a
# self-hosted runner share the tool cache of their host.
readonly PROBE='
import hashlib, os, sys
version = sys.version_info
if not (3, 12) <= version < (3, 15) or version.releaselevel != "final": sys.exit(1)
if sys.implementation.name != "cpython" or "t" in sys.abiflags: sys.exit(1)
try: libc = os.confstr("CS_GNU_LIBC_VERSION")
except (AttributeError, OSError, ValueError): libc = None
base = getattr(sys, "_base_executable", None) or sys.executable
platform = [getattr(sys.implementation, "_multiarch", None), libc, os.uname().machine]
digest = hashlib.sha256(repr([sys.version, base, platform, sys.argv[1:3]]).encode())
names = sys.argv[4:]
for directory, below, files in os.walk(sys.argv[3]):
    below[:] = sorted(set(below) - {"__pycache__"})
    names += [os.path.join(directory, name) for name in sorted(files)]
for name in names:
    with open(name, "rb") as file: content = file.read()
    digest.update(repr([name, len(content)]).encode())
    digest.update(content)
print("-".join(filter(None, ["python%d.%d" % version[:2], sys.argv[1], digest.hexdigest()[:20]])), base)
'

# Sets `key` and `python`, if this runs and is one of those. (pyenv has shims that do not run.)
accept() {
  local answer
  answer=$("$1" -I -S -c "$PROBE" "$extra" "$root" src uv.lock .ci/uv.txt 2> /dev/null < /dev/null) || return 1
  answer=${answer##*$'\n'} # a shim may have said something first
  key=${answer%% *} python=${answer#* }
}

find_python() {
  local candidate version
  for candidate in python3.12 python3.13 python3.14 python3 python; do
    if accept "$candidate"; then return; fi
  done
  # By number: in the order of names, 3.12.9 comes after 3.12.10.
  while IFS= read -r version; do
    for candidate in "${RUNNER_TOOL_CACHE:-}/Python/$version"/*/bin/python3; do
      if accept "$candidate"; then return; fi
    done
  done < <(versions_in "${RUNNER_TOOL_CACHE:-$root}/Python" | sort -t . -k 1,1nr -k 2,2nr -k 3,3nr)
  for candidate in "$root"/python/*/bin/python3; do
    if accept "$candidate"; then return; fi
  done
  return 1
}

versions_in() {
  local directory
  for directory in "$1"/3.*; do echo "${directory##*/}"; done
}

fetch_python() {
  start_making
  if with_uv install_python && find_python; then return; fi
  fail 2 "There is no Python 3.12, 3.13 or 3.14 here, and none could be fetched. Install one, or put a step with \
actions/setup-python and python-version 3.12 before this one. (UV_PYTHON_INSTALL_MIRROR says where uv fetches from.)"
}

install_python() { attempt "$uv" python install 3.12; }

# --- the environment ---

make_environment() {
  start_making
  if ! with_uv install_packages; then
    if ! $can_install; then
      fail 2 "There is neither uv nor pip here. Install uv, pip or venv (Debian: python3-venv) for $python."
    fi
    fail 3 "The package index did not give what uv.lock names; the group above says why. Behind a mirror, set \
UV_DEFAULT_INDEX for uv and PIP_INDEX_URL for pip."
  fi
  say_used "$made"
  publish
  remove_leftovers || true
}

# `uv sync --locked` refuses a lock that was made from another index than the configured one, and `--frozen` ignores
# the configuration (uv 0.13.9; astral-sh/uv#19625). By their hashes the same files may come from anywhere.
# Nothing is built, because a build installs what no lock names; but for one package of the agent-server's, of which
# there is only the source.
install_packages() {
  if [ -n "$made" ]; then rm -rf "$made"; fi
  made=$(mktemp -d "$root/$key.XXXXXX") || exit 1
  attempt "$uv" export --quiet --frozen --no-dev --no-emit-project --python "$python" \
    ${extra:+--extra "$extra"} --output-file requirements.txt \
    && attempt "$uv" venv --quiet --no-project --python "$python" "$made" \
    && attempt "$uv" pip sync --python "$made/bin/python" --require-hashes \
      --only-binary :all: --no-binary func-timeout requirements.txt \
    && copy_source
}

# To where it stays, so that it is compiled once: a runner fetches the Action anew for each job.
copy_source() {
  cp -R "$action/src" "$made/source" && find "$made/source" -name __pycache__ -prune -exec rm -rf {} +
}

publish() {
  # Only the one that was found broken: by now there may be another one.
  if [ -n "$current" ] && [ "$current" = "$(readlink "$root/$key" || true)" ]; then rm -f "$root/$key"; fi
  if ! quietly ln -sn "${made##*/}" "$root/$key"; then
    current=$(readlink "$root/$key" || true)
    if works; then return; fi
  fi
  current=${made##*/}
  made=''
}

# What was killed in the making, and what nobody has used for a month.
remove_leftovers() {
  local directory link
  find "$root" -mindepth 1 -maxdepth 1 -type d ! -name python -mmin "+$A_DAY" | while IFS= read -r directory; do
    if [ -e "$directory/.used" ] && [ -z "$(find "$directory/.used" -mmin "+$A_MONTH")" ]; then continue; fi
    rm -rf "$directory"
  done
  for link in "$root"/*; do
    if [ -L "$link" ] && [ ! -e "$link" ]; then rm -f "$link"; fi
  done
}

# --- uv ---

# Does it with the uv on PATH, which may be too old or a shim without one, then with the one that we pin.
with_uv() {
  if uv=$(command -v uv); then
    if "$1"; then return; fi
    echo "$uv could not do it; trying with the version that .ci/uv.txt pins"
  fi
  pinned_uv && "$1"
}

pinned_uv() {
  local pip=() interpreter
  uv=$making/uv/bin/uv
  if [ -x "$uv" ]; then return; fi
  for interpreter in "${python:-python3}" python3 python; do
    # pip alone is twice as fast as a virtual environment with a pip of its own.
    if quietly "$interpreter" -I -c 'import pip'; then
      pip=("$interpreter" -I -m pip install --target "$making/uv")
    elif quietly "$interpreter" -I -c 'import venv, ensurepip'; then
      attempt "$interpreter" -I -m venv "$making/uv" || return
      pip=("$making/uv/bin/python" -I -m pip install)
    else
      continue
    fi
    attempt "${pip[@]}" --quiet --no-deps --only-binary :all: --require-hashes --requirement "$action/.ci/uv.txt"
    return
  done
  can_install=false
  return 1
}

# --- processes and the log ---

# A directory to work in, with a copy of the project that is a workspace of its own: so uv looks no further upwards for
# others, or for their settings.
start_making() {
  if [ -n "$making" ]; then return; fi
  making=$(mktemp -d "$root/making.XXXXXX")
  echo "::group::Set up automation-action"
  # What a package index has to say must be no command to the runner.
  group=${making##*.}-$RANDOM$RANDOM$RANDOM
  echo "::stop-commands::$group"
  cp "$action/pyproject.toml" "$action/uv.lock" "$making"
  printf '\n[tool.uv.workspace]\n' >> "$making/pyproject.toml"
  export UV_CACHE_DIR="$making/cache" UV_PYTHON_INSTALL_DIR="$root/python" UV_PYTHON_INSTALL_BIN=0 UV_NO_PROGRESS=1
  export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
}

# In the background, because bash would hear of a signal only at the end of a command in the foreground.
attempt() {
  local status=0
  (cd "$making" && exec "$@") < /dev/null 2>&1 &
  child=$!
  wait "$child" || status=$?
  child=''
  return "$status"
}

quietly() { "$@" < /dev/null > /dev/null 2>&1; }

interrupted() {
  trap '' INT TERM
  if [ -n "$child" ]; then
    kill "$child" 2> /dev/null || true
    wait "$child" 2> /dev/null || true
  fi
  exit "$1"
}

fail() {
  end_group
  echo "::error title=automation-action cannot be set up::${2//%/%25}"
  exit "$1"
}

end_group() {
  if [ -n "$group" ]; then printf '::%s::\n::endgroup::\n' "$group"; fi
  group=''
}

clean() {
  local status=$?
  if [ -n "$making" ]; then rm -rf "$making"; fi
  if [ -n "$made" ]; then rm -rf "$made"; fi
  case $status in
    0 | 2 | 3 | 130 | 143) end_group ;;
    *) fail 2 "A command that this needs has failed; its words are above. (Is ${root:-the directory for temporary files} writable, and not full?)" ;;
  esac
}

main
