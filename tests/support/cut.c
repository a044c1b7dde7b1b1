/* cut.c: see cut.h. One thread and poll: two sockets and two small buffers a connection. Declined: splice (a
 * buffer that waits in a pipe cannot be thrown away), iptables (root). */
#include "tests/support/cut.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/port.h"

#define BUFFER 65536

/* One direction: from a socket, through a buffer, to the other socket. */
struct flow {
    char bytes[BUFFER];
    size_t at, end;
    bool ended; /* the sender has said all */
};

struct bf_cut__connection {
    int client, server; /* -1: none */
    struct flow ask, answer;
};

static int make_socket(void)
{
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    }
    return fd;
}

static void hurry(int fd)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* reset: the other side sees an error, not an orderly end. */
static void drop(struct bf_cut__connection *connection, bool reset)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    int *const fds[] = {&connection->client, &connection->server};
    for (size_t i = 0; i < 2; i++) {
        if (*fds[i] >= 0) {
            if (reset) {
                setsockopt(*fds[i], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
            }
            close(*fds[i]);
            *fds[i] = -1;
        }
    }
}

static void take_connection(struct bf_cut *cut)
{
    int client = accept4(cut->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) {
        return;
    }
    for (size_t i = 0; i < BF_CUT_CONNECTIONS; i++) {
        struct bf_cut__connection *connection = &cut->connections[i];
        if (connection->client >= 0) {
            continue;
        }
        struct sockaddr_in address = loopback(cut->target);
        connection->client = client;
        connection->server = make_socket();
        connection->ask.at = connection->ask.end = connection->answer.at = connection->answer.end = 0;
        connection->ask.ended = connection->answer.ended = false;
        hurry(client);
        bool dialled = connection->server >= 0 &&
                       (connect(connection->server, (const struct sockaddr *)&address, sizeof address) == 0 ||
                        errno == EINPROGRESS);
        if (!dialled || atomic_load(&cut->mode) == BF_CUT_REFUSED) {
            drop(connection, true);
        } else {
            hurry(connection->server);
        }
        return;
    }
    close(client);
}

/* False where the connection is over. */
static bool move(struct flow *flow, int from, int to, short readable, short writable)
{
    if (readable && flow->end < BUFFER && !flow->ended) {
        ssize_t got = recv(from, flow->bytes + flow->end, BUFFER - flow->end, 0);
        if (got < 0 && errno != EAGAIN) {
            return false;
        }
        flow->ended = got == 0;
        flow->end += got > 0 ? (size_t)got : 0;
    }
    if (flow->end > flow->at && writable) {
        ssize_t put = send(to, flow->bytes + flow->at, flow->end - flow->at, MSG_NOSIGNAL);
        if (put < 0 && errno != EAGAIN) {
            return false;
        }
        flow->at += put > 0 ? (size_t)put : 0;
    }
    if (flow->at == flow->end) {
        flow->at = flow->end = 0;
        if (flow->ended) {
            return false; /* half-closed connections: none of our peers uses them */
        }
    }
    return true;
}

/* What a socket is watched for: reading for the flow that it feeds, writing for the one that it ends. */
static short wants(const struct flow *feeds, bool feeds_passes, const struct flow *ends, bool ends_passes)
{
    bool reads = feeds_passes && feeds->end < BUFFER && !feeds->ended;
    bool writes = ends_passes && ends->end > ends->at;
    return (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
}

static bool passes(int mode, bool ask)
{
    return mode == BF_CUT_NOTHING || mode == (ask ? BF_CUT_ANSWER : BF_CUT_ASK);
}

static void serve(struct bf_cut__connection *connection, const struct pollfd *client,
                  const struct pollfd *server, int mode)
{
    const short broken = POLLERR | POLLHUP;
    bool good = mode != BF_CUT_REFUSED;
    if (good && passes(mode, true)) {
        good = move(&connection->ask, connection->client, connection->server,
                    client->revents & (POLLIN | broken), server->revents & (POLLOUT | broken));
    }
    if (good && passes(mode, false)) {
        good = move(&connection->answer, connection->server, connection->client,
                    server->revents & (POLLIN | broken), client->revents & (POLLOUT | broken));
    }
    if (!good) {
        drop(connection, true);
    }
}

static void turn(struct bf_cut *cut, struct pollfd *polled)
{
    int mode = atomic_load(&cut->mode);
    char waste[64];
    polled[0] = (struct pollfd){.fd = cut->wake[0], .events = POLLIN};
    polled[1] = (struct pollfd){.fd = mode == BF_CUT_SILENT ? -1 : cut->listener, .events = POLLIN};
    for (size_t i = 0; i < BF_CUT_CONNECTIONS; i++) {
        const struct bf_cut__connection *its = &cut->connections[i];
        bool ask = passes(mode, true), answer = passes(mode, false);
        struct pollfd *pair = &polled[2 + 2 * i];
        pair[0] = (struct pollfd){.fd = its->client, .events = wants(&its->ask, ask, &its->answer, answer)};
        pair[1] = (struct pollfd){.fd = its->server, .events = wants(&its->answer, answer, &its->ask, ask)};
        for (size_t side = 0; side < 2; side++) {
            if (pair[side].events == 0) {
                pair[side].fd = -1; /* a hang-up would wake us again and again */
            }
        }
    }
    if (poll(polled, 2 + 2 * BF_CUT_CONNECTIONS, -1) < 0) {
        return;
    }
    if (polled[0].revents) {
        (void)!read(cut->wake[0], waste, sizeof waste);
    }
    for (size_t i = 0; i < BF_CUT_CONNECTIONS; i++) {
        if (cut->connections[i].client >= 0) {
            serve(&cut->connections[i], &polled[2 + 2 * i], &polled[3 + 2 * i], atomic_load(&cut->mode));
        }
    }
    if (polled[1].revents) {
        take_connection(cut);
    }
}

static void *relay(void *context)
{
    struct bf_cut *cut = context;
    struct pollfd polled[2 + 2 * BF_CUT_CONNECTIONS];
    while (atomic_load(&cut->mode) != BF_CUT_MODES) {
        turn(cut, polled);
    }
    return NULL;
}

enum bf_status bf_cut_open(struct bf_cut *cut, struct bf_err *err)
{
    cut->port = cut->port ? cut->port : bf_port_take();
    struct sockaddr_in address = loopback(cut->port);
    cut->connections = calloc(BF_CUT_CONNECTIONS, sizeof *cut->connections);
    cut->listener = make_socket();
    if (!cut->connections || cut->listener < 0 || pipe2(cut->wake, O_CLOEXEC | O_NONBLOCK) != 0 ||
        bind(cut->listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(cut->listener, BF_CUT_CONNECTIONS) != 0) {
        return bf_err_set(err, BF_PEER, "no relay on port %u: %s", cut->port, strerror(errno));
    }
    for (size_t i = 0; i < BF_CUT_CONNECTIONS; i++) {
        cut->connections[i].client = cut->connections[i].server = -1;
    }
    atomic_store(&cut->mode, BF_CUT_NOTHING);
    if (pthread_create(&cut->thread, NULL, relay, cut) != 0) {
        return bf_err_set(err, BF_PEER, "no thread for a relay");
    }
    cut->open = true;
    return BF_OK;
}

void bf_cut_set(struct bf_cut *cut, enum bf_cut_mode mode)
{
    atomic_store(&cut->mode, (int)mode);
    (void)!write(cut->wake[1], "", 1);
}

void bf_cut_close(struct bf_cut *cut)
{
    if (!cut->open) {
        return;
    }
    bf_cut_set(cut, BF_CUT_MODES);
    pthread_join(cut->thread, NULL);
    for (size_t i = 0; i < BF_CUT_CONNECTIONS; i++) {
        drop(&cut->connections[i], false);
    }
    close(cut->listener);
    close(cut->wake[0]);
    close(cut->wake[1]);
    free(cut->connections);
    cut->open = false;
}
