// net/transport.h — how bytes are fetched, whatever fetches them: libcurl (net/curl.c), and in the
// simulator a trace. One thread owns a transport and calls everything but wake(). Transfers write
// straight into segment slots; what happened comes out of pump() as events, in order.
#ifndef WEIR_NET_TRANSPORT_H
#define WEIR_NET_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/log.h>

#include "core/clock.h"
#include "core/segment.h"

// One thing to fetch. Everything is copied or referenced by start(); nothing need outlive the call.
struct weir_transfer {
    uint64_t id;            // chosen by the caller, unique among running transfers, never 0
    const char *url;        // absolute http, https or file
    const char *origin_url; // credentials and custom headers go only to this URL's origin
    int64_t first_byte,
        last_byte;        // inclusive range of the resource; first < 0: whole; last < 0: to the end
    int64_t resume_bytes; // bytes of that range already in `segment` (a retry): only the rest is
                          // fetched. A server that ignores the range has that many bytes skipped,
                          // not appended.
    struct weir_segment
        *segment;  // the transport takes a reference; it is finished on DONE (COMPLETE). On FAILED
                   // and cancel it stays OPEN: the caller retries into it or finishes it.
    bool head;     // the header alone, by HEAD: length_bytes of HEADERS is what counts, then DONE
    bool document; // a manifest or playlist: gzip accepted, session cookies kept, never from cache
    bool allow_file; // a file URL may be opened (the user named one, or a local manifest did)
};

enum weir_transfer_event_kind {
    WEIR_TRANSFER_HEADERS,  // final response's header read: status, length, effective URL
    WEIR_TRANSFER_PROGRESS, // bytes were appended since the last event of this transfer
    WEIR_TRANSFER_DONE,     // every byte is there
    WEIR_TRANSFER_FAILED,   // see err; bytes so far stay in the segment
};

struct weir_transfer_event {
    enum weir_transfer_event_kind kind;
    uint64_t id;
    int64_t now_us;       // transport clock at the event
    int64_t bytes;        // appended by this transfer so far
    int64_t length_bytes; // declared length of what this transfer brings, -1 unknown
    int http_status;      // 0 for file URLs and where no response came
    bool from_cache;      // file URL or answered by a cache: no throughput sample
    int64_t t_request_us, t_first_byte_us,
        t_last_us;             // DONE and FAILED; NONE where it did not come to that
    const char *effective_url; // after redirects; HEADERS only, valid until the next pump()
    int err;                   // FAILED: enum weir_err
    bool retryable;         // FAILED: might work if tried again (timeouts, resets, 5xx, 429), not
                            // 403/404/TLS
    int64_t retry_after_us; // FAILED: from Retry-After, NONE without
    const struct weir_error *error; // FAILED: the message for people; valid until the next pump()
};

struct weir_transport;

struct weir_transport_ops {
    int (*start)(struct weir_transport *t, const struct weir_transfer *transfer,
                 struct weir_error *error);
    // The transfer ends without a further event; its reference is dropped. Unknown ids are ignored.
    void (*cancel)(struct weir_transport *t, uint64_t id);
    // Stop reading from the network for this transfer (back-pressure) or go on. Best effort: a few
    // bytes may still come, and libcurl before 8.1 cannot pause one HTTP/2 stream without the
    // others.
    void (*pause)(struct weir_transport *t, uint64_t id, bool paused);
    // Do what can be done, waiting up to timeout_us (0: do not wait; < 0: until something happens
    // or wake()). Fills at most `room` events and returns their number, or a negative error. Call
    // again at once when it fills.
    int (*pump)(struct weir_transport *t, int64_t timeout_us, struct weir_transfer_event *events,
                size_t room);
    void (*wake)(struct weir_transport *t); // any thread: makes a waiting pump() return
    // Open `count` connections to the URL's host ahead of need; best effort, no events.
    void (*warm)(struct weir_transport *t, const char *url, int count);
    void (*destroy)(struct weir_transport *t);
};

struct weir_transport {
    const struct weir_transport_ops *ops;
};

struct weir_curl_params {
    const char *const *headers; // "K: V", sent to origin_url's origin only
    size_t header_count;
    const char *user_agent, *referer, *cookie_file, *proxy, *ca_file; // NULL: defaults
    bool netrc, insecure;
    int http_version;                                  // 11, 2, 3; 0: the best offered
    int64_t connect_timeout_us, first_byte_timeout_us; // 0: 10 s, 15 s
    int64_t low_speed_time_us; // fewer than 1 byte/s for so long is a timeout; 0: 15 s
    int64_t max_redirects;     // 0: 10
    struct weir_clock clock;   // required
    const struct weir_log *log;
};

// The libcurl transport. Strings are copied. Returns 0, or INVAL (error says which option),
// UNSUPPORTED (HTTP/3 without support in libcurl), NOMEM. Calls curl_global_init once per process
// under pthread_once.
int weir_curl_transport_create(const struct weir_curl_params *params, struct weir_transport **out,
                               struct weir_error *error);

#endif
