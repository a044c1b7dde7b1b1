/* target.h: what libFuzzer and replay.c call: one input. Anything but a crash, a hang or a failed assertion
 * is fine. Owner: the caller's bytes.   Thread: one. */
#ifndef BF_TESTS_TARGET_H
#define BF_TESTS_TARGET_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
