/* manifest.c: manifests and chunk keys as text. */
#include "processors/run/manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool bf_manifest_format(const struct bf_manifest *manifest, char text[BF_MANIFEST_TEXT + 1])
{
    int len = snprintf(text, BF_MANIFEST_TEXT + 1,
                       "belfry1 engine=%d clean=%d owner=%016" PRIx64 " number=%" PRIu64 " bytes=%" PRIu64
                       " digest=%s from=%" PRId64 " chunks=",
                       manifest->engine, manifest->clean ? 1 : 0, manifest->owner, manifest->number,
                       manifest->bytes, manifest->digest, manifest->from);
    for (uint32_t i = 0; i < manifest->chunks && len >= 0 && len <= BF_MANIFEST_TEXT; i++) {
        int more = snprintf(text + len, (size_t)(BF_MANIFEST_TEXT + 1 - len), "%s%" PRId64, i == 0 ? "" : ",",
                            manifest->offsets[i]);
        len = more < 0 ? more : len + more;
    }
    return len >= 0 && len <= BF_MANIFEST_TEXT;
}

static bool parse_offsets(const char *text, struct bf_manifest *manifest)
{
    manifest->chunks = 0;
    while (*text != '\0') {
        char *end;
        if (manifest->chunks == BF_MANIFEST_CHUNKS) {
            return false;
        }
        manifest->offsets[manifest->chunks++] = strtoll(text, &end, 10);
        if (end == text || (*end != ',' && *end != '\0')) {
            return false;
        }
        text = *end == ',' ? end + 1 : end;
    }
    return manifest->chunks > 0 || manifest->bytes == 0;
}

enum bf_status bf_manifest_parse(const char *text, struct bf_manifest *manifest, struct bf_err *err)
{
    int clean = 0, chunks_at = 0;
    int found = sscanf(text,
                       "belfry1 engine=%d clean=%d owner=%16" SCNx64 " number=%" SCNu64 " bytes=%" SCNu64
                       " digest=%64s from=%" SCNd64 " chunks=%n",
                       &manifest->engine, &clean, &manifest->owner, &manifest->number, &manifest->bytes,
                       manifest->digest, &manifest->from, &chunks_at);
    manifest->clean = clean == 1;
    if (found != 7 || chunks_at == 0 || !parse_offsets(text + chunks_at, manifest) ||
        strlen(manifest->digest) != 64 || manifest->bytes > (uint64_t)manifest->chunks * BF_CHUNK_BYTES) {
        bf_err_set(err, BF_FATAL, "the committed metadata names no checkpoint: \"%.80s\"", text);
        bf_err_hint(err, "nothing else may commit to belfry's consumer group");
        return BF_FATAL;
    }
    return BF_OK;
}

size_t bf_chunk_key(const char *task, uint64_t owner, uint64_t number, uint32_t chunk, char key[160])
{
    int len = snprintf(key, 160, "%s|%016" PRIx64 "|%" PRIu64 "|%" PRIu32, task, owner, number, chunk);
    return len < 0 || len >= 160 ? 0 : (size_t)len;
}

bool bf_chunk_parse_key(struct bf_slice key, const char *task, uint64_t *owner, uint64_t *number,
                        uint32_t *chunk)
{
    char text[160];
    size_t len = strlen(task);
    int end = 0;
    if (key.len >= sizeof(text) || key.len <= len || memcmp(key.data, task, len) != 0 ||
        key.data[len] != '|') {
        return false;
    }
    memcpy(text, key.data + len, key.len - len);
    text[key.len - len] = '\0';
    return sscanf(text, "|%16" SCNx64 "|%" SCNu64 "|%" SCNu32 "%n", owner, number, chunk, &end) == 3 &&
           (size_t)end == key.len - len;
}
