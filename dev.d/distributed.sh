# shellcheck shell=bash
# `./dev run --distributed`: two web servers and a consumer on the services of services.sh. Ctrl-C ends all of it.

web_ports=(3000 3001)
roles=()

# With SPHERE_BIN set, that binary runs and nothing is built.
run_distributed() {
  local port started_services=
  if [[ -n ${SPHERE_BIN:-} ]]; then
    binary=$SPHERE_BIN
  else
    need_build_tools
    build
  fi
  services status >/dev/null || started_services=yes
  trap 'exit 130' INT
  trap 'exit 143' TERM
  # shellcheck disable=SC2064 # What it is now, since the variable is gone at the exit.
  trap "end_distributed $started_services" EXIT
  use_services
  for port in "${web_ports[@]}"; do
    start_role "web:$port" --role web --listen "127.0.0.1:$port" "$@"
  done
  start_role consumer --role consumer --listen 127.0.0.1:0 "$@"
  say "Ctrl-C ends all"
  # One that ends ends all: whoever develops should see it.
  wait -n "${roles[@]}" || true
  say "one of them ended, so all do"
  exit 1
}

# start_role NAME ARGS…: its lines come with its name before them.
start_role() {
  local name=$1
  shift
  "$binary" "$@" > >(trap '' INT && exec sed -u "s/^/$name | /") 2>&1 &
  roles+=($!)
}

end_distributed() {
  local pid
  trap '' INT TERM
  for pid in "${roles[@]}"; do
    kill -s TERM "$pid" 2>/dev/null || true
  done
  wait "${roles[@]}" || true
  # Those that ran before stay.
  [[ -z ${1:-} ]] || services stop
}
