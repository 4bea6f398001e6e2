// tests/player/media.h — the small ladder (scripts/make_ladder.sh --small, made by the e2e_media
// fixture) for tests that play it in-process: its manifest read, its segments in a pool.
#ifndef WEIR_TESTS_PLAYER_MEDIA_H
#define WEIR_TESTS_PLAYER_MEDIA_H

#include "core/segment.h"
#include "demux/demux.h"
#include "manifest/presentation.h"

#define MEDIA_FOLDER         WEIR_BINARY_DIR "/media"
#define MEDIA_FPS            25
#define MEDIA_SEGMENT_FRAMES 50

bool media_is_there(void); // says so where it is not
// The bytes of a file below MEDIA_FOLDER; free() them. Fails the test when it cannot be read.
uint8_t *media_file(const char *name, size_t *size_bytes);
struct weir_presentation *media_presentation(const char *manifest);
// Segment `index` of a representation of dash-number as a unit; `init` is complete, `media` empty.
struct weir_media_unit media_unit(struct weir_segment_pool *pool,
                                  const struct weir_representation *rep, int64_t index,
                                  uint64_t serial);
// The bytes of that segment.
uint8_t *media_bytes(const struct weir_representation *rep, int64_t index, size_t *size_bytes);

#endif
