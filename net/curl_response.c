// net/curl_response.c — what a response's header says about its body: whether it is the body asked
// for, where the wanted bytes lie in it (a server may answer a range request with everything, RFC
// 9110, 14.2), and at its end whether all of them came. Nothing a server says is believed without a
// check.
#include "net/curl_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct content_range {
    int64_t first, last;
    int64_t total; // -1: "*"
};

void weir_curl_response_reset(struct weir_curl_slot *s)
{
    s->status = 0;
    s->judged = s->take_body = s->longer_than_asked = s->enough = false;
    s->append_err = 0;
    s->skip_bytes = 0;
    s->want_bytes = INT64_MAX;
    s->expect_bytes = -1;
    s->body_bytes = 0;
    s->body_length = -1;
}

static const char *header(struct weir_curl_slot *s, const char *name)
{
    struct curl_header *h = NULL;
    if (curl_easy_header(s->easy, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
        return NULL;
    return h->value;
}

// Decimal digits only; -1 for anything else and for what does not fit.
static int64_t parse_number(const char **p)
{
    int64_t value = 0;
    if (**p < '0' || **p > '9')
        return -1;
    for (; **p >= '0' && **p <= '9'; ++*p) {
        if (value > (INT64_MAX - 9) / 10)
            return -1;
        value = value * 10 + (**p - '0');
    }
    return value;
}

// "bytes 0-499/1234" or ".../*" (RFC 9110, 14.4).
static bool parse_content_range(const char *p, struct content_range *out)
{
    if (!p || strncasecmp(p, "bytes", 5) != 0)
        return false;
    p += 5;
    while (*p == ' ' || *p == '\t')
        p++;
    out->first = parse_number(&p);
    if (out->first < 0 || *p++ != '-')
        return false;
    out->last = parse_number(&p);
    if (out->last < out->first || out->last == INT64_MAX || *p++ != '/')
        return false;
    out->total = -1;
    if (*p == '*')
        return true;
    out->total = parse_number(&p);
    return out->total > out->last;
}

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

// How many bytes are wanted from range_first on.
static int64_t wanted_bytes(const struct weir_curl_slot *s)
{
    return s->range_last < 0 ? INT64_MAX : s->range_last - s->range_first + 1;
}

// The whole resource: the answer to a plain request, or from a server that ignores ranges.
static void judge_whole(struct weir_curl_slot *s)
{
    s->take_body = true;
    s->skip_bytes = s->range_first;
    s->want_bytes = wanted_bytes(s);
    if (s->body_length < 0) {
        s->longer_than_asked = s->range_last >= 0;
        return;
    }
    int64_t behind = s->body_length - s->range_first;
    s->expect_bytes = behind > 0 ? min64(behind, s->want_bytes) : 0;
    s->longer_than_asked = behind > s->want_bytes;
}

static void judge_partial(struct weir_curl_slot *s)
{
    struct content_range r;
    const char *value = header(s, "Content-Range");
    if (!s->ranged || !parse_content_range(value, &r)) {
        weir_curl_fail(s, WEIR_ERR_HTTP, false, "a partial answer that does not say which part");
        weir_error_why(&s->error, "Content-Range: %s", value ? value : "absent");
        return;
    }
    if (r.first != s->range_first) {
        weir_curl_fail(s, WEIR_ERR_HTTP, false, "the server sent another range");
        weir_error_why(&s->error, "from byte %" PRId64 ", not %" PRId64, r.first, s->range_first);
        return;
    }
    int64_t length = r.last - r.first + 1;
    s->take_body = true;
    s->want_bytes = wanted_bytes(s);
    s->longer_than_asked = length > s->want_bytes;
    s->expect_bytes = min64(length, s->want_bytes);
    // Less than was asked for is right at the end of the resource, and otherwise to be continued.
    if (length < s->want_bytes && r.total >= 0 && r.last != r.total - 1)
        s->expect_bytes = s->range_last >= 0 ? s->want_bytes : r.total - r.first;
}

// libcurl decodes what it can; a coding it was not told about would reach the segment as it is.
static bool is_encoded(struct weir_curl_slot *s)
{
    const char *coding = header(s, "Content-Encoding");
    return coding && *coding && strcasecmp(coding, "identity") != 0;
}

void weir_curl_response_judge(struct weir_curl_slot *s)
{
    long status = 0;
    curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    if (s->judged || status < 200)
        return; // a trailer, or an interim response
    s->judged = true;
    s->status = (int)status;
    const char *length = header(s, "Content-Length");
    s->body_length = length ? parse_number(&length) : -1;
    if (is_encoded(s)) {
        s->body_length = -1;                   // of the coded form, and libcurl checks it
        if (s->ranged && s->range_first > 0) { // a piece out of the middle of a compressed stream
            weir_curl_fail(s, WEIR_ERR_HTTP, false,
                           "a range of a compressed answer cannot be read");
            return;
        }
    }
    if (s->status == 206)
        judge_partial(s);
    else if (s->status < 300 && s->status != 204 && s->status != 205)
        judge_whole(s);
    s->headers_due = s->take_body;
}

bool weir_curl_response_is_redirect(const struct weir_curl_slot *s)
{
    switch (s->status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        return s->judged;
    default:
        return false;
    }
}

// A body that is no use. Returns what libcurl's callback should: less than given ends the
// connection.
static size_t drain(struct weir_curl_slot *s, size_t size_bytes)
{
    if (s->take_body) { // behind what was wanted
        bool little =
            s->body_length >= 0 && s->body_length - s->body_bytes <= WEIR_CURL_DRAIN_BYTES;
        s->enough = true;
        return little ? size_bytes : 0;
    }
    return s->body_bytes <= WEIR_CURL_DRAIN_BYTES && !s->err ? size_bytes : 0;
}

size_t weir_curl_response_body(struct weir_curl_slot *s, const char *data, size_t size_bytes)
{
    size_t given = size_bytes;
    s->body_bytes += (int64_t)size_bytes;
    if (!s->take_body || s->enough)
        return drain(s, given);
    int64_t skip = min64(s->skip_bytes, (int64_t)size_bytes);
    s->skip_bytes -= skip;
    data += skip;
    size_bytes -= (size_t)skip;
    int64_t take = min64(s->want_bytes, (int64_t)size_bytes);
    if (take > 0) {
        s->append_err = weir_segment_append(s->segment, data, (size_t)take);
        if (s->append_err)
            return 0;
        s->bytes += take;
        s->t_last_us = weir_curl_now_us(s->owner);
        if (s->want_bytes != INT64_MAX)
            s->want_bytes -= take;
    }
    // Ending here, and not at the next bytes, keeps a server that stalls behind the range from
    // mattering.
    if (s->want_bytes == 0 && (s->longer_than_asked || take < (int64_t)size_bytes))
        return drain(s, given);
    return given;
}

int weir_curl_response_complete(struct weir_curl_slot *s)
{
    if (s->err) // judged so when its header came
        return s->err;
    // A resume that found nothing left: the length was unknown, and all of it is here already.
    const char *range = s->status == 416 ? header(s, "Content-Range") : NULL;
    if (range && strncasecmp(range, "bytes */", 8) == 0) {
        range += 8;
        if (s->resumed && parse_number(&range) == s->range_first)
            return 0;
    }
    if (!s->take_body)
        return weir_curl_fail_status(s);
    if (s->head)
        return 0;
    if (s->skip_bytes > 0 || (s->ranged && s->bytes == 0 && s->want_bytes > 0 && !s->resumed)) {
        weir_curl_fail(s, WEIR_ERR_HTTP, false, "ends before the range asked for");
        weir_error_why(&s->error, "byte %" PRId64 " was wanted first", s->range_first);
        return s->err;
    }
    if (s->expect_bytes >= 0 && s->bytes < s->expect_bytes) {
        weir_curl_fail(s, WEIR_ERR_NETWORK, true, "cut short");
        weir_error_why(&s->error, "%" PRId64 " of %" PRId64 " bytes came", s->bytes,
                       s->expect_bytes);
        return s->err;
    }
    return 0;
}
