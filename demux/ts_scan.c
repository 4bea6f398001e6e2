// demux/ts_scan.c — see ts_scan.h. Reads PAT, PMT and PES headers, each as far as it lies in one
// transport packet, which is where every muxer puts them; anything else leaves the answer at "not
// known yet".
#include "demux/ts_scan.h"

#define PACKET_BYTES 188
#define WRAP         (INT64_C(1) << 33)

void weir_ts_scan_start(struct weir_ts_scan *s, bool want_video)
{
    *s = (struct weir_ts_scan){
        .want_video = want_video, .pmt_pid = -1, .pid = -1, .first = -1, .newest = -1};
}

static void read_pat(struct weir_ts_scan *s, struct weir_bytes b)
{
    weir_bytes_skip(&b, weir_bytes_u8(&b)); // pointer_field
    if (weir_bytes_u8(&b) != 0x00)
        return;
    weir_bytes_skip(&b, 7);
    while (!b.failed && b.end - b.pos >= 4 + 4) { // an entry, and the CRC behind the last
        uint16_t program = weir_bytes_u16(&b);
        int pid = weir_bytes_u16(&b) & 0x1fff;
        if (program != 0) { // 0 is the network PID
            s->pmt_pid = pid;
            return;
        }
    }
}

static bool is_wanted(uint8_t type, bool video)
{
    switch (type) {
    case 0x01:
    case 0x02:
    case 0x10:
    case 0x1b:
    case 0x24:
        return video;
    case 0x03:
    case 0x04:
    case 0x0f:
    case 0x11:
    case 0x81:
    case 0x87:
        return !video;
    default:
        return false;
    }
}

static void read_pmt(struct weir_ts_scan *s, struct weir_bytes b)
{
    weir_bytes_skip(&b, weir_bytes_u8(&b));
    if (weir_bytes_u8(&b) != 0x02)
        return;
    size_t length = weir_bytes_u16(&b) & 0x0fff;
    if (b.failed || length < 4 || b.end - b.pos < length)
        return;
    b.end = b.pos + length - 4;
    weir_bytes_skip(&b, 7);
    weir_bytes_skip(&b, weir_bytes_u16(&b) & 0x0fff);
    while (!b.failed && b.end - b.pos >= 5) {
        uint8_t type = weir_bytes_u8(&b);
        int pid = weir_bytes_u16(&b) & 0x1fff;
        weir_bytes_skip(&b, weir_bytes_u16(&b) & 0x0fff);
        if (is_wanted(type, s->want_video)) {
            s->pid = pid;
            return;
        }
    }
}

static int64_t read_timestamp(struct weir_bytes *b)
{
    uint64_t high = weir_bytes_u8(b), mid = weir_bytes_u16(b), low = weir_bytes_u16(b);
    return (int64_t)((high >> 1 & 7) << 30 | mid >> 1 << 15 | low >> 1);
}

static void read_pes(struct weir_ts_scan *s, struct weir_bytes b)
{
    if (weir_bytes_u24(&b) != 1)
        return;
    weir_bytes_skip(&b, 4);
    uint8_t flags = weir_bytes_u8(&b);
    weir_bytes_skip(&b, 1);
    if (!(flags & 0x80))
        return;
    int64_t pts = read_timestamp(&b);
    int64_t dts = flags & 0x40 ? read_timestamp(&b) : pts;
    if (b.failed)
        return;
    if (s->first < 0)
        s->first = pts;
    // Relative to the first, so that the clock may wrap in between.
    int64_t since = (dts - s->first + WRAP + WRAP / 2) % WRAP - WRAP / 2;
    if (s->newest < 0 || s->first + since > s->newest)
        s->newest = since > 0 ? s->first + since : s->first;
}

static void read_packet(struct weir_ts_scan *s, const uint8_t *packet)
{
    struct weir_bytes b = weir_bytes_make(packet, 0, PACKET_BYTES);
    weir_bytes_skip(&b, 1);
    uint16_t head = weir_bytes_u16(&b);
    uint8_t control = weir_bytes_u8(&b);
    int pid = head & 0x1fff;
    if (!(head & 0x4000) || !(control & 0x10)) // no unit starts here, or no payload
        return;
    if (control & 0x20)
        weir_bytes_skip(&b, weir_bytes_u8(&b));
    if (b.failed)
        return;
    if (pid == 0)
        read_pat(s, b);
    else if (pid == s->pmt_pid && s->pid < 0)
        read_pmt(s, b);
    else if (pid == s->pid)
        read_pes(s, b);
}

bool weir_ts_scan_until(struct weir_ts_scan *s, const struct weir_window *w, int64_t *first_ticks,
                        int64_t *until_ticks)
{
    while (w->size_bytes - s->pos >= PACKET_BYTES) {
        if (w->data[s->pos] != 0x47) {
            s->pos++; // sync lost: look for it byte by byte
            continue;
        }
        read_packet(s, w->data + s->pos);
        s->pos += PACKET_BYTES;
    }
    *first_ticks = s->first;
    *until_ticks = s->newest;
    return s->first >= 0;
}
