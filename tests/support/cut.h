/* cut.h: a TCP relay between two programs on the loopback interface that can be cut: the network between them
 * without root and without namespaces. Whoever is to be cut off connects to `port` instead of the server's.
 *
 *     struct bf_cut cut = {.target = broker.port};
 *     bf_cut_open(&cut, &err);  ...  bf_cut_set(&cut, BF_CUT_SILENT);  ...  bf_cut_set(&cut, BF_CUT_NOTHING);
 *
 * A cable that was pulled delivers, once plugged in again, what was under way, if TCP's patience lasted:
 * SILENT, ASK and ANSWER do the same, and keep what waits. REFUSED ends every connection with a reset.
 * The server may come and go: each connection dials it anew.
 * Owner: the caller's struct.   Thread: any; the relay has one of its own.
 * Limits: BF_CUT_CONNECTIONS at a time; further ones are refused.   Errors: PEER. */
#ifndef BF_TESTS_CUT_H
#define BF_TESTS_CUT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

#define BF_CUT_CONNECTIONS 64

enum bf_cut_mode {
    BF_CUT_NOTHING, /* the network works */
    BF_CUT_SILENT,  /* nothing passes, and nobody is told; new connections find nobody who speaks */
    BF_CUT_ASK,     /* what the client says does not arrive */
    BF_CUT_ANSWER,  /* what the server says does not arrive */
    BF_CUT_REFUSED, /* every connection is reset, and so is each new one */
    BF_CUT_MODES
};

struct bf_cut__connection;

struct bf_cut {
    uint16_t target; /* the server's port; before open */
    uint16_t port;   /* given by open, unless it is set before; stays the same */
    /* Inside. */
    int listener, wake[2];
    pthread_t thread;
    bool open;
    _Atomic int mode;
    struct bf_cut__connection *connections;
};

enum bf_status bf_cut_open(struct bf_cut *cut, struct bf_err *err) BF_MUST_CHECK;
void bf_cut_set(struct bf_cut *cut, enum bf_cut_mode mode);
void bf_cut_close(struct bf_cut *cut);

#endif
