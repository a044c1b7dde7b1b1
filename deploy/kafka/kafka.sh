#!/bin/sh
# One real Apache Kafka node on 127.0.0.1, for trying belfry and for its tests.
#
#   kafka.sh fetch    get the jars from Maven Central (48 MB, once)
#   kafka.sh start    fetch if need be, format a new data folder, start; returns when the node serves
#   kafka.sh stop     stop it cleanly
#   kafka.sh status   say whether it runs (exit code 0 or 1)
#   kafka.sh wipe     stop it and delete its data
#
#   BF_KAFKA_PORT             for clients; Kafka cannot choose a free one itself   (needed by start)
#   BF_KAFKA_CONTROLLER_PORT  on which the node talks to itself                    (BF_KAFKA_PORT + 1)
#   BF_KAFKA_DATA             data, log and pid file                               (./kafka-data)
#   BF_KAFKA_HOME             the jars, in lib/      (${XDG_CACHE_HOME:-~/.cache}/belfry/kafka-3.9.2)
#   BF_KAFKA_VIA              further listeners, "PORT=ADVERTISED ...": who comes in at PORT is told to come
#                             back at ADVERTISED of this host, where a proxy stands
#   BF_KAFKA_JVM              options of java
#
# Needs Java 17, and Maven to fetch. Exit codes: 69 where Java, Maven or Maven Central is not there, 1 for
# any other failure. A crash is kill -9 "$(cat "$BF_KAFKA_DATA/pid")" and start.
set -eu

version=3.9.2
here=$(cd "$(dirname "$0")" && pwd)
home=${BF_KAFKA_HOME:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/belfry/kafka-$version}
data=${BF_KAFKA_DATA:-kafka-data}
case $data in /*) ;; *) data=$PWD/$data ;; esac
jvm=${BF_KAFKA_JVM:--Xms64m -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1}
pid=
via_listeners='' via_advertised='' via_protocols=''
for via in ${BF_KAFKA_VIA:-}; do
    via_listeners="$via_listeners,VIA${via%=*}://127.0.0.1:${via%=*}"
    via_advertised="$via_advertised,VIA${via%=*}://127.0.0.1:${via#*=}"
    via_protocols="$via_protocols,VIA${via%=*}:PLAINTEXT"
done

fail() { # fail CODE WORDS...
    code=$1
    shift
    echo "kafka.sh: $*" >&2
    exit "$code"
}

need() { # need PROGRAM PACKAGE
    command -v "$1" >/dev/null || fail 69 "$1 is missing (Debian package $2)"
}

# wait_until SECONDS COMMAND...: asks ten times a second; false at the bound.
wait_until() {
    turns=$(($1 * 10))
    shift
    until "$@"; do
        [ "$turns" -gt 0 ] || return 1
        turns=$((turns - 1))
        sleep 0.1
    done
}

# A number in a file proves nothing: it must be a java that runs Kafka with this very data. Sets $pid.
running() {
    [ -s "$data/pid" ] || return 1
    pid=$(cat "$data/pid")
    tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "kafka.Kafka $data/server.properties"
}

gone() { ! running; }

have_jars() { ls "$home"/lib/kafka_2.13-*.jar >/dev/null 2>&1; }

# Into a folder beside the final one, which takes the name only when it is whole.
fetch() {
    have_jars && return
    need java openjdk-17-jre-headless
    need mvn maven
    mkdir -p "$home"
    part=$(mktemp -d "$home/fetch.XXXXXX")
    trap 'rm -rf "$part"' EXIT
    echo "fetching Apache Kafka $version from Maven Central into $home"
    timeout 900 mvn --batch-mode --no-transfer-progress -f "$here/pom.xml" \
        -Daether.connector.connectTimeout=15000 -Daether.connector.requestTimeout=60000 \
        dependency:copy-dependencies -DoutputDirectory="$part/lib" >"$part/log" 2>&1 &
    maven=$!
    trap 'kill $maven 2>/dev/null; rm -rf "$part"' EXIT
    trap 'exit 130' INT TERM
    seen=0
    while kill -0 "$maven" 2>/dev/null; do
        jars=$(find "$part/lib" -name '*.jar' 2>/dev/null | wc -l)
        [ "$jars" -lt $((seen + 10)) ] || { seen=$jars; echo "  $jars jars"; }
        sleep 0.5
    done
    wait "$maven" || {
        grep -m 3 ERROR "$part/log" >&2 || true
        fail 69 "could not fetch Apache Kafka $version: Maven Central does not answer, or not with all of it"
    }
    have_jars || mv "$part/lib" "$home/lib" # another kafka.sh may have been quicker
    echo "  $(find "$home/lib" -name '*.jar' | wc -l) jars, ready"
    rm -rf "$part"
    trap - EXIT INT TERM
}

# Becomes java, so that the pid of a background call is the node's. setsid: a terminal's Ctrl-C is for
# whoever started the node, and he stops it.
become_java() {
    # shellcheck disable=SC2086 # the options are meant to be split
    exec setsid java $jvm -Djava.awt.headless=true \
        -Dlog4j.configuration="file:$here/log4j.properties" \
        -Dlog4j2.configurationFile="$here/log4j2.properties" \
        -cp "$home/lib/*" "$@"
}

# The new process is a shell until it has become java, so it gets a second before it counts as ended.
serves_or_ended() {
    grep -q 'Kafka Server started' "$data/server.log" && return
    asked=$((asked + 1))
    [ "$asked" -gt 10 ] && gone
}

start() {
    if running; then
        echo "runs already, pid $pid"
        return
    fi
    port=${BF_KAFKA_PORT:-}
    [ -n "$port" ] || fail 1 "BF_KAFKA_PORT is not set: Kafka takes no free port by itself"
    fetch
    need java openjdk-17-jre-headless
    mkdir -p "$data"
    sed -e "s|@PORT@|$port|g" -e "s|@CONTROLLER_PORT@|${BF_KAFKA_CONTROLLER_PORT:-$((port + 1))}|g" \
        -e "s|@DATA@|$data|g" -e "s|@VIA_LISTENERS@|$via_listeners|" \
        -e "s|@VIA_ADVERTISED@|$via_advertised|" -e "s|@VIA_PROTOCOLS@|$via_protocols|" "$here/server.properties.in" >"$data/server.properties"
    if [ ! -f "$data/log/meta.properties" ]; then
        id=$(head -c 16 /dev/urandom | base64 | tr '+/' 'xy' | cut -c 1-22)
        (become_java kafka.tools.StorageTool format -t "$id" -c "$data/server.properties") \
            >"$data/format.log" 2>&1 || fail 1 "could not format $data: $(tail -n 1 "$data/format.log")"
    fi
    [ ! -f "$data/server.log" ] || mv "$data/server.log" "$data/server.log.1"
    : >"$data/server.log"
    (become_java kafka.Kafka "$data/server.properties") >>"$data/server.log" 2>&1 </dev/null &
    echo $! >"$data/pid"
    asked=0
    wait_until 60 serves_or_ended || fail 1 "not ready within 60 s, see $data/server.log"
    running || fail 1 "the node ended: $(grep -m 1 -E 'ERROR|Exception' "$data/server.log" || echo no reason given)"
    echo "serves on 127.0.0.1:$port, pid $pid"
}

stop() {
    if running; then
        kill "$pid"
        wait_until 20 gone || { kill -9 "$pid" 2>/dev/null; wait_until 5 gone; } || fail 1 "pid $pid does not end"
    fi
    rm -f "$data/pid"
}

status() {
    running || { echo "does not run"; return 1; }
    echo "runs, pid $pid, data $data"
}

wipe() {
    stop
    [ -d "$data" ] || return 0
    [ -f "$data/server.properties" ] || fail 1 "$data was not made by kafka.sh; left alone"
    rm -rf "$data"
}

case ${1-} in
fetch | start | stop | status | wipe) "$1" ;;
*) fail 2 "usage: kafka.sh fetch|start|stop|status|wipe" ;;
esac
