#!/usr/bin/env bash
# The part of a run that lives on the server's machine, beside the automation.
#
#   runner.sh run UMASK TIMEOUT GRACE LIMIT [OUTPUT...]
#                                unpack, start set-up and entrypoint, watch them, write status.json
#   runner.sh stop CAUSE GRACE   end the run and everything it started, say what is left
#   runner.sh sweep CAUSE GRACE  the same, but what has not started may still start
#   runner.sh probe              say what is known of the run, change nothing
#
# UMASK is the server's, for the run; TIMEOUT and GRACE (between TERM and KILL) are in tenths of a second, LIMIT
# (of output) in bytes; each OUTPUT is a name that the run has to report, for whoever reads the status later.
#
# The working directory is the run's directory. Its files are the protocol:
#
#   claim        who took the run: "start PID STARTED BOOT DATE TOKEN", or "stop" (then it never starts)
#   group        the entrypoint's process group: "PGID STARTED"
#   cause        why the run was ended, if it did not end itself; the first writer wins
#   status.json  the end, by rename; also printed, so that the server's own record can confirm it
#
# It works with bash 3.2 (macOS) and without ps, setsid, a terminal or anything beyond POSIX tools:
# `set -m` is what gives the entrypoint a process group of its own.
#
# shellcheck disable=SC2013,SC2086,SC2094  # pids and stat fields are split on purpose; each file is read into a variable
set -u
had_locale=false
[ -z "${LC_ALL+set}" ] || had_locale=true
locale=${LC_ALL-}
export LC_ALL=C
umask 077
directory=$PWD

# Standard error is the runner's log, opened before the run could put anything at its name.
say() { printf '%s\n' "$*" >&2; }

# A token that changes when a pid is used again: start time in ticks since boot, proc(5) field 22.
started_at() {
  local stat
  started=
  if [ -d /proc/self ]; then
    { read -r stat < "/proc/$1/stat"; } 2> /dev/null || return 1
    set -- ${stat##*) }
    [ "$1" != Z ] || return 1
    started=${20}
  else
    started=$(ps -o lstart= -p "$1" | tr -s ' ' _) && [ -n "$started" ]
  fi
}

boot_id() {
  { read -r boot < /proc/sys/kernel/random/boot_id; } 2> /dev/null ||
    boot=$(sysctl -n kern.bootsessionuuid)
}

# $1 is alive and is the process that was started at $2.
is_alive() { started_at "$1" && [ "$started" = "$2" ]; }

# Somebody of group $1 lives. Zombies do not: a container's first process may never reap them.
group_lives() {
  local file stat
  kill -0 -- "-$1" 2> /dev/null || return 1
  [ -d /proc/self ] || return 0
  for file in /proc/[0-9]*/stat; do
    { read -r stat < "$file"; } 2> /dev/null || continue
    stat=${stat##*) }
    case $stat in
      [!ZX]' '*) set -f; set -- "$1" $stat; set +f
        [ "$4" = "$1" ] && return 0 ;;
    esac
  done
  return 1
}

end_group() { # PGID GRACE, in tenths of a second
  local tries=$2
  # "-1" would be everybody, "-0" ourselves.
  [ "$1" -gt 1 ] || return 0
  kill -TERM -- "-$1" 2> /dev/null || return 0
  kill -CONT -- "-$1" 2> /dev/null
  while group_lives "$1"; do
    [ "$tries" -gt 0 ] || { kill -KILL -- "-$1" 2> /dev/null; break; }
    tries=$((tries - 1))
    sleep 0.1
  done
}

# Processes of this run that are not in its group any more: they carry its environment.
find_escaped() {
  local file pid
  escaped=()
  [ -d /proc/self ] || return 0
  for file in $(grep -lsaF "AUTOMATION_RESULT=$directory/result.json" /proc/[0-9]*/environ); do
    pid=${file#/proc/}
    pid=${pid%/environ}
    started_at "$pid" && escaped+=("$pid")
  done
}

end_escaped() {
  find_escaped
  [ ${#escaped[@]} -gt 0 ] || return 0
  kill -TERM "${escaped[@]}" 2> /dev/null
  sleep 0.3
  find_escaped
  [ ${#escaped[@]} -eq 0 ] || kill -KILL "${escaped[@]}" 2> /dev/null
}

escaped_json() {
  local pid name json=
  for pid in ${escaped[@]+"${escaped[@]}"}; do
    name=
    { read -r name < "/proc/$pid/comm"; } 2> /dev/null
    json="$json,{\"pid\":$pid,\"name\":\"${name//[!A-Za-z0-9 ._:@=+-]/?}\"}"
  done
  printf '[%s]' "${json#,}"
}

# Write down why the run is ended, unless somebody has before. A link that names it is made whole or not at
# all, and opens nothing: the run could have put a pipe at any name.
take_cause() { ln -s "$1" cause 2> /dev/null; }

# Sets cause. What is no link of ours, or says what the runner never writes, was put there to look better.
read_cause() {
  cause=exited
  [ -e cause ] || [ -L cause ] || return 0
  cause=$(readlink cause) || cause=terminated
  [ "$cause" != exited ] || cause=terminated
}

uptime_ms() {
  local up
  if { read -r up _ < /proc/uptime; } 2> /dev/null; then ms=$((10#${up/./} * 10)); else ms=$((SECONDS * 1000)); fi
}

# What the process group does; its last act is to become the entrypoint. What it needs after the environment
# is read stands in positional parameters: no variable of the run can change those.
automation() { # UMASK
  local entrypoint
  unpack >> runner.log 2>&1 || exit
  IFS= read -r -d '' entrypoint < entrypoint
  set -- "$directory" "$entrypoint" "$1"
  cd work || exit
  printf 'set-up\n' > "$1/phase"
  if $had_locale; then LC_ALL=$locale; else unset LC_ALL; fi
  umask "$3"
  # shellcheck disable=SC1091  # written by the client for this run
  . "$1/environment" || exit
  command -p rm -f "$1/environment"
  if [ -f setup.sh ]; then bash setup.sh || exit; fi
  printf 'entrypoint\n' > "$1/phase"
  exec bash -c "$2"
}

unpack() {
  mkdir work || return
  tar xzf bundle.tar.gz -C work || return
  if [ -f repository.tar.gz ]; then
    mkdir repository && tar xzf repository.tar.gz -C repository || return
  fi
  if [ -f repository.bundle ]; then
    # A repository of the run's own; what comes before the commits in repository.shallow is not in it.
    command -v git > /dev/null || { echo "'repository: git' needs git on the server"; return 1; }
    (
      unset GIT_DIR GIT_WORK_TREE
      export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
      git init -q "$directory/repository" && cd "$directory/repository" || exit
      [ ! -s ../repository.shallow ] || cp ../repository.shallow .git/shallow || exit
      git fetch -q --no-tags "$directory/repository.bundle" 'refs/heads/*:refs/remotes/origin/*' || exit
      git -c advice.detachedHead=false checkout -q --detach refs/remotes/origin/head
    ) || return
  fi
  rm -f bundle.tar.gz repository.tar.gz repository.bundle repository.shallow
}

# The size of what was written, whatever has become of the file's name.
output_size() {
  local count
  count=$(wc -c < /dev/fd/3) && echo $((count))
}

watch_output() { # LIMIT
  local size last=0 pause=0.2
  # A sleep may be killed by the run: that only makes the next look come sooner.
  while :; do
    sleep "$pause"
    # What cannot be counted any more counts as too much.
    size=$(output_size) || size=$(($1 + 1))
    if [ "$size" -gt "$1" ]; then
      take_cause output-limit
      end_group "$group" 10
      return
    fi
    if [ $(((size - last) * 8)) -gt "$1" ]; then pause=0.1; else pause=1; fi
    last=$size
  done
}

watch_deadline() { # TIMEOUT GRACE
  local left
  while uptime_ms; left=$((began_ms + $1 * 100 - ms)); [ "$left" -gt 0 ]; do
    sleep "$((left / 1000)).$(printf %03d $((left % 1000)))"
  done
  take_cause timed-out
  end_group "$group" "$2"
}

names_json() { # NAME...
  local name json=
  for name in "$@"; do json="$json,\"${name//[!A-Za-z0-9_-]/?}\""; done
  printf '[%s]' "${json#,}"
}

run() { # UMASK TIMEOUT GRACE LIMIT [OUTPUT...]
  local code began ended cause phase left=false interrupted=false watchers=() pid size
  exec < /dev/null 2>> runner.log
  : > output.log
  exec 3< output.log
  printf 'unpack\n' > phase
  trap 'interrupted=true; take_cause terminated; end_group "${group:-0}" 5' TERM INT HUP
  began=$(date +%s)
  uptime_ms
  began_ms=$ms
  set -m
  automation "$1" >> output.log 2>&1 3<&- &
  group=$!
  started_at "$group"
  printf '%s %s\n' "$group" "${started:-0}" > group.new && mv -f group.new group
  watch_deadline "$2" "$3" > /dev/null 2>&1 &
  watchers+=($!)
  watch_output "$4" > /dev/null 2>&1 &
  watchers+=($!)
  disown "${watchers[@]}"
  set +m
  [ ! -L cause ] || end_group "$group" "$3"
  while :; do
    wait "$group" 2> /dev/null
    code=$?
    if $interrupted; then interrupted=false; else break; fi
  done
  for pid in "${watchers[@]}"; do kill -KILL -- "-$pid" 2> /dev/null; done
  if group_lives "$group"; then
    left=true
    say "ended the processes that were left in the run's group"
    end_group "$group" 20
  fi
  if [ -f phase ]; then read -r phase < phase; else phase=entrypoint; fi
  size=$(output_size) || size=$(($4 + 1))
  [ "$size" -le "$4" ] || take_cause output-limit
  [ "$phase" != unpack ] || take_cause unpack-failed
  read_cause
  rm -f environment
  find_escaped
  if [ ${#escaped[@]} -gt 0 ] && [ "$cause" != exited ]; then
    end_escaped
    find_escaped
  fi
  [ ${#escaped[@]} -eq 0 ] || say "left the run's process group and still running: ${escaped[*]}"
  ended=$(date +%s)
  uptime_ms
  status=$(printf '{"version":1,"run":"%s","cause":"%s","phase":"%s","exit_code":%s,"started":%s,"ended":%s,"milliseconds":%s,"output":%s,"result":"%s","summary":"%s","log":"%s","outputs":%s,"left":%s,"escaped":%s}' \
    "${directory##*/}" "${cause//[!a-z-]/}" "${phase//[!a-z-]/}" "$code" "$began" "$ended" $((ms - began_ms)) \
    "$size" "$(presence result.json)" "$(presence summary.md)" "$(presence runner.log)" \
    "$(names_json "${@:5}")" "$left" "$(escaped_json)")
  # The run could have put anything at these names.
  rm -rf status.new
  [ ! -d status.json ] || rm -rf status.json
  printf '%s\n' "$status" > status.new
  mv -f status.new status.json
  printf '%s\n' "$status"
  exit "$code"
}

presence() {
  if [ -f "$1" ]; then printf file; elif [ -e "$1" ] || [ -L "$1" ]; then printf other; else printf none; fi
}

# Sets claimed, runner and boot facts from the claim, and group from its file.
read_claim() {
  local claim_boot=
  how='' since='' token='' runner='' runner_started='' group='' group_started=''
  # The run can have put anything there: a line's length of it is enough.
  [ ! -f claim ] || read -r how runner runner_started claim_boot since token < <(head -c 4096 claim)
  [ ! -f group ] || read -r group group_started < <(head -c 4096 group)
  boot_id
  same_boot=true
  [ -z "$claim_boot" ] || [ "$claim_boot" = "$boot" ] || same_boot=false
}

runner_lives() { $same_boot && [ -n "$runner" ] && is_alive "$runner" "$runner_started"; }

# The recorded group may be signalled: same boot, a real group, and not a later process of that number.
group_is_ours() {
  $same_boot && [ -n "$group" ] && [ "$group" -gt 1 ] || return 1
  if started_at "$group"; then [ "$started" = "$group_started" ]; else group_lives "$group"; fi
}

probe() {
  # The directory may have been removed under us.
  [ -d "$directory" ] || { echo claim=absent; return; }
  read_claim
  # A group, a status or a process is proof of a start, whatever has become of the claim.
  find_escaped
  if [ -e group ] || [ -e status.json ] || [ ${#escaped[@]} -gt 0 ]; then
    # It may have been claimed after the claim was looked for: then it is there now.
    [ -n "$how" ] || read_claim
    how=start
  fi
  printf '%s\n' "claim=${how:-none}" "token=$token" "since=$since" "date=$(date +%s)" "directory=$directory" \
    "runner=$(runner_lives && echo alive || echo gone)" "processes=${#escaped[@]}"
}

claim_for_ever() {
  printf 'stop\n' > "claim-$$"
  ln "claim-$$" claim 2> /dev/null
  local took=$?
  rm -f "claim-$$"
  return $took
}

# A run that nobody has claimed never starts once the stop has taken its claim.
stop() { # CAUSE GRACE
  find_escaped
  if [ ! -e group ] && [ ! -e status.json ] && [ ${#escaped[@]} -eq 0 ] && claim_for_ever; then
    take_cause "$1"
    rm -f payload-*.tar
    probe
  else
    sweep "$@"
  fi
}

# End whatever lives of a run that was started.
sweep() { # CAUSE GRACE
  local tries=30
  [ -e status.json ] || take_cause "$1"
  read_claim
  if group_is_ours; then
    end_group "$group" "$2"
  elif runner_lives; then
    kill -TERM "$runner"
  fi
  end_escaped
  # It ends right after it has written its status; that name alone says nothing, since the run can make it.
  while runner_lives && [ $tries -gt 0 ]; do
    sleep 0.1
    tries=$((tries - 1))
  done
  rm -f environment
  probe
}

"$@"
