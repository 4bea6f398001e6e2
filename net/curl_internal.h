// net/curl_internal.h — what the files of the libcurl transport share: its slots (one per
// transfer), the hosts it has met and the spare connections it keeps. Private to net/. Everything
// runs on the transport's one thread.
#ifndef WEIR_NET_CURL_INTERNAL_H
#define WEIR_NET_CURL_INTERNAL_H

#include <sys/socket.h>

#include <curl/curl.h>

#include "core/url.h"
#include "net/transport.h"

enum {
    WEIR_CURL_MAX_RUNNING = 16,
    // What events point to stays until the next pump(), while callers may already start other
    // transfers.
    WEIR_CURL_SLOTS = 2 * WEIR_CURL_MAX_RUNNING,
    WEIR_CURL_MAX_HOSTS = 8,
    WEIR_CURL_MAX_SPARES = 16,
    WEIR_CURL_MAX_ORIGIN_BYTES = 320,
    WEIR_CURL_READ_BYTES = 256 * 1024, // see README.md for the measurement
    // A body that nobody wants is read up to this size, because that keeps its connection usable.
    WEIR_CURL_DRAIN_BYTES = 64 * 1024,
    WEIR_CURL_NUDGE_US = 10000, // silence before a stream is looked at again
};

enum weir_curl_slot_state {
    WEIR_CURL_FREE,
    WEIR_CURL_RUNNING,
    WEIR_CURL_FINISHED, // DONE or FAILED is still to be reported
    WEIR_CURL_REPORTED, // free after the next pump() has begun
};

struct weir_curl;

struct weir_curl_slot {
    struct weir_curl *owner;
    enum weir_curl_slot_state state;
    CURL *easy; // made at first use, kept until the transport ends
    bool in_multi;
    bool is_file, document, head, paused;
    uint64_t id;
    uint64_t
        finish_order; // counts up over the transport; DONE and FAILED are reported in this order
    struct weir_segment *segment;
    int fd; // of a file URL, -1 otherwise

    // What is wanted, in bytes of the resource; range_last -1: to the end.
    int64_t range_first, range_last;
    bool ranged;
    bool resumed; // something of the range was there before

    // The response now being read; reset for every hop.
    int status;
    bool judged;    // its header is complete, and decided upon
    bool take_body; // its body goes into the segment
    bool longer_than_asked;
    bool enough;          // everything wanted is here, the rest was refused
    int append_err;       // what weir_segment_append said
    int64_t skip_bytes;   // of the body, before what is wanted
    int64_t want_bytes;   // still to take; INT64_MAX without a bound
    int64_t expect_bytes; // what the body brings after skipping and cutting; -1 unknown
    int64_t body_bytes;   // read off the network, taken or not
    int64_t body_length;  // Content-Length, -1 unknown

    int64_t bytes, reported_bytes; // appended
    bool headers_due;
    int redirects;
    uint64_t visited[32]; // hashes of the URLs redirected from

    int64_t t_request_us, t_first_byte_us, t_last_us;
    int64_t received_bytes; // header and body of all hops: what low speed is judged by
    int64_t window_start_us, window_bytes;
    bool multiplexed; // over HTTP/2 or later
    int64_t quiet_since_us, nudge_wait_us;

    int err; // result, with `error`
    bool retryable;
    int64_t retry_after_us;
    struct weir_error error;
    char curl_detail[CURL_ERROR_SIZE];
    char url[WEIR_URL_MAX_BYTES]; // of this hop, as requested
    char origin_url[WEIR_URL_MAX_BYTES];
};

// A host that libcurl has opened a socket to, or that warm() asked for.
struct weir_curl_host {
    char origin[WEIR_CURL_MAX_ORIGIN_BYTES]; // "https://host:port", "" when the entry is free
    uint64_t last_use;
    bool resolved;    // `addr` is set
    bool multiplexed; // it spoke HTTP/2 or later: further connections would be of no use
    int wanted;       // spare connections still to be opened
    int family, protocol;
    struct sockaddr_storage addr;
    socklen_t addr_len;
};

// A connection opened ahead of need. Whether it is up is found out when it is needed.
struct weir_curl_spare {
    int fd; // -1: entry is free
    int64_t expires_us;
    struct sockaddr_storage addr;
    socklen_t addr_len;
};

struct weir_curl {
    struct weir_transport base; // first: the ops get a pointer to it
    CURLM *multi;
    CURLSH *share; // cookies and TLS sessions
    struct weir_clock clock;
    const struct weir_log *log;
    struct curl_slist *headers;
    char *user_agent, *referer, *proxy, *ca_file;
    bool netrc, insecure, env_proxy;
    bool needs_nudges; // this libcurl may forget HTTP/2 streams: see nudge() in curl.c
    long http_version; // CURL_HTTP_VERSION_*
    int64_t connect_timeout_us, first_byte_timeout_us, low_speed_time_us;
    int max_redirects;
    uint64_t finish_count, host_uses;
    int running;
    struct weir_curl_slot slots[WEIR_CURL_SLOTS];
    struct weir_curl_host hosts[WEIR_CURL_MAX_HOSTS];
    struct weir_curl_spare spares[WEIR_CURL_MAX_SPARES];
    int connected_fd;     // spare handed to libcurl last, until its sockopt callback; -1 none
    uint8_t *file_buffer; // WEIR_CURL_READ_BYTES, made at the first file URL
};

static inline int64_t weir_curl_now_us(const struct weir_curl *c)
{
    return weir_clock_now_us(&c->clock);
}

// Whether its bytes are refused for now. Never over HTTP/2 with an old libcurl: there one paused
// stream stops every other of the connection once its buffer is full, and back-pressure on one
// transfer becomes a hang of all.
static inline bool weir_curl_slot_held(const struct weir_curl_slot *s)
{
    return s->paused && !(s->owner->needs_nudges && s->multiplexed);
}

// curl.c
extern const struct weir_transport_ops weir_curl_ops;
// Take the transfer off the network and let go of the segment. Its strings stay for events given
// out.
void weir_curl_slot_release(struct weir_curl_slot *s);
// The transfer is over. Finishes the segment on success (slot->err 0), drops it, queues the event.
void weir_curl_slot_finish(struct weir_curl_slot *s);

// curl_create.c
void weir_curl_free(struct weir_curl *c);

// curl_transfer.c
int weir_curl_slot_prepare(struct weir_curl_slot *s,
                           struct weir_error *error); // makes the easy handle
int weir_curl_hop_start(struct weir_curl_slot *s);    // request s->url; 0 or an error set in s
void weir_curl_hop_done(struct weir_curl_slot *s, CURLcode result); // follow, finish or fail

// curl_response.c: what the header of the final response means for the body, and whether the body
// was complete.
void weir_curl_response_reset(struct weir_curl_slot *s);
void weir_curl_response_judge(struct weir_curl_slot *s);
bool weir_curl_response_is_redirect(const struct weir_curl_slot *s);
int weir_curl_response_complete(struct weir_curl_slot *s); // 0, or the error set in s
size_t weir_curl_response_body(struct weir_curl_slot *s, const char *data, size_t size_bytes);

// curl_errors.c: each sets slot->err, error and retryable, and returns slot->err.
int weir_curl_fail(struct weir_curl_slot *s, int err, bool retryable, const char *what_fmt, ...)
    WEIR_PRINTF(4, 5);
int weir_curl_fail_code(struct weir_curl_slot *s, CURLcode result);
int weir_curl_fail_status(struct weir_curl_slot *s);
int weir_curl_fail_append(struct weir_curl_slot *s);

// curl_file.c
int weir_curl_file_open(struct weir_curl_slot *s);  // 0, or the error set in s
void weir_curl_file_read(struct weir_curl_slot *s); // a bounded piece
void weir_curl_file_close(struct weir_curl_slot *s);

// curl_warm.c
void weir_curl_warm_init(struct weir_curl *c);
void weir_curl_warm_clear(struct weir_curl *c);
void weir_curl_warm(struct weir_curl *c, const char *url, int count);
// Close spares that are too old; returns when to look again, WEIR_TIME_NONE for never.
int64_t weir_curl_warm_expire(struct weir_curl *c, int64_t now_us);
struct weir_curl_host *weir_curl_host_find(struct weir_curl *c, const char *url);
curl_socket_t weir_curl_open_socket(void *slot, curlsocktype purpose,
                                    struct curl_sockaddr *address);
int weir_curl_socket_opened(void *slot, curl_socket_t fd, curlsocktype purpose);

#endif
