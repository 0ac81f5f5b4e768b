# shellcheck shell=bash
# Redis, PostgreSQL and Kafka for development and tests: processes of this machine, on loopback only, each on a free port that
# it keeps. Start them as often as you like, also twice at once: what runs is kept, what was killed comes back.
#
# What each of the three is stands in parts.sh. $services/NAME holds a service's pid, port, log and data, $services/env the
# lines that `./dev services` prints.

service_names=(postgres redis kafka)
service_deadline=60
service_launches=5

services() {
  local action=${1:-start}
  services="$cache/services"
  (umask 077 && mkdir -p "$services")
  case $action in
    start) one_at_a_time start_services >&2; cat "$services/env" ;;
    stop) one_at_a_time stop_services >&2 ;;
    clean) one_at_a_time clean_services >&2 ;;
    status) services_status ;;
    *) die "services: there is start, stop, status and clean, no '$action'" ;;
  esac
}

# use_services: starts them and exports DATABASE_URL, REDIS_URL and KAFKA_BROKERS.
use_services() {
  services start >/dev/null
  set -a
  # shellcheck source=/dev/null
  source "$services/env"
  set +a
}

# In a subshell that holds the lock. What it starts must close file 9, or it would hold the lock as long as it lives.
one_at_a_time() {
  (
    flock -n 9 || { say "waiting for another ./dev services" && flock 9; }
    "$@"
  ) 9>"$services/lock"
}

start_services() {
  local name started=$SECONDS
  need_services
  # One that an older script started has no listener with TLS.
  [[ -f $services/kafka/tls-port ]] || end_service kafka TERM
  for name in "${service_names[@]}"; do
    is_running "$name" || launch "$name"
  done
  for name in "${service_names[@]}"; do
    wait_until_it_answers "$name"
  done
  (umask 077 && service_urls >"$services/env.part")
  mv "$services/env.part" "$services/env"
  say "services run ($((SECONDS - started)) s): ${service_names[*]}"
}

stop_services() {
  local name
  for name in "${service_names[@]}"; do
    end_service "$name" "$(ending_signal "$name")" &
  done
  wait
}

clean_services() {
  local name
  stop_services
  say "deleting the data of the services"
  for name in "${service_names[@]}"; do
    rm -rf "$(data_folder "$name")" "${services:?}/$name"
  done
  rm -f "$services/env"
}

# One line each; true when all run.
services_status() {
  local name all=yes
  for name in "${service_names[@]}"; do
    if is_running "$name"; then
      printf '%-9s pid %-8s port %s\n' "$name" "$(<"$services/$name/pid")" "$(port "$name")"
    else
      printf '%-9s does not run\n' "$name"
      all=
    fi
  done
  [[ -n $all ]]
}

service_urls() {
  echo "DATABASE_URL=postgres://sphere:$(<"$services/postgres/password")@127.0.0.1:$(port postgres)/sphere"
  echo "REDIS_URL=redis://127.0.0.1:$(port redis)"
  echo "KAFKA_BROKERS=127.0.0.1:$(port kafka)"
  # The same broker with TLS, and with TLS and a login as "sphere": for the tests.
  echo "TEST_KAFKA_TLS=127.0.0.1:$(<"$services/kafka/tls-port")"
  echo "TEST_KAFKA_SASL=127.0.0.1:$(<"$services/kafka/sasl-port")"
  echo "TEST_KAFKA_FOLDER=$services/kafka"
  # For tests and the checker, which kill brokers of their own.
  echo "KAFKA_LIBS=$(kafka_libs)"
}

# --- one process each ---

# A pid can be somebody else's by now: it is ours if it is that program and works in that service's own folder.
is_running() {
  local pid folder="$services/$1"
  [[ $1 != postgres ]] || folder=$(postgres_home)
  pid=$(cat "$services/$1/pid" 2>/dev/null) || return 1
  [[ -n $pid && $(cat "/proc/$pid/comm" 2>/dev/null) == "$(program "$1")" ]] &&
    [[ $(readlink "/proc/$pid/cwd") == "$(readlink -f "$folder")"/data* ]]
}

# launch NAME: starts it and does not wait for it.
launch() {
  local name=$1 folder="$services/$1"
  say "starting $name"
  mkdir -p "$folder"
  [[ ! -f $folder/log ]] || mv "$folder/log" "$folder/log.old"
  "prepare_$name"
  # setsid: a Ctrl-C in the terminal is not for the services. It becomes the program, so the pid is the program's.
  (cd "$(data_folder "$name")" && "run_$name") </dev/null >"$folder/log" 2>&1 9>&- &
  echo $! >"$folder/pid"
}

wait_until_it_answers() {
  local name=$1 launches=1 end=$((SECONDS + service_deadline))
  until is_running "$name" && "${name}_answers" >/dev/null 2>&1; do
    if ! kill -0 "$(<"$services/$name/pid")" 2>/dev/null; then
      # After a kill -9 the children of the old one may still hold what the new one needs.
      ((launches < service_launches)) || service_failed "$name" "ends by itself"
      launches=$((launches + 1))
      sleep 1
      say "$name ended by itself, once more" && launch "$name"
    fi
    ((SECONDS < end)) || service_failed "$name" "does not answer after $service_deadline s"
    sleep 0.1
  done
}

service_failed() {
  say "the end of $services/$1/log:"
  tail -n 20 "$services/$1/log" >&2 || true
  die "$1 $2"
}

# end_service NAME SIGNAL: asks it to end, and after 20 s no longer asks.
end_service() {
  local name=$1 signal=$2 pid end=$((SECONDS + 20))
  if is_running "$name"; then
    pid=$(<"$services/$name/pid")
    say "ending $name"
    kill -s "$signal" "$pid"
    while is_running "$name"; do
      if ((SECONDS >= end)); then
        say "$name does not end, it is killed"
        kill -s KILL "$pid"
        end=$((SECONDS + 20))
      fi
      sleep 0.1
    done
  fi
  rm -f "$services/$name/pid"
}

# port NAME: the one that it has, or a new one where it is taken by somebody else.
port() {
  local file="$services/$1/port"
  [[ -f $file ]] && cat "$file"
}

choose_port() {
  local file=$1 port
  if [[ -f $file ]] && port_is_free "$(<"$file")"; then return; fi
  # Below the ports that the system gives to outgoing connections, so that none of those takes it while a service is down.
  while port=$((20000 + RANDOM % 12000)); do
    if port_is_free "$port" && ! grep -qsx "$port" "$services"/*/*port; then break; fi
  done
  echo "$port" >"$file"
}

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
