// sim/server_request.h — internal to sim/server*.c: the server and its open requests.
//
// Threads: libmicrohttpd's (accept, parse, send) and the pacing one (ticks the pacer, ends waits).
// A response without credit is suspended; the pacing thread resumes it. All hold the server's lock
// for everything marked below. libmicrohttpd has one thread, but several where no trace and no
// fault makes the order of requests matter; a request stays with its thread.
#ifndef WEIR_SIM_SERVER_REQUEST_H
#define WEIR_SIM_SERVER_REQUEST_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "sim/fault.h"
#include "sim/http_file.h"
#include "sim/pacer.h"
#include "sim/server.h"

// Lives as long as a TCP connection.
struct weir_server_connection {
    int64_t accepted_us;
    bool used; // a request came over it before
};

// POST here makes the next request trace time 0, and faults count from the beginning.
#define WEIR_SERVER_RESET_PATH "/.weir/reset"
// The time of day, as DASH's http-iso wants it.
#define WEIR_SERVER_TIME_PATH "/.weir/time"

// A segment that is still being made, chunk after chunk.
#define WEIR_SERVER_CHUNKS 256
struct weir_server_chunks {
    int64_t begin_us, duration_us; // of the segment; begin as weir_server_now_us()
    int64_t ends[WEIR_SERVER_CHUNKS];
    size_t count;
};

struct weir_server_request {
    struct weir_server *server;
    struct MHD_Connection *connection;
    char method[8];     // cut off beyond; for the log and for comparisons with shorter names
    char *path, *range; // range NULL without the header
    struct weir_fault fault;
    bool control;    // of the server itself: no round trip, no line in the log
    unsigned status; // 0 until decided
    const char *type;
    struct weir_http_file file;
    char *text;                        // the body where it is made here, and not a file's
    struct weir_server_chunks *chunks; // NULL: the whole file is there
    const char *why;                   // in the body of an error; NULL: what the status says
    int64_t size_bytes;                // of the file or the text
    int64_t first, length;             // of the body within it
    int64_t body_bytes; // that come; less than length where a fault ends the connection
    int64_t sent_bytes; // of the body; exact unless sent by the kernel
    int64_t start_us, first_byte_us;
    int64_t fault_us;        // since when the fault holds the body back; WEIR_TIME_NONE: not yet
    uint64_t acked_at_start; // by the peer on this connection, where the kernel sends the body
    bool sendfile;
    // Protected by lock from here down.
    int64_t wait_until_us; // held back until then; WEIR_TIME_NONE: not, or for credit
    bool suspended, sharing;
    struct weir_pacer_flow flow;
    struct weir_server_request *prev, *next;
};

struct weir_server {
    struct MHD_Daemon *daemon;
    char *root; // from realpath()
    int root_fd;
    char url[160];
    char *certificate, *key; // PEM; NULL: no TLS
    uint16_t port;
    int64_t rtt_us;
    const struct weir_trace *trace;
    int64_t start_us;
    int64_t unix_us;           // Unix time at weir_server_now_us() 0
    struct weir_live *live;    // NULL: files as they are
    FILE *log;                 // a line at a time
    struct weir_faults faults; // with any there is one MHD thread alone
    pthread_t thread;
    bool thread_started;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    // Protected by lock from here down.
    bool stopping;
    char message[160]; // libmicrohttpd's first one, about starting
    struct weir_pacer pacer;
    struct weir_server_request *requests;
};

int64_t weir_server_now_us(void);
int weir_server_socket(struct MHD_Connection *connection); // -1: not to be had
// Hold the request back until `until_us`; WEIR_TIME_NONE: until it has credit. Its callback is then
// called again. With the lock held.
void weir_server_suspend(struct weir_server_request *r, int64_t until_us);

// server_body.c: the response with the request's body, in whatever way it leaves. NULL: no memory.
struct MHD_Response *weir_server_body_response(struct weir_server_request *r, bool body);
// Acknowledged by the peer on this connection so far, headers included; 0 where the kernel is
// silent.
uint64_t weir_server_acked_bytes(struct MHD_Connection *connection);
// While in, the kernel sends whole packets alone. Taken out when the response is complete.
void weir_server_cork(struct MHD_Connection *connection, bool in);
// End the connection with a TCP reset.
void weir_server_reset_connection(struct MHD_Connection *connection);

// server_tls.c: read both files into the server; UNSUPPORTED where there is no TLS. And the reason
// why libmicrohttpd did not start.
int weir_server_tls_load(struct weir_server *s, const char *certificate_path, const char *key_path,
                         struct weir_error *e);
void weir_server_on_message(void *closure, const char *format, va_list args) WEIR_PRINTF(2, 0);

// server_find.c: what the path names, into file or text, size and type; the HTTP status.
unsigned weir_server_find(struct weir_server_request *r);

// server_headers.c
void weir_server_add_headers(struct MHD_Response *response, const struct weir_server_request *r);

// server_log.c: a line for a request that is over.
void weir_server_log(const struct weir_server_request *r, int64_t end_us);

// libmicrohttpd's callbacks; the closure is the server.
enum MHD_Result weir_server_on_request(void *closure, struct MHD_Connection *connection,
                                       const char *path, const char *method, const char *version,
                                       const char *upload, size_t *upload_bytes, void **request);
void weir_server_on_completed(void *closure, struct MHD_Connection *connection, void **request,
                              enum MHD_RequestTerminationCode code);
void weir_server_on_connection(void *closure, struct MHD_Connection *connection, void **context,
                               enum MHD_ConnectionNotificationCode code);

#endif
