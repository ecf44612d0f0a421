# shellcheck shell=bash
# Shared by run, test, .ci/run and the scripts in tools/; to be sourced. Changes to the root of the repository.
#   step NAME LOG COMMAND...   runs the command with its output in build/logs/LOG.log, shows progress and the time
#                              taken; on failure prints the log's last lines and returns the command's status
#   die LINE...                prints the lines on standard error and exits 2
#   usage FILE                 prints the first comment of a script

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
ROOT=$PWD
LOGS=$ROOT/build/logs
mkdir -p "$LOGS" 2>/dev/null || { echo "cannot write to $ROOT: copy the repository to a folder of your own" >&2; exit 2; }

die() {
  printf '%s\n' "$@" >&2
  exit 2
}

usage() {
  sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$1"
}

# Runs beside a step: on a terminal, one line that is redrawn each second with the log's last line; elsewhere one
# line a minute, so that whoever reads a CI log sees that it lives. Ends by itself when the script does.
watch_step() {
  local name=$1 log=$2 seconds=0
  while kill -0 $$ 2>/dev/null; do
    sleep 1 >/dev/null 2>&1
    seconds=$((seconds + 1))
    if [ -t 1 ]; then
      printf '\r\033[K[%4d s] %s: %.70s' "$seconds" "$name" "$(tail -n 1 "$log" 2>/dev/null | tr -d '\r')"
    elif [ $((seconds % 60)) = 0 ]; then
      printf '[%4d s] %s: %.90s\n' "$seconds" "$name" "$(tail -n 1 "$log" 2>/dev/null | tr -d '\r')"
    fi
  done
}

step() {
  local name=$1 log=$LOGS/$2.log start=$SECONDS status=0 watcher
  shift 2
  : >"$log"
  watch_step "$name" "$log" &
  watcher=$!
  "$@" </dev/null >"$log" 2>&1 || status=$?
  kill "$watcher" 2>/dev/null || true
  wait "$watcher" 2>/dev/null || true
  [ ! -t 1 ] || printf '\r\033[K'
  if [ "$status" = 0 ]; then
    printf '[%4d s] %s\n' $((SECONDS - start)) "$name"
  else
    printf '[%4d s] %s FAILED (exit %d); the end of %s:\n' $((SECONDS - start)) "$name" "$status" "${log#"$ROOT"/}" >&2
    tail -n 15 "$log" | cut -c 1-200 | sed 's/^/    /' >&2
  fi
  return "$status"
}
