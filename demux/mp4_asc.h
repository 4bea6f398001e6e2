// demux/mp4_asc.h — AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2): the sample rate and channels that
// AAC really has, which the sample entry around it may not tell.
#ifndef WEIR_DEMUX_MP4_ASC_H
#define WEIR_DEMUX_MP4_ASC_H

#include <libavcodec/avcodec.h>

// Sets sample_rate, ch_layout, profile and frame_size as far as the configuration tells; else
// leaves them alone.
void weir_mp4_asc_apply(const uint8_t *asc, size_t size_bytes, AVCodecParameters *par);

#endif
