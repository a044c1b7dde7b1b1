/* town_inside.h: what the files of the town share (town.c: peers and daemons, town_files.c: their files,
 * town_devices.c: devices, commands and the account).   Owner: town.h's.   Thread: main. */
#ifndef BF_TESTS_E2E_TOWN_INSIDE_H
#define BF_TESTS_E2E_TOWN_INSIDE_H

#include "tests/e2e/town.h"

#define TOWN_BIN TEST_BINARY_DIR "/bin/"

char *town_log_of(const struct town *town, const char *name, char path[400]);
/* town_files.c */
bool town_make_city(const struct town *town, const struct town_options *options);
bool town_write_clock(const struct town *town); /* town_clock.c */
bool town_write_configs(struct town *town);
char *town_config_of(const struct town *town, enum town_daemon which, char path[400]);

#endif
