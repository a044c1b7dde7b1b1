/* sample.h: the message that all benchmarks use (200 bytes of JSON, as bench/load sends it) and the reading
 * that belfry-ingest makes of it.   Thread: one (texts stand in static memory until the next call). */
#ifndef BENCH_SAMPLE_H
#define BENCH_SAMPLE_H

#include "core/reading.h"

#define BENCH_DEVICES 10000
#define BENCH_DISTRICTS 12
#define BENCH_START_US INT64_C(1700000000000000)

/* Reading number `serial` of device `device`; at 30,000 readings a second. */
void bench_sample_reading(unsigned device, int64_t serial, struct bf_reading *reading);
struct bf_slice bench_sample_topic(unsigned device);
struct bf_slice bench_sample_payload(unsigned device, int64_t time_us, size_t bytes);

#endif
