// sim/content_probe.c — how large resources are: stat() for local files; for the rest a bounded
// number of requests at a time through the transport that plays, each at first a HEAD.
#include "sim/content_probe.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/url.h"

#define MAX_JOBS     16 // the transport's bound
#define DEFAULT_JOBS 6
#define MAX_ATTEMPTS 4 // a HEAD, and up to three GETs

struct job {
    bool busy, head;
    size_t item;
    int attempt;
    int64_t length_bytes, skip_bytes; // as the header says; what of it lies before the range
    struct weir_segment *segment;
};

struct probe {
    const struct weir_content_item *items;
    size_t count, next, done, running;
    const char *origin_url;
    const struct weir_content_record_params *params;
    struct weir_budget budget;
    struct weir_segment_pool *pool;
    struct weir_transport *transport;
    struct job jobs[MAX_JOBS];
    size_t job_count;
    struct weir_error *error;
};

static int item_url(const struct weir_content_item *item, char *out, struct weir_byte_range *range)
{
    if (item->init) {
        *range = item->init->range;
        int len = weir_init_url(item->rep, item->init, 0, out, WEIR_URL_MAX_BYTES);
        return len < 0 ? len : 0;
    }
    struct weir_segment_info info;
    int err = weir_index_segment(item->rep, item->segment, &info);
    if (err)
        return err;
    *range = info.range;
    int len = weir_index_url(item->rep, item->segment, 0, out, WEIR_URL_MAX_BYTES);
    return len < 0 ? len : 0;
}

void weir_content_probe_files(const struct weir_content_item *items, size_t count)
{
    char url[WEIR_URL_MAX_BYTES], path[WEIR_URL_MAX_BYTES];
    struct weir_byte_range range;
    for (size_t i = 0; i < count; i++) {
        struct stat st;
        if (item_url(&items[i], url, &range) || !weir_url_has_scheme(url, "file") ||
            weir_url_to_path(url, path, sizeof(path)) < 0 || stat(path, &st) != 0 ||
            !S_ISREG(st.st_mode))
            continue;
        int64_t skip = range.first > 0 ? range.first : 0;
        if (st.st_size > skip)
            *items[i].bytes = st.st_size - skip;
    }
}

static int probe_open(struct probe *p)
{
    size_t jobs = p->params->jobs > 0 ? (size_t)p->params->jobs : DEFAULT_JOBS;
    p->job_count = jobs < MAX_JOBS ? jobs : MAX_JOBS;
    weir_budget_init(&p->budget, 0);
    struct weir_segment_pool_params pool = {
        .max_segments = p->job_count, .premapped = 1, .budget = &p->budget};
    int err = weir_segment_pool_create(&pool, &p->pool);
    if (err)
        return weir_error_set(p->error, err, p->origin_url, "no memory to fetch into");
    struct weir_curl_params params = {0};
    if (p->params->net)
        params = *p->params->net;
    if (!params.clock.now_us)
        params.clock = weir_clock_monotonic();
    return weir_curl_transport_create(&params, &p->transport, p->error);
}

static void probe_close(struct probe *p)
{
    if (p->transport)
        p->transport->ops->destroy(p->transport);
    for (size_t i = 0; i < MAX_JOBS; i++)
        weir_segment_unref(&p->jobs[i].segment);
    weir_segment_pool_destroy(&p->pool);
}

// Request the job's item; its id is its place among the jobs, from 1 on.
static int job_request(struct probe *p, struct job *job)
{
    char url[WEIR_URL_MAX_BYTES];
    struct weir_byte_range range;
    int err = item_url(&p->items[job->item], url, &range);
    if (err)
        return weir_error_set(p->error, err, p->origin_url, "a segment's URL cannot be made: %s",
                              weir_strerror(err));
    weir_segment_unref(&job->segment);
    job->segment = weir_segment_create(p->pool, 0);
    if (!job->segment)
        return weir_error_set(p->error, WEIR_ERR_NOMEM, p->origin_url, "no memory to fetch into");
    job->head = job->attempt == 0;
    job->length_bytes = -1;
    job->skip_bytes = job->head && range.first > 0 ? range.first : 0;
    struct weir_transfer transfer = {.id = (uint64_t)(job - p->jobs) + 1,
                                     .url = url,
                                     .origin_url = p->origin_url,
                                     .first_byte = job->head ? -1 : range.first,
                                     .last_byte = job->head ? -1 : range.last,
                                     .segment = job->segment,
                                     .head = job->head};
    return p->transport->ops->start(p->transport, &transfer, p->error);
}

static int start_jobs(struct probe *p)
{
    for (size_t i = 0; i < p->job_count; i++) {
        struct job *job = &p->jobs[i];
        while (p->next<p->count && * p->items[p->next].bytes> 0) {
            p->next++;
            p->done++;
        }
        if (job->busy || p->next == p->count)
            continue;
        *job = (struct job){.busy = true, .item = p->next++, .segment = job->segment};
        p->running++;
        int err = job_request(p, job);
        if (err)
            return err;
    }
    return 0;
}

static void job_end(struct probe *p, struct job *job)
{
    weir_segment_unref(&job->segment);
    job->busy = false;
    p->running--;
    p->done++;
    if (p->params->progress)
        p->params->progress(p->params->ctx, (int64_t)p->done, (int64_t)p->count);
}

static int job_done(struct probe *p, struct job *job, int64_t bytes)
{
    int64_t size = job->head ? job->length_bytes - job->skip_bytes : bytes;
    if (size > 0) {
        *p->items[job->item].bytes = size;
        job_end(p, job);
        return 0;
    }
    if (!job->head)
        return weir_error_set(p->error, WEIR_ERR_HTTP, p->origin_url, "segment %lld is empty",
                              (long long)p->items[job->item].segment);
    job->attempt++; // the header does not tell: count the bytes
    return job_request(p, job);
}

static int job_failed(struct probe *p, struct job *job, const struct weir_transfer_event *ev)
{
    job->attempt++;
    if (job->head || (ev->retryable && job->attempt < MAX_ATTEMPTS))
        return job_request(p, job);
    if (p->error)
        *p->error = *ev->error;
    return ev->err;
}

static int take(struct probe *p, const struct weir_transfer_event *ev)
{
    struct job *job = &p->jobs[ev->id - 1];
    switch (ev->kind) {
    case WEIR_TRANSFER_HEADERS:
        job->length_bytes = ev->length_bytes;
        return 0;
    case WEIR_TRANSFER_DONE:
        return job_done(p, job, ev->bytes);
    case WEIR_TRANSFER_FAILED:
        return job_failed(p, job, ev);
    case WEIR_TRANSFER_PROGRESS:
        break;
    }
    return 0;
}

static int probe_run(struct probe *p)
{
    for (;;) {
        struct weir_transfer_event events[MAX_JOBS];
        int err = start_jobs(p);
        if (err || p->running == 0)
            return err;
        int count = p->transport->ops->pump(p->transport, -1, events, MAX_JOBS);
        if (count < 0)
            return weir_error_set(p->error, count, p->origin_url, "the transport failed");
        for (int i = 0; i < count && !err; i++)
            err = take(p, &events[i]);
        if (err)
            return err;
    }
}

int weir_content_probe(const struct weir_content_item *items, size_t count, const char *origin_url,
                       const struct weir_content_record_params *params, struct weir_error *e)
{
    struct probe p = {
        .items = items, .count = count, .origin_url = origin_url, .params = params, .error = e};
    int err = probe_open(&p);
    if (!err)
        err = probe_run(&p);
    probe_close(&p);
    return err;
}
