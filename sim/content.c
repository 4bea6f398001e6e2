// sim/content.c — reads a content, whatever it is: what the path holds decides, not its name.
#include "sim/content.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "manifest/presentation.h"
#include "sim/content_build.h"

static int cannot_read(const char *path, struct weir_error *e)
{
    int why = errno;
    (void)weir_error_set(e, WEIR_ERR_NOT_FOUND, path, "cannot read the content");
    weir_error_why(e, "%s", strerror(why)); // NOLINT(concurrency-mt-unsafe)
    return WEIR_ERR_NOT_FOUND;
}

static int read_stream(FILE *f, const char *path, char **out, size_t *size_bytes,
                       struct weir_error *e)
{
    size_t room = 1 << 16, used = 0;
    char *data = NULL;
    for (;;) {
        char *grown = realloc(data, room);
        if (!grown) {
            free(data);
            return weir_error_set(e, WEIR_ERR_NOMEM, path, "memory ran out");
        }
        data = grown;
        used += fread(data + used, 1, room - 1 - used, f);
        if (ferror(f)) {
            int err = cannot_read(path, e);
            free(data);
            return err;
        }
        if (used < room - 1)
            break;
        if (used > (size_t)WEIR_CONTENT_MAX_FILE_BYTES) {
            free(data);
            return weir_error_set(e, WEIR_ERR_TOO_BIG, path, "a content of more than 16 MiB");
        }
        room *= 2;
    }
    data[used] = '\0';
    *out = data;
    *size_bytes = used;
    return 0;
}

int weir_content_read_file(const char *path, char **out, size_t *size_bytes, struct weir_error *e)
{
    FILE *f = fopen(path, "rbe");
    if (!f)
        return cannot_read(path, e);
    int err = read_stream(f, path, out, size_bytes, e);
    (void)fclose(f);
    return err;
}

static int read_json(struct weir_content_build *b, const char *data, size_t size_bytes)
{
    json_error_t at;
    json_t *root = json_loadb(data, size_bytes, JSON_REJECT_DUPLICATES, &at);
    if (!root)
        return weir_error_set(b->error, WEIR_ERR_SYNTAX, b->where, "line %d: malformed JSON: %s",
                              at.line, at.text);
    const char *schema = json_string_value(json_object_get(root, "schema"));
    int err;
    if (schema && !strcmp(schema, "weir.content/1"))
        err = weir_content_read_weir(b, root);
    else if (schema)
        err = weir_error_set(b->error, WEIR_ERR_SYNTAX, b->where, "%s is not a content", schema);
    else if (json_object_get(root, "segment_sizes_bits") || json_object_get(root, "bitrates_kbps"))
        err = weir_content_read_sabre(b, root);
    else
        err = weir_error_set(b->error, WEIR_ERR_SYNTAX, b->where,
                             "neither a Sabre movie (segment_sizes_bits) nor weir.content/1");
    json_decref(root);
    return err;
}

static int read_data(struct weir_content_build *b, const char *data, size_t size_bytes,
                     const char *path)
{
    size_t first = 0;
    while (first < size_bytes && data[first] && strchr(" \t\r\n", data[first]))
        first++;
    if (first == size_bytes)
        return weir_error_set(b->error, WEIR_ERR_SYNTAX, b->where,
                              "an empty file is not a content");
    if (data[first] == '{' || data[first] == '[')
        return read_json(b, data, size_bytes);
    if (path && weir_presentation_sniff((const uint8_t *)data, size_bytes))
        return weir_content_read_manifest(b, data, size_bytes, path);
    (void)weir_error_set(b->error, WEIR_ERR_SYNTAX, b->where, "not a content");
    weir_error_why(b->error, "neither JSON nor a manifest");
    weir_error_hint(b->error, "a Sabre movie, weir.content/1, an MPD or playlist, or the folder of "
                              "Pensieve's video_size_* files");
    return WEIR_ERR_SYNTAX;
}

int weir_content_parse(const char *data, size_t size_bytes, const char *where,
                       struct weir_content **out, struct weir_error *e)
{
    struct weir_content_build *b;
    *out = NULL;
    int err = weir_content_build_create(where, e, &b);
    return err ? err : weir_content_build_end(&b, read_data(b, data, size_bytes, NULL), out);
}

int weir_content_load(const char *path, struct weir_content **out, struct weir_error *e)
{
    struct weir_content_build *b;
    struct stat st;
    *out = NULL;
    if (stat(path, &st) != 0)
        return cannot_read(path, e);
    int err = weir_content_build_create(path, e, &b);
    if (err)
        return err;
    if (S_ISDIR(st.st_mode))
        return weir_content_build_end(&b, weir_content_read_pensieve(b, path), out);
    char *data = NULL;
    size_t size_bytes = 0;
    err = weir_content_read_file(path, &data, &size_bytes, e);
    if (!err)
        err = read_data(b, data, size_bytes, path);
    free(data);
    return weir_content_build_end(&b, err, out);
}

void weir_content_destroy(struct weir_content **c)
{
    struct weir_content_build *b = (struct weir_content_build *)*c;
    weir_content_build_destroy(&b);
    *c = NULL;
}
