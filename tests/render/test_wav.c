// tests/render/test_wav.c — WAV files as ffmpeg reads them back: the same samples, rate and
// channels.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libavutil/channel_layout.h>

#include "render/audio.h"
#include "tests/render/media.h"

static void write_frames(const char *path, struct media_frames frames,
                         struct weir_copy_counters *copies)
{
    struct weir_audio_writer *w = NULL;
    struct weir_error error = {0};
    assert_int_equal(weir_audio_wav_create(path, copies, &w, &error), 0);
    for (size_t i = 0; i < frames.count; i++)
        assert_int_equal(weir_audio_writer_write(w, frames.items[i], &error), 0);
    assert_int_equal(weir_audio_writer_finish(w, &error), 0);
    weir_audio_writer_destroy(&w);
    assert_null(w);
}

static void samples_come_back_unchanged(void **state)
{
    (void)state;
    static const struct {
        const char *name, *make;
    } cases[] = {
        {"aac stereo",
         "-f lavfi -i sine=440:duration=1:sample_rate=44100 -ac 2 -c:a aac -aac_pns 0 -f adts"},
        {"s16 mono", "-f lavfi -i sine=440:duration=1:sample_rate=48000 -c:a pcm_s16le -f nut"},
        {"flac 5.1", "-f lavfi -i anoisesrc=d=0.5:r=48000:seed=1 -ac 6 -c:a flac -f flac"},
        {"u8 8 kHz", "-f lavfi -i sine=440:duration=1:sample_rate=8000 -c:a pcm_u8 -f nut"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weir_copy_counters copies = {0};
        const char *in = media_path("in.sound");
        const char *out = media_path("out.wav");
        free(media_run("ffmpeg -v error -y %s %s", cases[i].make, in));
        struct media_frames frames = media_decode(in, true, true);
        write_frames(out, frames, &copies);
        // The reference decodes the same frames: no trimming by the container is in the way in
        // these formats.
        char *want =
            media_run("ffmpeg -v error -flags2 +skip_manual -i %s -f md5 -c:a pcm_f32le -", in);
        char *got = media_run("ffmpeg -v error -i %s -f md5 -c:a pcm_f32le -", out);
        if (strcmp(want, got) != 0)
            fail_msg("%s: wrote %s, read %s", cases[i].name, want, got);
        char *probe =
            media_run("ffprobe -v error -show_entries stream=codec_name,sample_rate,channels,"
                      "channel_layout -of csv=p=0 %s",
                      out);
        char expect[64];
        snprintf(expect, sizeof(expect), "pcm_f32le,%d,%d", frames.items[0]->sample_rate,
                 frames.items[0]->ch_layout.nb_channels);
        if (strncmp(probe, expect, strlen(expect)) != 0 || copies.render_bytes <= 0)
            fail_msg("%s: %s is not %s", cases[i].name, probe, expect);
        if (frames.items[0]->ch_layout.nb_channels == 6)
            assert_non_null(strstr(probe, "5.1"));
        free(want);
        free(got);
        free(probe);
        media_frames_clear(&frames);
    }
}

static void sizes_in_the_header_are_exact(void **state)
{
    (void)state;
    const char *in = media_path("in.sound");
    const char *out = media_path("out.wav");
    free(media_run("ffmpeg -v error -y -f lavfi -i sine=440:duration=1:sample_rate=8000 -c:a "
                   "pcm_s16le -f nut %s",
                   in));
    struct media_frames frames = media_decode(in, true, true);
    write_frames(out, frames, NULL);
    size_t size;
    char *wav = media_read(out, &size);
    uint32_t riff, data;
    memcpy(&riff, wav + 4, 4);
    memcpy(&data, wav + size - 8000 * 4 - 4, 4);
    assert_int_equal(riff, size - 8);
    assert_int_equal(data, 8000 * 4);
    free(wav);
    media_frames_clear(&frames);
}

static AVFrame *tone(int rate_hz, int channels, int samples)
{
    AVFrame *frame = av_frame_alloc();
    frame->format = AV_SAMPLE_FMT_FLTP;
    frame->sample_rate = rate_hz;
    frame->nb_samples = samples;
    av_channel_layout_default(&frame->ch_layout, channels);
    assert_int_equal(av_frame_get_buffer(frame, 0), 0);
    for (int c = 0; c < channels; c++) {
        for (int i = 0; i < samples; i++)
            ((float *)(void *)frame->extended_data[c])[i] = 0.25f;
    }
    return frame;
}

// The file keeps its first rate and channels; the second half is resampled to them, its length in
// seconds kept.
static void change_of_format_is_converted_to_the_first(void **state)
{
    (void)state;
    AVFrame *items[2] = {tone(48000, 2, 48000), tone(24000, 1, 24000)};
    const char *out = media_path("change.wav");
    write_frames(out, (struct media_frames){items, 2}, NULL);
    struct media_frames back = media_decode(out, true, true);
    int64_t samples = 0;
    for (size_t i = 0; i < back.count; i++)
        samples += back.items[i]->nb_samples;
    assert_in_range(samples, 2 * 48000 - 64, 2 * 48000 + 64);
    assert_int_equal(back.items[0]->ch_layout.nb_channels, 2);
    media_frames_clear(&back);
    av_frame_free(&items[0]);
    av_frame_free(&items[1]);
}

static void file_without_sound_is_still_valid(void **state)
{
    (void)state;
    const char *out = media_path("empty.wav");
    write_frames(out, (struct media_frames){0}, NULL);
    char *probe = media_run("ffprobe -v error -show_entries stream=codec_name -of csv=p=0 %s", out);
    assert_string_equal(probe, "pcm_f32le\n");
    free(probe);
}

static void pipe_gets_sound_too(void **state)
{
    (void)state;
    AVFrame *item = tone(48000, 2, 4800);
    const char *fifo = media_path("pipe.wav");
    free(media_run("mkfifo %s", fifo));
    free(media_run("(ffmpeg -v error -y -i %s %s; mv %s %s) >/dev/null 2>&1 &", fifo,
                   media_path("piped.part.wav"), media_path("piped.part.wav"),
                   media_path("piped.wav")));
    write_frames(fifo, (struct media_frames){&item, 1}, NULL);
    free(media_run("for i in $(seq 100); do test -e %s && exit 0; sleep 0.1; done; exit 1",
                   media_path("piped.wav")));
    struct media_frames back = media_decode(media_path("piped.wav"), true, true);
    int samples = 0;
    for (size_t i = 0; i < back.count; i++)
        samples += back.items[i]->nb_samples;
    assert_int_equal(samples, 4800);
    media_frames_clear(&back);
    av_frame_free(&item);
}

static void unusable_sound_and_full_disks_are_told(void **state)
{
    (void)state;
    struct weir_audio_writer *w = NULL;
    struct weir_error error = {0};
    assert_int_equal(weir_audio_wav_create("/dev/full", NULL, &w, &error), 0);
    AVFrame *frame = tone(48000, 2, 480);
    frame->sample_rate = 0;
    assert_int_equal(weir_audio_writer_write(w, frame, &error), WEIR_ERR_INVAL);
    frame->sample_rate = 48000;
    assert_int_equal(weir_audio_writer_write(w, frame, &error), 0);
    assert_int_equal(weir_audio_writer_finish(w, &error), WEIR_ERR_OUTPUT);
    assert_string_equal(error.where, "/dev/full");
    assert_string_equal(error.why, "No space left on device");
    weir_audio_writer_destroy(&w);
    av_frame_free(&frame);
}

int main(void)
{
    media_require("ffmpeg");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_come_back_unchanged),
        cmocka_unit_test(sizes_in_the_header_are_exact),
        cmocka_unit_test(change_of_format_is_converted_to_the_first),
        cmocka_unit_test(file_without_sound_is_still_valid),
        cmocka_unit_test(pipe_gets_sound_too),
        cmocka_unit_test(unusable_sound_and_full_disks_are_told),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    media_cleanup();
    return failed;
}
