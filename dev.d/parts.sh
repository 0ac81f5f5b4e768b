# shellcheck shell=bash
# What services.sh starts: for each part how it is installed, prepared and run, and how to tell that it answers.

kafka_version=4.3.0
kafka_options=(-Xmx512m -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.showDateTime=true)
java_major=17

# Data of one major version is not readable for another one.
data_folder() {
  case $1 in
    postgres) echo "$(postgres_home)/data-$(postgres_major)" ;;
    kafka) echo "$services/kafka/data-$kafka_version-scram" ;;
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
  choose_port "$folder/tls-port"
  choose_port "$folder/sasl-port"
  [[ -f $folder/password ]] || (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$folder/password")
  [[ -f $folder/broker.pem ]] || kafka_certificates "$folder" >"$folder/log" 2>&1 || service_failed kafka "cannot make its certificates"
  (umask 077 && kafka_properties "$folder" "$data" >"$folder/server.properties")
  [[ ! -f $data/meta.properties ]] || return 0
  kafka_java kafka.tools.StorageTool format -t "$(kafka_cluster_id)" -c "$folder/server.properties" \
    --add-scram "SCRAM-SHA-256=[name=sphere,password=$(<"$folder/password")]" \
    --add-scram "SCRAM-SHA-512=[name=sphere,password=$(<"$folder/password")]" >"$folder/log" 2>&1 ||
    service_failed kafka "cannot make its data"
}

# An authority of our own, and a certificate of it for the broker: what TLS is tested with.
kafka_certificates() (
  cd "$1" && umask 077 &&
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=Sphere tests" -keyout ca.key -out ca.pem &&
    openssl req -newkey rsa:2048 -nodes -subj "/CN=127.0.0.1" -keyout broker.key -out broker.csr &&
    openssl x509 -req -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -out broker.crt \
      -extfile <(echo "subjectAltName=IP:127.0.0.1,DNS:localhost") &&
    cat broker.key broker.crt >broker.pem
)

# The session of a broker that was killed must end before a new one gets in: 3 s instead of 9.
kafka_properties() {
  local folder=$1 plain tls sasl control login=org.apache.kafka.common.security
  plain=127.0.0.1:$(<"$folder/port") tls=127.0.0.1:$(<"$folder/tls-port") sasl=127.0.0.1:$(<"$folder/sasl-port")
  control=127.0.0.1:$(<"$folder/controller-port")
  cat <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@$control
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://$plain,SSL://$tls,SASL_SSL://$sasl,CONTROLLER://$control
advertised.listeners=PLAINTEXT://$plain,SSL://$tls,SASL_SSL://$sasl
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
ssl.keystore.type=PEM
ssl.keystore.location=$folder/broker.pem
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=$login.plain.PlainLoginModule required user_sphere="$(<"$folder/password")";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=$login.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=$login.scram.ScramLoginModule required;
log.dirs=$2
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
  have_openssl || packages+=(openssl)
  java_is_new_enough || packages+=(default-jre-headless)
  [[ -d $(kafka_libs) ]] || has mvn || packages+=(maven)
  ((${#packages[@]} == 0)) || apt_without_daemons "${packages[@]}" || true
  have_redis || lack "Redis is missing: install the package redis-server."
  have_postgres || lack "PostgreSQL is missing: install the package postgresql."
  [[ $EUID -ne 0 ]] || id postgres >/dev/null 2>&1 || lack "PostgreSQL refuses to run as root, and there is no user postgres."
  java_is_new_enough || lack "Java $java_major or newer is missing (Kafka needs it): install the package default-jre-headless."
  [[ -d $(kafka_libs) ]] || has mvn || lack "Maven is missing (it fetches Kafka): install the package maven."
  have_openssl || lack "openssl is missing (Kafka's listener with TLS needs certificates): install the package openssl."
  have_utilities || lack "flock, setsid and setpriv are missing: install the package util-linux."
  stop_if_lacking
  need_kafka
  stop_if_lacking
}

have_redis() { has redis-server && has redis-cli; }

have_postgres() { find_postgres && has psql; }

have_utilities() { has flock && has setsid && has setpriv; }

have_openssl() { has openssl; }

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
