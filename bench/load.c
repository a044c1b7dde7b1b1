/* load.c: a load of 30,000 messages a second must not cost more than what is measured, so this one speaks
 * MQTT 3.1.1 over bare sockets: QoS 1, many connections, one thread, and packets that are made once: of each
 * message only the packet id, the time and the value's digits are written.
 * Declined: Paho (10 times the cost), and anything but publishing.
 *
 * load --port P [--connections 64] [--devices 10000] [--rate 0] [--seconds 10] [--count 0] [--bytes 200]
 *      [--window 256]
 * rate 0: as fast as the broker acknowledges. count: so many messages, instead of a time. Prints one line of
 * JSON. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/measure.h"
#include "bench/sample.h"
#include "core/time.h"

#define MAX_CONNECTIONS 256
#define MAX_DEVICES 100000 /* five digits in the topic */
#define MAX_BYTES 1024
#define PACKET_MAX (MAX_BYTES + 64)
#define OUT_SIZE 262144
#define TURN_MS 4   /* with a rate: what is due goes out this often */
#define AT_ONCE 32u /* without one: messages of one connection before the next has its turn */
#define TIME_DIGITS 13

struct connection {
    int fd;
    unsigned in_flight;
    uint16_t next_id;
    size_t out_from, out_to; /* bytes of out that wait */
    size_t skip;             /* of an incoming packet */
    unsigned char head[2];
    size_t head_len;
    char out[OUT_SIZE];
};

/* Where the digits lie in a packet; the same in all, since all numbers have a fixed width. */
struct layout {
    size_t len, id, time, value;
};

struct load {
    uint16_t port;
    unsigned connections, devices, window, bytes;
    double rate, seconds;
    uint64_t count, published, acknowledged;
    char *packets; /* of each device, layout.len bytes */
    struct layout layout;
    struct connection *all;
    struct pollfd *polls;
};

static void die(const char *what)
{
    char text[160];
    (void)snprintf(text, sizeof text, "load: %s: %s", what, strerror(errno));
    bench_fail(text);
}

/* ---- packets */

static size_t put_length(char *at, size_t length)
{
    size_t used = 0;
    do {
        unsigned byte = (unsigned)(length % 128);
        length /= 128;
        at[used++] = (char)(length ? byte | 0x80 : byte);
    } while (length);
    return used;
}

static struct layout make_packet(char *packet, unsigned device, unsigned bytes)
{
    struct bf_slice topic = bench_sample_topic(device);
    struct bf_slice payload = bench_sample_payload(device, BENCH_START_US, bytes);
    size_t used = 0;
    packet[used++] = 0x32; /* PUBLISH, QoS 1 */
    used += put_length(packet + used, 2 + topic.len + 2 + payload.len);
    packet[used++] = (char)(topic.len >> 8);
    packet[used++] = (char)topic.len;
    memcpy(packet + used, topic.data, topic.len);
    used += topic.len;
    struct layout layout = {.id = used};
    used += 2;
    memcpy(packet + used, payload.data, payload.len);
    layout.time = used + strlen("{\"ts\":");
    static const char name[] = "\"value\":";
    layout.value = (size_t)((char *)memmem(packet + used, payload.len, name, sizeof name - 1) - packet) +
                   sizeof name - 1;
    layout.len = used + payload.len;
    return layout;
}

static void make_packets(struct load *load)
{
    char packet[PACKET_MAX];
    load->layout = make_packet(packet, 0, load->bytes);
    load->packets = malloc(load->devices * load->layout.len);
    if (!load->packets) {
        die("memory");
    }
    for (unsigned i = 0; i < load->devices; i++) {
        (void)make_packet(packet, i, load->bytes);
        memcpy(load->packets + i * load->layout.len, packet, load->layout.len);
    }
}

static void put_digits(char *at, size_t count, uint64_t number)
{
    while (count-- > 0) {
        at[count] = (char)('0' + number % 10);
        number /= 10;
    }
}

static void put_message(struct load *load, struct connection *connection, int64_t now_ms)
{
    const struct layout *layout = &load->layout;
    char *packet = connection->out + connection->out_to;
    memcpy(packet, load->packets + load->published % load->devices * layout->len, layout->len);
    packet[layout->id] = (char)(connection->next_id >> 8);
    packet[layout->id + 1] = (char)connection->next_id;
    put_digits(packet + layout->time, TIME_DIGITS, (uint64_t)now_ms);
    put_digits(packet + layout->value, 2, load->published * 7 % 90 + 10);
    connection->out_to += layout->len;
    connection->next_id = connection->next_id == UINT16_MAX ? 1 : (uint16_t)(connection->next_id + 1);
    connection->in_flight++;
    load->published++;
}

/* ---- sockets */

static void connect_one(const struct load *load, struct connection *connection, unsigned number)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(load->port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 || connect(connection->fd, (struct sockaddr *)&address, sizeof address) != 0) {
        die("could not connect");
    }
    int on = 1;
    (void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    char id[32];
    int id_len = snprintf(id, sizeof id, "load-%u", number);
    char packet[64] = {0x10, (char)(12 + id_len), 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0, 0, (char)id_len};
    memcpy(packet + 14, id, (size_t)id_len);
    size_t length = 14 + (size_t)id_len;
    char answer[4];
    if (write(connection->fd, packet, length) != (ssize_t)length ||
        recv(connection->fd, answer, sizeof answer, MSG_WAITALL) != sizeof answer || answer[3] != 0) {
        die("the broker refused the connection");
    }
    if (fcntl(connection->fd, F_SETFL, O_NONBLOCK) != 0) {
        die("could not set up the connection");
    }
    connection->next_id = 1;
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

/* ---- the loop */

/* Hands out what is due, evenly, as far as windows and buffers allow. */
static void fill(struct load *load, uint64_t due)
{
    int64_t now_ms = bf_time_wall_us() / BF_US_PER_MS;
    uint64_t rest = due > load->published ? due - load->published : 0;
    uint64_t share = rest / load->connections + 1;
    share = share < AT_ONCE ? share : AT_ONCE;
    static unsigned first; /* who begins changes, so that a small share goes round */
    for (unsigned i = 0; i < load->connections && load->published < due; i++) {
        struct connection *connection = &load->all[(first + i) % load->connections];
        for (uint64_t n = 0; n < share && load->published < due && connection->in_flight < load->window &&
                             connection->out_to + load->layout.len <= OUT_SIZE;
             n++) {
            put_message(load, connection, now_ms);
        }
        send_out(connection);
    }
    first++;
}

static void wait_turn(struct load *load, bool paced)
{
    if (paced) {
        (void)poll(NULL, 0, TURN_MS);
        return;
    }
    for (unsigned i = 0; i < load->connections; i++) {
        const struct connection *connection = &load->all[i];
        bool waits = connection->out_to > connection->out_from;
        load->polls[i] = (struct pollfd){.fd = connection->fd, .events = waits ? POLLIN | POLLOUT : POLLIN};
    }
    (void)poll(load->polls, load->connections, 1);
}

static uint64_t due_at(const struct load *load, int64_t passed_us)
{
    double passed = (double)passed_us / 1e6;
    uint64_t due = load->rate > 0 ? (uint64_t)(passed * load->rate) : UINT64_MAX;
    if (load->count > 0) {
        return due < load->count ? due : load->count;
    }
    return passed >= load->seconds ? load->published : due;
}

static void run(struct load *load)
{
    int64_t start = bf_time_monotonic_us(), moved = start, now = start;
    uint64_t last = 0;
    bool open = true;
    while (open || (load->acknowledged < load->published && now - moved < 60 * BF_US_PER_S)) {
        now = bf_time_monotonic_us();
        uint64_t due = due_at(load, now - start);
        open = load->count > 0 ? load->published < load->count : (double)(now - start) < load->seconds * 1e6;
        fill(load, due);
        wait_turn(load, load->rate > 0);
        for (unsigned i = 0; i < load->connections; i++) {
            if (load->all[i].in_flight > 0) {
                take_in(load, &load->all[i]);
            }
        }
        moved = load->acknowledged > last ? now : moved;
        last = load->acknowledged;
    }
    double wall = (double)(bf_time_monotonic_us() - start) / 1e6;
    (void)printf(
        "{\"published\":%llu,\"acknowledged\":%llu,\"seconds\":%.3f,\"rate\":%.0f,\"cpu_us\":%.2f}\n",
        (unsigned long long)load->published, (unsigned long long)load->acknowledged, wall,
        (double)load->acknowledged / wall,
        (double)bench_cpu_us() / (double)(load->published ? load->published : 1));
}

static bool understand(struct load *load, int argc, char **argv)
{
    static const struct option options[] = {{"port", required_argument, NULL, 'p'},
                                            {"connections", required_argument, NULL, 'c'},
                                            {"devices", required_argument, NULL, 'd'},
                                            {"rate", required_argument, NULL, 'r'},
                                            {"seconds", required_argument, NULL, 's'},
                                            {"bytes", required_argument, NULL, 'b'},
                                            {"window", required_argument, NULL, 'w'},
                                            {"count", required_argument, NULL, 'n'},
                                            {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        double value = strtod(optarg ? optarg : "", NULL);
        switch (option) {
        case 'p':
            load->port = (uint16_t)value;
            break;
        case 'c':
            load->connections = (unsigned)value;
            break;
        case 'd':
            load->devices = (unsigned)value;
            break;
        case 'r':
            load->rate = value;
            break;
        case 's':
            load->seconds = value;
            break;
        case 'b':
            load->bytes = (unsigned)value;
            break;
        case 'w':
            load->window = (unsigned)value;
            break;
        case 'n':
            load->count = (uint64_t)value;
            break;
        default:
            return false;
        }
    }
    return load->port && load->devices && load->devices <= MAX_DEVICES && load->connections &&
           load->connections <= MAX_CONNECTIONS && load->bytes <= MAX_BYTES;
}

int main(int argc, char **argv)
{
    struct load load = {
        .connections = 64, .devices = BENCH_DEVICES, .window = 256, .bytes = 200, .seconds = 10};
    if (!understand(&load, argc, argv)) {
        bench_fail(
            "load needs --port; 1 to 256 --connections, at most 100,000 --devices, at most 1,024 --bytes");
    }
    load.all = calloc(load.connections, sizeof *load.all);
    load.polls = calloc(load.connections, sizeof *load.polls);
    if (!load.all || !load.polls) {
        die("memory");
    }
    make_packets(&load);
    for (unsigned i = 0; i < load.connections; i++) {
        connect_one(&load, &load.all[i], i);
    }
    run(&load);
    return load.published == load.acknowledged ? EXIT_SUCCESS : EXIT_FAILURE;
}
