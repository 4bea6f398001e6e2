// demux/mp4_fragment.h — walks the fragments of a segment (moof/traf/trun, ISO/IEC 14496-12, 8.8)
// and names one track's samples: where they lie, when they are shown. Reads the tables in place,
// sample by sample; holds no memory of its own, so that a copy of the struct is a look-ahead. Never
// waits: AGAIN says how many bytes must be published first.
#ifndef WEIR_DEMUX_MP4_FRAGMENT_H
#define WEIR_DEMUX_MP4_FRAGMENT_H

#include "demux/mp4_init.h"

struct weir_mp4_sample {
    size_t offset, size_bytes; // in the segment
    int64_t dts, pts;          // ticks, the edit list taken off
    int64_t duration;          // ticks
    bool key;
    uint32_t description; // 1-based index into stsd
};

struct weir_mp4_reader {
    const struct weir_mp4_track *track; // borrowed
    int64_t
        missing_tfdt_dts; // decode time (edit list not taken off) where a fragment does not tell
    size_t pos;           // next top-level box
    bool ended;
    // The moof we are in; moof_end 0: none.
    size_t moof_start, moof_end, moof_pos;
    size_t traf_count;     // trafs passed in this moof
    uint32_t moof_samples; // announced by its runs so far
    size_t data_end; // end of the data of the run before: where a run without an offset goes on
    // The traf we are in; traf_end 0: none.
    size_t traf_end, traf_pos;
    size_t base; // data offsets count from here
    uint32_t description, default_duration, default_size_bytes, default_flags;
    int64_t dts; // of the next sample, edit list not taken off
    bool dts_known;
    bool first_run;
    // The trun we are in.
    struct weir_bytes table;
    size_t trun_start;
    uint8_t trun_version;
    uint32_t trun_flags, first_sample_flags, samples_left;
    bool first_sample;
    size_t data_pos;
    // A sample already read from the table whose bytes were not all there.
    bool pending;
    struct weir_mp4_sample sample;
};

// Start at byte `pos` of a segment.
void weir_mp4_reader_start(struct weir_mp4_reader *r, const struct weir_mp4_track *track,
                           size_t pos, int64_t missing_tfdt_dts);
// The next sample that may be used: its bytes and WEIR_SEGMENT_PADDING_BYTES behind it are
// published, or the segment is complete. 0; AGAIN with *need_bytes; END; SYNTAX with the fault,
// after which the next call goes on behind the damage or says END.
int weir_mp4_reader_next(struct weir_mp4_reader *r, const struct weir_window *w,
                         struct weir_mp4_sample *out, size_t *need_bytes,
                         struct weir_mp4_fault *fault);
// The next sample of the table, whether or not its bytes are there. 0, AGAIN, END, SYNTAX as above.
int weir_mp4_reader_peek(struct weir_mp4_reader *r, const struct weir_window *w,
                         struct weir_mp4_sample *out, size_t *need_bytes,
                         struct weir_mp4_fault *fault);
// Leave the fragment we are in; the next sample comes from the one behind it.
void weir_mp4_reader_skip_fragment(struct weir_mp4_reader *r);

#endif
