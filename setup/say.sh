# Words for a person who waits: one line for each step, its time, and an error that says the way out.
# Sourced by the other scripts here.

say_start() { step_name=$1; step_began=$(date +%s); printf '  … %s\n' "$step_name"; }

say_done() { printf '  ✓ %s (%ss)%s\n' "$step_name" "$(($(date +%s) - step_began))" "${1:+ — $1}"; }

# die WHAT WAY-OUT: one sentence on what is wrong, one on what to do.
die() {
  printf '\n  ✗ %s\n    %s\n\n' "$1" "$2" >&2
  exit 1
}

# quietly LOG COMMAND...: run it; on failure show the log's last lines and pass the failure on.
quietly() {
  local log=$1
  shift
  if ! "$@" >>"$log" 2>&1; then
    printf '\n  the last lines of %s:\n' "$log" >&2
    tail -n 15 "$log" | sed 's/^/    | /' >&2
    return 1
  fi
}
