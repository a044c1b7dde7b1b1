/* replay.c: a fuzz target without libFuzzer: runs it over the files and folders named on the command line,
 * each as it is, then cut, spliced and with bytes changed, from a seed that never changes. A file *.hex is
 * its bytes in hexadecimal (the golden records are kept so). */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/target.h"

#define INPUT_MAX (1u << 20)
#define MUTATIONS 300

static uint64_t random_state = 0x9e3779b97f4a7c15u;
static size_t inputs;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* A block of exactly that size, so that the sanitizers see a read behind the end. */
static void run(const uint8_t *bytes, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);
    if (exact == NULL) {
        abort();
    }
    if (size > 0) {
        memcpy(exact, bytes, size);
    }
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static void mutate(const uint8_t *bytes, size_t size, uint8_t *scratch)
{
    memcpy(scratch, bytes, size);
    size_t len = size;
    for (uint64_t changes = next_random() % 4 + 1; changes > 0 && len > 0; changes--) {
        size_t at = next_random() % len;
        uint64_t kind = next_random() % 5;
        if (kind == 0) {
            scratch[at] = (uint8_t)next_random();
        } else if (kind == 1) {
            scratch[at] ^= (uint8_t)(1u << next_random() % 8);
        } else if (kind == 2) {
            len = at; /* cut */
        } else if (kind == 3) {
            memmove(scratch + at, scratch + at + 1, len - at - 1); /* drop */
            len--;
        } else {
            size_t from = next_random() % len; /* splice */
            size_t most = len - (from > at ? from : at);
            memmove(scratch + at, scratch + from, next_random() % (most + 1));
        }
    }
    run(scratch, len);
}

static size_t unhex(uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    size_t used = 0;
    int high = -1;
    for (size_t i = 0; i < size; i++) {
        const char *digit = bytes[i] ? strchr(digits, bytes[i] | 0x20) : NULL;
        if (bytes[i] == '#') {
            while (i < size && bytes[i] != '\n') {
                i++;
            }
        } else if (digit != NULL && high < 0) {
            high = (int)(digit - digits);
        } else if (digit != NULL) {
            bytes[used++] = (uint8_t)(high * 16 + (int)(digit - digits));
            high = -1;
        }
    }
    return used;
}

static void replay_file(const char *path)
{
    static uint8_t bytes[INPUT_MAX];
    static uint8_t scratch[INPUT_MAX];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(1);
    }
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    size_t name_len = strlen(path);
    if (name_len > 4 && strcmp(path + name_len - 4, ".hex") == 0) {
        size = unhex(bytes, size);
    }
    run(bytes, size);
    for (int i = 0; i < MUTATIONS; i++) {
        mutate(bytes, size, scratch);
    }
    inputs++;
}

static void replay(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        replay_file(path);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char inner[4096];
        if (entry->d_name[0] != '.') {
            snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
            replay(inner);
        }
    }
    closedir(folder);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        replay(argv[i]);
    }
    printf("%zu inputs, %d mutations of each\n", inputs, MUTATIONS);
    return inputs > 0 ? 0 : 1;
}
