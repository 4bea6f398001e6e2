// demux/lavf_api.c — see lavf_api.h.
#include "demux/lavf_api.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include <libavutil/macros.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
// Written once under `once`, constant afterwards.
static struct weir_lavf_api api;
static bool loaded;

// ISO C has no cast from object to function pointers; POSIX promises that the bytes are the same.
static bool find(void *library, const char *name, void *function, size_t size_bytes)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, size_bytes);
    return symbol != NULL;
}

#define FIND(name) find(library, #name, &api.name, sizeof(api.name))

static void load(void)
{
    void *library = dlopen("libavformat.so." AV_STRINGIFY(LIBAVFORMAT_VERSION_MAJOR), RTLD_NOW);
    if (!library) // never closed: its state is the process's
        return;
    loaded = FIND(avformat_version) && FIND(avformat_alloc_context) &&
             FIND(avformat_free_context) && FIND(avformat_open_input) &&
             FIND(avformat_close_input) && FIND(avformat_find_stream_info) && FIND(av_read_frame) &&
             FIND(av_seek_frame) && FIND(av_find_input_format) && FIND(av_stream_get_side_data) &&
             FIND(avio_alloc_context) && FIND(avio_context_free);
}

const struct weir_lavf_api *weir_lavf_api(void)
{
    (void)pthread_once(&once, load);
    return loaded ? &api : NULL;
}
