// net/fetch.c — one document, fetched by a transport of its own while the caller waits. For
// commands that have no loop (`weir inspect`) and for tests; a session fetches through its own
// transport.
#include "net/fetch.h"

#include <stdlib.h>
#include <string.h>

#include "core/url.h"

#define DEFAULT_MAX_BYTES ((size_t)64 << 20)

struct fetch {
    struct weir_budget budget;
    struct weir_segment_pool *pool;
    struct weir_segment *segment;
    struct weir_transport *transport;
    struct weir_fetch_result *out;
    size_t max_bytes;
    char where[512]; // the URL as messages may show it
};

static int fetch_open(struct fetch *f, const struct weir_fetch_request *req,
                      struct weir_error *error)
{
    weir_budget_init(&f->budget, 0);
    struct weir_segment_pool_params pool = {
        .range_bytes = f->max_bytes, .max_segments = 1, .premapped = 1, .budget = &f->budget};
    int err = weir_segment_pool_create(&pool, &f->pool);
    if (!err) {
        f->segment = weir_segment_create(f->pool, 0);
        err = f->segment ? 0 : WEIR_ERR_NOMEM;
    }
    if (err)
        return weir_error_set(error, err, f->where, "no memory to fetch into");
    struct weir_curl_params params = {0};
    if (req->params)
        params = *req->params;
    if (!params.clock.now_us)
        params.clock = weir_clock_monotonic();
    return weir_curl_transport_create(&params, &f->transport, error);
}

static void fetch_close(struct fetch *f)
{
    if (f->transport)
        f->transport->ops->destroy(f->transport);
    weir_segment_unref(&f->segment);
    weir_segment_pool_destroy(&f->pool);
}

static int take_headers(struct fetch *f, const struct weir_transfer_event *ev)
{
    free(f->out->effective_url);
    f->out->effective_url = strdup(ev->effective_url);
    f->out->http_status = ev->http_status;
    return f->out->effective_url ? 0 : WEIR_ERR_NOMEM;
}

static int take_body(struct fetch *f, struct weir_error *error)
{
    size_t size = weir_segment_length(f->segment);
    if (size > f->max_bytes) // the pool rounds its ranges up to pages
        return weir_error_set(error, WEIR_ERR_TOO_BIG, f->where, "larger than %zu bytes",
                              f->max_bytes);
    f->out->data = malloc(size + 1);
    if (!f->out->data)
        return weir_error_set(error, WEIR_ERR_NOMEM, f->where, "no memory for %zu bytes", size);
    memcpy(f->out->data, weir_segment_data(f->segment), size);
    f->out->data[size] = 0;
    f->out->size_bytes = size;
    return 0;
}

// Pump until the transfer ends. The error text of a failed transfer lives until the next pump only.
static int fetch_wait(struct fetch *f, struct weir_error *error)
{
    for (;;) {
        struct weir_transfer_event ev[4];
        int count = f->transport->ops->pump(f->transport, -1, ev, 4);
        if (count < 0)
            return weir_error_set(error, count, f->where, "the transport failed");
        for (int i = 0; i < count; i++) {
            int err = 0;
            switch (ev[i].kind) {
            case WEIR_TRANSFER_HEADERS:
                err = take_headers(f, &ev[i]);
                if (err)
                    return weir_error_set(error, err, f->where, "no memory for its address");
                break;
            case WEIR_TRANSFER_PROGRESS:
                break;
            case WEIR_TRANSFER_DONE:
                return take_body(f, error);
            case WEIR_TRANSFER_FAILED:
                if (error)
                    *error = *ev[i].error;
                f->out->http_status = ev[i].http_status;
                return ev[i].err;
            }
        }
    }
}

int weir_fetch_blocking(const struct weir_fetch_request *req, struct weir_fetch_result *out,
                        struct weir_error *error)
{
    struct fetch f = {.out = out, .max_bytes = req->max_bytes ? req->max_bytes : DEFAULT_MAX_BYTES};
    weir_url_redact(req->url, f.where, sizeof f.where);
    *out = (struct weir_fetch_result){0};
    int err = fetch_open(&f, req, error);
    if (!err) {
        struct weir_transfer transfer = {.id = 1,
                                         .url = req->url,
                                         .origin_url = req->url,
                                         .first_byte = req->first_byte,
                                         .last_byte = req->last_byte,
                                         .segment = f.segment,
                                         .document = true,
                                         .allow_file = req->allow_file};
        err = f.transport->ops->start(f.transport, &transfer, error);
    }
    if (!err)
        err = fetch_wait(&f, error);
    fetch_close(&f);
    if (err) {
        int status = out->http_status;
        weir_fetch_result_clear(out);
        out->http_status = status;
    }
    return err;
}

void weir_fetch_result_clear(struct weir_fetch_result *r)
{
    free(r->data);
    free(r->effective_url);
    *r = (struct weir_fetch_result){0};
}
