/* bundle.c: a city folder as bytes, and back. See bundle.h.
 * Variables are replaced in the text itself, so what travels through the log is what was meant on the
 * machine that checked it, whatever the environment of the reader. A value is put back as a quoted scalar
 * of as many lines, so it cannot change a structure and later messages name the right line.
 * Declined: sending parsed structs, which would tie every reader to the writer's version. */
#include "config/bundle.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/document.h"
#include "config/zone_file.h"
#include "core/hash.h"
#include "core/mp.h"

#define FILES_MAX 4096u
#define BYTES_MAX (64u << 20)

struct whole_bundle {
    struct bf_bundle bundle; /* stands first: what callers hold */
    struct bf__pool *pool;
    size_t bytes;
};

struct part {
    const char *folder, *suffix;
};

static const struct part parts[] = {
    {.folder = "profiles", .suffix = ".yaml"},
    {.folder = "kpis", .suffix = ".yaml"},
    {.folder = "boards", .suffix = ".yaml"},
    {.folder = "zones", .suffix = ".geojson"},
};

static struct whole_bundle *make_bundle(void)
{
    struct bf__pool *pool = bf__pool_create();
    struct whole_bundle *whole = bf__pool_alloc(pool, sizeof *whole);
    whole->pool = pool;
    whole->bundle.files = bf__pool_array(pool, FILES_MAX, sizeof *whole->bundle.files);
    return whole;
}

/* ---- variables */

struct text {
    char *data;
    size_t len;
};

static void put(struct text *text, const char *data, size_t len)
{
    if (len > 0) {
        memcpy(text->data + text->len, data, len);
        text->len += len;
    }
}

static void put_quoted(struct text *text, struct bf_slice value)
{
    put(text, "\"", 1);
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.data[i];
        char escape[8];
        if (c == '"' || c == '\\') {
            escape[0] = '\\';
            escape[1] = (char)c;
            put(text, escape, 2);
        } else if (c < 0x20 || c == 0x7F) {
            put(text, escape, (size_t)snprintf(escape, sizeof escape, "\\x%02X", c));
        } else {
            put(text, value.data + i, 1);
        }
    }
    put(text, "\"", 1);
}

static size_t expanded_size(const struct bf__node *node)
{
    size_t size = node->expanded ? node->text.len * 4 + 2 : 0;
    for (const struct bf__node *child = node->first; child != NULL; child = child->next) {
        size += expanded_size(child);
    }
    return size;
}

/* Copies what stands before the node, then its value; *at is how far the original is copied. */
static void put_expanded(struct text *out, struct bf_slice original, const struct bf__node *node, size_t *at)
{
    if (node->expanded) {
        put(out, original.data + *at, node->begin - *at);
        put_quoted(out, node->text);
        for (size_t i = node->begin; i < node->end; i++) {
            put(out, "\n", original.data[i] == '\n' ? 1 : 0);
        }
        *at = node->end;
    }
    for (const struct bf__node *child = node->first; child != NULL; child = child->next) {
        put_expanded(out, original, child, at);
    }
}

/* A text that is not YAML stays as it is: bf_city_load says what is wrong with it. */
static enum bf_status expand_file(struct whole_bundle *whole, struct bf_bundle_file *file, struct bf_err *err)
{
    struct bf__problems problems = {0};
    struct bf__document document;
    enum bf_status status = BF_OK;
    if (memmem(file->bytes.data, file->bytes.len, "${", 2) == NULL) {
        return BF_OK;
    }
    struct bf__pool *pool = bf__pool_create();
    struct bf__yaml_source source = {.name = file->name.data, .bytes = file->bytes,
                                     .variables = BF__YAML_KEEP, .severity = BF__FATAL};
    if (bf__yaml_parse(pool, &source, &document, &problems)) {
        source.variables = BF__YAML_EXPAND;
        if (bf__yaml_parse(pool, &source, &document, &problems)) {
            struct text out = {0};
            size_t at = 0;
            out.data = bf__pool_alloc(whole->pool, file->bytes.len + expanded_size(document.root) + 1);
            put_expanded(&out, file->bytes, document.root, &at);
            put(&out, file->bytes.data + at, file->bytes.len - at);
            file->bytes = (struct bf_slice){out.data, out.len};
        } else {
            status = bf__problems_err(&problems, BF__FATAL, err);
        }
    }
    bf__problems_deinit(&problems);
    bf__pool_destroy(pool);
    return status;
}

/* ---- reading a folder */

static enum bf_status add_file(struct whole_bundle *whole, const char *folder, const char *name,
                               struct bf_err *err)
{
    char path[4096];
    const char *why = NULL;
    struct bf_bundle *bundle = &whole->bundle;
    if (bundle->count == FILES_MAX) {
        return bf_err_set(err, BF_CONFIG, "%s: a city may have at most %u files", folder, FILES_MAX);
    }
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path) {
        return bf_err_set(err, BF_CONFIG, "the path of %.100s is too long", name);
    }
    struct bf_bundle_file *file = &bundle->files[bundle->count];
    if (!bf__file_read(whole->pool, path, BF__YAML_BYTES, &file->bytes, &why)) {
        return bf_err_set(err, BF_CONFIG, "could not read %s: %s", path, why);
    }
    whole->bytes += file->bytes.len;
    if (whole->bytes > BYTES_MAX) {
        return bf_err_set(err, BF_CONFIG, "%s: the files of a city may have at most 64 MiB", folder);
    }
    file->name = bf__pool_copy(whole->pool, bf_slice_of(name));
    bundle->count++;
    return expand_file(whole, file, err);
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t len = strlen(name), end = strlen(suffix);
    return name[0] != '.' && len > end && strcmp(name + len - end, suffix) == 0;
}

static enum bf_status add_folder(struct whole_bundle *whole, const char *folder, const struct part *part,
                                 struct bf_err *err)
{
    char path[4096], name[512];
    snprintf(path, sizeof path, "%s/%s", folder, part->folder);
    DIR *directory = opendir(path);
    if (directory == NULL) {
        return errno == ENOENT ? BF_OK
                               : bf_err_set(err, BF_CONFIG, "could not read %s: %s", path, strerror(errno));
    }
    enum bf_status status = BF_OK;
    for (const struct dirent *entry; status == BF_OK && (entry = readdir(directory)) != NULL;) {
        if (has_suffix(entry->d_name, part->suffix)) {
            snprintf(name, sizeof name, "%s/%s", part->folder, entry->d_name);
            status = add_file(whole, folder, name, err);
        }
    }
    closedir(directory);
    return status;
}

/* ---- the time zone */

/* The folder's own file, or the host's for the zone that city.yaml names. A city.yaml that cannot be read is
 * bf_city_load's to complain about. */
static enum bf_status add_timezone(struct whole_bundle *whole, const char *folder, struct bf_err *err)
{
    char path[4096];
    struct bf_bundle *bundle = &whole->bundle;
    struct bf__problems problems = {0};
    struct bf__document document;
    const struct bf__yaml_source source = {.name = "city.yaml", .bytes = bundle->files[0].bytes,
                                           .variables = BF__YAML_KEEP, .severity = BF__FATAL};
    enum bf_status status = BF_OK;
    snprintf(path, sizeof path, "%s/" BF__ZONE_FILE, folder);
    if (access(path, F_OK) == 0) {
        return add_file(whole, folder, BF__ZONE_FILE, err);
    }
    struct bf__pool *pool = bf__pool_create();
    const struct bf__node *node = NULL;
    if (bf__yaml_parse(pool, &source, &document, &problems)) {
        node = bf__node_get(document.root, "timezone");
    }
    if (node != NULL && node->kind == BF__NODE_SCALAR && !bf__zone_is_utc(node->text)) {
        struct bf__loader loader = {.pool = whole->pool, .problems = &problems, .severity = BF__FATAL,
                                    .file = "city.yaml"};
        struct bf_bundle_file *file = &bundle->files[bundle->count];
        if (bf__zone_read(&loader, node, &file->bytes)) {
            file->name = BF_SLICE(BF__ZONE_FILE);
            bundle->count++;
        } else {
            status = bf__problems_err(&problems, BF__FATAL, err);
        }
    }
    bf__problems_deinit(&problems);
    bf__pool_destroy(pool);
    return status;
}

static int by_name(const void *a, const void *b)
{
    const struct bf_bundle_file *left = a, *right = b;
    return bf_slice_compare(left->name, right->name);
}

static enum bf_status finish(struct whole_bundle *whole, struct bf_err *err)
{
    struct bf_slice packed = {0};
    qsort(whole->bundle.files, whole->bundle.count, sizeof *whole->bundle.files, by_name);
    enum bf_status status = bf_bundle_pack(&whole->bundle, &packed, err);
    if (status == BF_OK) {
        bf_hash_sha256_hex(packed, whole->bundle.hash);
        free((void *)(uintptr_t)packed.data);
    }
    return status;
}

static enum bf_status hand_over(struct whole_bundle *whole, enum bf_status status, struct bf_bundle **bundle)
{
    *bundle = status == BF_OK ? &whole->bundle : NULL;
    if (status != BF_OK) {
        bf__pool_destroy(whole->pool);
    }
    return status;
}

enum bf_status bf_bundle_read(const char *folder, struct bf_bundle **bundle, struct bf_err *err)
{
    struct whole_bundle *whole = make_bundle();
    enum bf_status status = add_file(whole, folder, "city.yaml", err);
    status = status == BF_OK ? add_timezone(whole, folder, err) : status;
    for (size_t i = 0; status == BF_OK && i < sizeof parts / sizeof parts[0]; i++) {
        status = add_folder(whole, folder, &parts[i], err);
    }
    status = status == BF_OK ? finish(whole, err) : status;
    return hand_over(whole, status, bundle);
}

/* ---- the packed form */

enum bf_status bf_bundle_pack(const struct bf_bundle *bundle, struct bf_slice *bytes, struct bf_err *err)
{
    size_t size = 16;
    for (size_t i = 0; i < bundle->count; i++) {
        size += bundle->files[i].name.len + bundle->files[i].bytes.len + 16;
    }
    char *data = malloc(size);
    if (data == NULL) {
        return bf_err_set(err, BF_FATAL, "out of memory: %zu bytes for the configuration", size);
    }
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, data, size);
    bf_mp_put_map(&writer, (uint32_t)bundle->count);
    for (size_t i = 0; i < bundle->count; i++) {
        bf_mp_put_str(&writer, bundle->files[i].name);
        bf_mp_put_bin(&writer, bundle->files[i].bytes);
    }
    *bytes = (struct bf_slice){data, writer.len};
    return BF_OK;
}

static enum bf_status unpack(struct whole_bundle *whole, struct bf_slice bytes, struct bf_err *err)
{
    struct bf_mp_reader reader;
    struct bf_bundle *bundle = &whole->bundle;
    bf_mp_reader_init(&reader, bytes);
    uint32_t count = bf_mp_get_map(&reader);
    if (bf_mp_ok(&reader) && count > FILES_MAX) {
        return bf_err_set(err, BF_MALFORMED, "a configuration in the log has %u files, more than %u", count,
                          FILES_MAX);
    }
    for (uint32_t i = 0; i < count && bf_mp_ok(&reader); i++) {
        struct bf_bundle_file *file = &bundle->files[i];
        struct bf_slice name = bf_mp_get_str(&reader);
        file->bytes = bf__pool_copy(whole->pool, bf_mp_get_bin(&reader));
        file->name = bf__pool_copy(whole->pool, name);
        if (bf_mp_ok(&reader) && i > 0 && bf_slice_compare(bundle->files[i - 1].name, file->name) >= 0) {
            return bf_err_set(err, BF_MALFORMED, "a configuration in the log has its files out of order");
        }
        bundle->count++;
    }
    if (!bf_mp_done(&reader)) {
        return bf_err_set(err, BF_MALFORMED, "a configuration in the log cannot be read: %s",
                          reader.fault != NULL ? reader.fault : "bytes follow its end");
    }
    bf_hash_sha256_hex(bytes, bundle->hash);
    return BF_OK;
}

enum bf_status bf_bundle_unpack(struct bf_slice bytes, struct bf_bundle **bundle, struct bf_err *err)
{
    struct whole_bundle *whole = make_bundle();
    if (bytes.len > BYTES_MAX * 2u) {
        return hand_over(whole,
                         bf_err_set(err, BF_MALFORMED, "a configuration in the log is too large"),
                         bundle);
    }
    return hand_over(whole, unpack(whole, bytes, err), bundle);
}

void bf_bundle_destroy(struct bf_bundle *bundle)
{
    if (bundle != NULL) {
        bf__pool_destroy(((struct whole_bundle *)bundle)->pool);
    }
}
