/* sample.c: see sample.h. */
#include "cli/sample.h"

#include <stdlib.h>

#include "cli/capture.h"

void bf_sample_clear(struct bf_sample *sample)
{
    for (size_t i = 0; i < sample->count; i++) {
        union {
            const char *read;
            void *any;
        } block = {.read = sample->messages[i].topic.data};
        free(block.any);
    }
    free(sample->messages);
    *sample = (struct bf_sample){.count = 0};
}

static bool grow(struct bf_sample *sample)
{
    if (sample->count < sample->room) {
        return true;
    }
    size_t room = sample->room > 0 ? sample->room * 2 : 1024;
    struct bf_sample_message *grown = realloc(sample->messages, room * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    sample->messages = grown;
    sample->room = room;
    return true;
}

enum bf_status bf_sample_add(struct bf_sample *sample, struct bf_slice topic, struct bf_slice payload,
                             int64_t at_us, struct bf_err *err)
{
    size_t len = topic.len + payload.len;
    if (sample->count == BF_SAMPLE_MESSAGES || sample->bytes + len > BF_SAMPLE_BYTES) {
        sample->beyond++;
        return BF_OK;
    }
    char *block = malloc(len + 1); /* both, in one */
    if (block == NULL || !grow(sample)) {
        free(block);
        return bf_err_set(err, BF_LIMIT, "no memory");
    }
    memcpy(block, topic.data, topic.len);
    if (payload.len > 0) {
        memcpy(block + topic.len, payload.data, payload.len);
    }
    sample->bytes += len;
    sample->messages[sample->count++] = (struct bf_sample_message){
        .topic = {block, topic.len}, .payload = {block + topic.len, payload.len}, .at_us = at_us};
    return BF_OK;
}

enum bf_status bf_sample_read(struct bf_sample *sample, const char *path, const char *topic,
                              struct bf_err *err)
{
    struct bf_capture *capture = NULL;
    struct bf_capture_line line;
    enum bf_status status = bf_capture_open(path, topic, &capture, err);
    while (status == BF_OK) {
        status = bf_capture_next(capture, &line, err);
        if (status == BF_OK) {
            status = bf_sample_add(sample, line.topic, line.payload, line.time_us, err);
        } else if (status == BF_MALFORMED) {
            /* A file of which nothing can be read is no capture; the first line says why. */
            status = sample->count == 0 ? BF_CONFIG : BF_OK;
            sample->unreadable++;
        }
    }
    bf_capture_close(capture);
    if (err != NULL && status == BF_CONFIG) {
        err->status = BF_CONFIG;
    }
    return status == BF_AGAIN ? BF_OK : status;
}
