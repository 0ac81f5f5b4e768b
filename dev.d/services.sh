# shellcheck shell=bash
# Redis, PostgreSQL and Kafka for development and tests: processes of this machine, on loopback only, each on a free port that
# it keeps. Start them as often as you like, also twice at once: what runs is kept, what was killed comes back.
#
# $services/NAME holds a service's pid, port, log and data; $services/env the three lines that `./dev services` prints.

kafka_version=4.3.0
kafka_options=(-Xmx512m -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.showDateTime=true)
java_major=17
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

# Data of one major version is not readable for another one.
data_folder() {
  case $1 in
    postgres) echo "$(postgres_home)/data-$(postgres_major)" ;;
    kafka) echo "$services/kafka/data-$kafka_version" ;;
    *) echo "$services/$1/data" ;;
  esac
}

program() {
  case $1 in
    postgres) echo postgres ;;
    redis) echo redis-server ;;
    kafka) echo java ;;
  esac
}

ending_signal() {
  # PostgreSQL waits for its clients to leave on TERM.
  if [[ $1 == postgres ]]; then echo INT; else echo TERM; fi
}

# --- Redis: nothing is kept, as on a machine that was restarted ---

prepare_redis() {
  mkdir -p "$(data_folder redis)"
  choose_port "$services/redis/port"
}

run_redis() {
  exec setsid redis-server --bind 127.0.0.1 --port "$(port redis)" --dir . --save '' --appendonly no --daemonize no
}

redis_answers() { [[ $(timeout 2 redis-cli -h 127.0.0.1 -p "$(port redis)" ping) == PONG ]]; }

# --- PostgreSQL ---

# It refuses to run as root, and its own user can not enter root's home.
postgres_home() {
  if [[ $EUID -eq 0 ]]; then echo "/var/cache/sphere$services/postgres"; else echo "$services/postgres"; fi
}

as_postgres() {
  if [[ $EUID -eq 0 ]]; then set -- setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"; fi
  "$@"
}

find_postgres() {
  local folder
  for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV) "$(dirname "$(command -v postgres || echo /)")"; do
    if [[ -x $folder/postgres && -x $folder/initdb ]]; then
      postgres_bin=$folder
      return
    fi
  done
  return 1
}

postgres_major() {
  [[ -n ${postgres_bin:-} ]] || find_postgres || return 0
  "$postgres_bin/postgres" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/'
}

prepare_postgres() {
  local data home password
  data=$(data_folder postgres)
  home=$(postgres_home)
  choose_port "$services/postgres/port"
  [[ ! -d $data ]] || return 0
  password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  mkdir -p "$home"
  if [[ $EUID -eq 0 ]]; then chown postgres "$home"; fi
  rm -rf "$data.part"
  init_postgres "$data.part" "$password" >"$services/postgres/log" 2>&1 || service_failed postgres "cannot make its data"
  (umask 077 && echo "$password" >"$services/postgres/password")
  mv "$data.part" "$data"
}

# Stands in a condition, hence the chain: bash goes on after a failure inside.
init_postgres() (
  cd / &&
    as_postgres "$postgres_bin/initdb" -D "$1" -U sphere --auth=trust --encoding=UTF8 --locale=C.UTF-8 &&
    as_postgres tee "$1/pg_hba.conf" <<<"host all all 127.0.0.1/32 scram-sha-256" &&
    as_postgres "$postgres_bin/postgres" --single -D "$1" postgres <<<"ALTER USER sphere PASSWORD '$2';
CREATE DATABASE sphere;"
)

run_postgres() {
  if [[ $EUID -eq 0 ]]; then set -- setpriv --reuid=postgres --regid=postgres --init-groups --; fi
  exec setsid "$@" "$postgres_bin/postgres" -D "$PWD" -c listen_addresses=127.0.0.1 -c port="$(port postgres)" \
    -c unix_socket_directories= -c max_connections=300 -c fsync=on -c synchronous_commit=on
}

postgres_answers() {
  [[ $(PGPASSWORD=$(<"$services/postgres/password") timeout 2 \
    psql -X -w -h 127.0.0.1 -p "$(port postgres)" -U sphere -d sphere -Atc 'SELECT 1') == 1 ]]
}

# --- Kafka: one node, broker and controller in one process ---

prepare_kafka() {
  local folder="$services/kafka" data
  data=$(data_folder kafka)
  mkdir -p "$data"
  choose_port "$folder/port"
  choose_port "$folder/controller-port"
  kafka_properties "$data" "$(<"$folder/port")" "$(<"$folder/controller-port")" >"$folder/server.properties"
  [[ ! -f $data/meta.properties ]] || return 0
  kafka_java kafka.tools.StorageTool format -t "$(kafka_cluster_id)" -c "$folder/server.properties" >"$folder/log" 2>&1 ||
    service_failed kafka "cannot make its data"
}

# The session of a broker that was killed must end before a new one gets in: 3 s instead of 9.
kafka_properties() {
  cat <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$3
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$2,CONTROLLER://127.0.0.1:$3
advertised.listeners=PLAINTEXT://127.0.0.1:$2
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs=$1
auto.create.topics.enable=false
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
PROPERTIES
}

kafka_cluster_id() { head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | cut -c 1-22; }

kafka_libs() { echo "$tools/kafka-$kafka_version/libs"; }

kafka_java() { java "${kafka_options[@]}" -cp "$(kafka_libs)/*" "$@"; }

run_kafka() { exec setsid java "${kafka_options[@]}" -cp "$(kafka_libs)/*" kafka.Kafka "$services/kafka/server.properties"; }

# A metadata request (key 3, version 1, no topics) is answered with one broker as soon as that broker is let in.
kafka_answers() {
  local answer
  answer=$(
    exec 3<>"/dev/tcp/127.0.0.1/$(port kafka)" || exit
    printf '\0\0\0\016\0\003\0\001\0\0\0\001\377\377\0\0\0\0' >&3
    timeout 2 head -c 12 <&3 | od -An -tx1 | tr -d ' \n'
  )
  [[ ${answer:16} == 00000001 ]]
}

# --- what must be installed ---

need_services() {
  local packages=()
  have_redis || packages+=(redis-server)
  have_postgres || packages+=(postgresql)
  java_is_new_enough || packages+=(default-jre-headless)
  [[ -d $(kafka_libs) ]] || has mvn || packages+=(maven)
  ((${#packages[@]} == 0)) || apt_without_daemons "${packages[@]}" || true
  have_redis || lack "Redis is missing: install the package redis-server."
  have_postgres || lack "PostgreSQL is missing: install the package postgresql."
  [[ $EUID -ne 0 ]] || id postgres >/dev/null 2>&1 || lack "PostgreSQL refuses to run as root, and there is no user postgres."
  java_is_new_enough || lack "Java $java_major or newer is missing (Kafka needs it): install the package default-jre-headless."
  [[ -d $(kafka_libs) ]] || has mvn || lack "Maven is missing (it fetches Kafka): install the package maven."
  have_utilities || lack "flock, setsid and setpriv are missing: install the package util-linux."
  stop_if_lacking
  need_kafka
  stop_if_lacking
}

have_redis() { has redis-server && has redis-cli; }

have_postgres() { find_postgres && has psql; }

have_utilities() { has flock && has setsid && has setpriv; }

java_is_new_enough() {
  local major
  major=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
  [[ -n $major ]] && ((major >= java_major))
}

# Debian's packages start a server of their own unless this file forbids it.
apt_without_daemons() (
  local policy=/usr/sbin/policy-rc.d
  if [[ $EUID -eq 0 && ! -e $policy ]]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
  fi
  apt "$@"
)

need_kafka() {
  local libs folder="$tools/kafka-$kafka_version"
  libs=$(kafka_libs)
  [[ ! -d $libs ]] || return 0
  say "installing Kafka $kafka_version with Maven"
  rm -rf "$folder.part"
  mkdir -p "$folder.part"
  kafka_pom >"$folder.part/pom.xml"
  if fetch_kafka "$folder.part" >"$folder.part/log" 2>&1; then
    rm -rf "$folder"
    mv "$folder.part" "$folder"
  else
    tail -n 5 "$folder.part/log" >&2
    lack "Kafka $kafka_version could not be fetched: Maven must reach its repository for org.apache.kafka:kafka_2.13."
  fi
}

fetch_kafka() { mvn -q -B -f "$1/pom.xml" dependency:copy-dependencies -DoutputDirectory=libs && [[ -d $1/libs ]]; }

kafka_pom() {
  cat <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>sphere</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$kafka_version</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
  <build><plugins>
    <plugin><groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId><version>3.8.1</version></plugin>
  </plugins></build>
</project>
POM
}
