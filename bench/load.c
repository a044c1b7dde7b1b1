/* Why: a load of 30,000 messages a second must not cost more than what is measured, so this one speaks MQTT
 * 3.1.1 over bare sockets: QoS 1, many connections, one thread.
 * Declined: Paho (10 times the cost), and anything but publishing.
 *
 * load --port P [--connections 64] [--devices 10000] [--rate 0] [--seconds 10] [--bytes 200] [--window 256]
 * rate 0: as fast as the broker acknowledges. Prints one line of JSON. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/time.h"

#define MAX_CONNECTIONS 256
#define OUT_SIZE 262144
#define MESSAGE_MAX 2048

struct connection {
    int fd;
    unsigned in_flight;
    uint16_t next_id;
    size_t out_from, out_to; /* bytes of out that wait */
    size_t skip;             /* of an incoming packet */
    unsigned char head[4];
    size_t head_len;
    char out[OUT_SIZE];
};

struct load {
    uint16_t port;
    unsigned connections, devices, window, bytes;
    double rate, seconds;
    uint64_t published, acknowledged, number;
    struct connection *all;
};

static void die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static size_t put_length(unsigned char *at, size_t length)
{
    size_t used = 0;
    do {
        unsigned char byte = (unsigned char)(length % 128);
        length /= 128;
        at[used++] = length ? (unsigned char)(byte | 0x80) : byte;
    } while (length);
    return used;
}

static void connect_one(const struct load *load, struct connection *connection, unsigned number)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(load->port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 || connect(connection->fd, (struct sockaddr *)&address, sizeof address) != 0) {
        die("could not connect");
    }
    int on = 1;
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    char id[32];
    int id_len = snprintf(id, sizeof id, "load-%u", number);
    unsigned char packet[64] = {0x10, (unsigned char)(12 + id_len), 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0, 0,
                                (unsigned char)id_len};
    memcpy(packet + 14, id, (size_t)id_len);
    size_t length = 14 + (size_t)id_len;
    unsigned char answer[4];
    if (write(connection->fd, packet, length) != (ssize_t)length
        || recv(connection->fd, answer, 4, MSG_WAITALL) != 4 || answer[3] != 0) {
        die("the broker refused the connection");
    }
    fcntl(connection->fd, F_SETFL, O_NONBLOCK);
    connection->next_id = 1;
}

/* One PUBLISH of about `bytes` of payload from device number % devices. */
static void put_message(struct load *load, struct connection *connection)
{
    unsigned device = (unsigned)(load->number % load->devices);
    char topic[64], payload[MESSAGE_MAX];
    int topic_len = snprintf(topic, sizeof topic, "bench/district-%u/dev-%05u", device % 12, device);
    int length = snprintf(payload, sizeof payload,
                          "{\"ts\":%lld,\"id\":\"dev-%05u\",\"lat\":60.%06u,\"lon\":24.%06u,\"value\":%u.%u,\"unit\":\"ug/m3\","
                          "\"battery\":3.61,\"rssi\":-71,\"class\":\"indicative\",\"pad\":\"",
                          (long long)(bf_time_wall_us() / 1000), device, 170000 + device, 930000 + device,
                          (unsigned)(load->number * 7 % 90), (unsigned)(load->number % 10));
    while (length + 2 < (int)load->bytes && length < MESSAGE_MAX - 4) {
        payload[length++] = 'x';
    }
    payload[length++] = '"';
    payload[length++] = '}';
    unsigned char *at = (unsigned char *)connection->out + connection->out_to;
    size_t used = 0;
    at[used++] = 0x32;
    used += put_length(at + used, 2 + (size_t)topic_len + 2 + (size_t)length);
    at[used++] = (unsigned char)(topic_len >> 8);
    at[used++] = (unsigned char)topic_len;
    memcpy(at + used, topic, (size_t)topic_len);
    used += (size_t)topic_len;
    at[used++] = (unsigned char)(connection->next_id >> 8);
    at[used++] = (unsigned char)connection->next_id;
    memcpy(at + used, payload, (size_t)length);
    used += (size_t)length;
    connection->out_to += used;
    connection->next_id = connection->next_id == 65535 ? 1 : (uint16_t)(connection->next_id + 1);
    connection->in_flight++;
    load->published++;
    load->number++;
}

static void send_out(struct connection *connection)
{
    while (connection->out_from < connection->out_to) {
        ssize_t sent = send(connection->fd, connection->out + connection->out_from,
                            connection->out_to - connection->out_from, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EAGAIN || errno == EINTR) {
                return;
            }
            die("the broker closed the connection");
        }
        connection->out_from += (size_t)sent;
    }
    connection->out_from = connection->out_to = 0;
}

/* PUBACKs are four bytes each; anything else is passed over by its (short) length. */
static void take_in(struct load *load, struct connection *connection)
{
    unsigned char bytes[16384];
    ssize_t got = recv(connection->fd, bytes, sizeof bytes, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        die("the broker closed the connection");
    }
    for (ssize_t i = 0; i < got; i++) {
        if (connection->skip > 0) {
            connection->skip--;
            continue;
        }
        connection->head[connection->head_len++] = bytes[i];
        if (connection->head_len == 2) {
            connection->skip = connection->head[1];
            if (connection->head[0] == 0x40) {
                connection->in_flight--;
                load->acknowledged++;
            }
            connection->head_len = 0;
        }
    }
}

/* Hands out what is due: round robin, as far as windows and buffers allow. */
static void fill(struct load *load, uint64_t due)
{
    unsigned full = 0;
    for (unsigned i = 0; load->published < due && full < load->connections; i++) {
        struct connection *connection = &load->all[i % load->connections];
        if (connection->in_flight >= load->window || connection->out_to > OUT_SIZE - MESSAGE_MAX - 128) {
            full++;
            continue;
        }
        full = 0;
        put_message(load, connection);
    }
}

static void run(struct load *load)
{
    struct pollfd *polls = calloc(load->connections, sizeof *polls);
    int64_t start = bf_time_monotonic_us(), end = start + (int64_t)(load->seconds * 1e6), now;
    while ((now = bf_time_monotonic_us()) < end || load->acknowledged < load->published) {
        if (now > end + 60 * BF_US_PER_S) {
            break; /* says so by published > acknowledged */
        }
        double passed = (double)(now - start) / 1e6;
        uint64_t due = now >= end ? 0 : load->rate > 0 ? (uint64_t)(passed * load->rate) : UINT64_MAX;
        fill(load, due);
        for (unsigned i = 0; i < load->connections; i++) {
            struct connection *connection = &load->all[i];
            send_out(connection);
            short wanted = connection->out_to > connection->out_from ? POLLIN | POLLOUT : POLLIN;
            polls[i] = (struct pollfd){.fd = connection->fd, .events = wanted};
        }
        if (poll(polls, load->connections, 1) > 0) {
            for (unsigned i = 0; i < load->connections; i++) {
                if (polls[i].revents & (POLLIN | POLLHUP | POLLERR)) {
                    take_in(load, &load->all[i]);
                }
            }
        }
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
                 + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    double wall = (double)(bf_time_monotonic_us() - start) / 1e6;
    printf("{\"published\":%llu,\"acknowledged\":%llu,\"seconds\":%.3f,\"rate\":%.0f,\"cpu_us\":%.2f}\n",
           (unsigned long long)load->published, (unsigned long long)load->acknowledged, wall,
           (double)load->acknowledged / wall, cpu * 1e6 / (double)(load->published ? load->published : 1));
    free(polls);
}

int main(int argc, char **argv)
{
    struct load load = {.connections = 64, .devices = 10000, .window = 256, .bytes = 200, .seconds = 10};
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},    {"connections", required_argument, NULL, 'c'},
        {"devices", required_argument, NULL, 'd'}, {"rate", required_argument, NULL, 'r'},
        {"seconds", required_argument, NULL, 's'}, {"bytes", required_argument, NULL, 'b'},
        {"window", required_argument, NULL, 'w'},  {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        double value = strtod(optarg ? optarg : "", NULL);
        switch (option) {
        case 'p': load.port = (uint16_t)value; break;
        case 'c': load.connections = (unsigned)value; break;
        case 'd': load.devices = (unsigned)value; break;
        case 'r': load.rate = value; break;
        case 's': load.seconds = value; break;
        case 'b': load.bytes = (unsigned)value; break;
        case 'w': load.window = (unsigned)value; break;
        default: return 2;
        }
    }
    if (!load.port || !load.devices || !load.connections || load.connections > MAX_CONNECTIONS
        || load.bytes > MESSAGE_MAX - 64) {
        fputs("load: needs --port, 1 to 256 connections, at most 1,984 bytes\n", stderr);
        return 2;
    }
    load.all = calloc(load.connections, sizeof *load.all);
    if (!load.all) {
        die("memory");
    }
    for (unsigned i = 0; i < load.connections; i++) {
        connect_one(&load, &load.all[i], i);
    }
    run(&load);
    return load.published == load.acknowledged ? 0 : 1;
}
