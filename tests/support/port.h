/* port.h: a free TCP port of the loopback interface. A port that is bound, closed and handed on may be
 * taken by anybody in between; so ports come from below the kernel's ephemeral range, and each is held by an
 * abstract Unix socket of its number until this process ends: no two tests are ever handed the same one,
 * and nothing is left behind.
 * Thread: main.   Limits: BF_PORTS_MAX ports per process. */
#ifndef BF_TESTS_PORT_H
#define BF_TESTS_PORT_H

#include <stdint.h>

#define BF_PORTS_MAX 256

/* 0 where none is to be had. */
uint16_t bf_port_take(void);

#endif
