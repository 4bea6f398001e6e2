// tests/demux/fuzz_demux_scan.c — what looks at bytes before libavformat does: container
// recognition, ID3 tags, the MPEG-TS scan, over a window that grows.
#include <stdint.h>
#include <stdlib.h>

#include "demux/sniff.h"
#include "demux/ts_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    struct weir_ts_scan scans[2];
    weir_ts_scan_start(&scans[0], true);
    weir_ts_scan_start(&scans[1], false);
    for (size_t published = 0;;) {
        struct weir_window w = {
            .data = data, .size_bytes = published, .complete = published == size_bytes};
        enum weir_container container;
        size_t need_bytes = 0, tag_bytes = 0;
        int64_t timestamp, first, until;
        int err = weir_sniff(&w, &container, &need_bytes);
        if (err &&
            (w.complete || need_bytes <= published)) // asking for what is there would never end
            abort();
        err = weir_sniff_id3(&w, &tag_bytes, &timestamp, &need_bytes);
        if (!err && (tag_bytes > published || timestamp >= INT64_C(1) << 33))
            abort();
        for (int i = 0; i < 2; i++) {
            if (weir_ts_scan_until(&scans[i], &w, &first, &until) && until < first)
                abort();
        }
        if (w.complete)
            return 0;
        published += size_bytes - published < 97 ? size_bytes - published : 97;
    }
}
