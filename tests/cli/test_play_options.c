// tests/cli/test_play_options.c — the command line of `weir play`: what it sets, and what it
// refuses with which exit code and which line on standard error.
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/play_options.h"
#include "cli/report.h"

#define COUNT(a)       (sizeof(a) / sizeof((a)[0]))
#define WORDS_MAX      64
#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

struct said {
    char out[16384], err[2048];
};

static void capture(int fd, const char *name, char *text, size_t room, int *saved, bool begin)
{
    if (begin) {
        *saved = dup(fd);
        int file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
        assert_true(*saved >= 0 && file >= 0);
        assert_true(dup2(file, fd) == fd);
        (void)close(file);
        return;
    }
    ssize_t n = pread(fd, text, room - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    assert_true(dup2(*saved, fd) == fd);
    (void)close(*saved);
    (void)unlink(name);
}

// Parse; what was printed goes to `said`.
static int parse(const char *const *arguments, struct weir_play_options *o, int *code,
                 struct said *said)
{
    char *argv[WORDS_MAX] = {(char *)"play"};
    int argc = 1, saved_out, saved_err;
    for (; arguments[argc - 1]; argc++)
        argv[argc] = (char *)arguments[argc - 1];
    (void)fflush(stdout);
    capture(1, "play_options.out", NULL, 0, &saved_out, true);
    capture(2, "play_options.err", NULL, 0, &saved_err, true);
    int r = weir_play_options_parse(argc, argv, o, code);
    (void)fflush(stdout);
    (void)fflush(stderr);
    capture(2, "play_options.err", said->err, sizeof(said->err), &saved_err, false);
    capture(1, "play_options.out", said->out, sizeof(said->out), &saved_out, false);
    return r;
}

static struct weir_play_options accepted(const char *const *arguments)
{
    struct weir_play_options o;
    struct said said;
    int code = 99;
    if (parse(arguments, &o, &code, &said))
        fail_msg("refused: %s", said.err);
    assert_string_equal(said.err, "");
    assert_string_equal(said.out, "");
    return o;
}

static void defaults_are_those_of_the_interface(void **state)
{
    struct weir_play_options o = accepted(ARGUMENTS("http://x/"));
    (void)state;
    assert_string_equal(o.player.url, "http://x/");
    assert_int_equal(o.vo, WEIR_VO_SDL);
    assert_int_equal(o.player.audio_output, WEIR_AUDIO_DEVICE);
    assert_false(o.player.audio_required); // no sound device is no error unless one was asked for
    assert_int_equal(o.player.buffer_max_us, 60000000);
    assert_int_equal(o.player.startup_us, 240000);
    assert_int_equal(o.player.resume_us, 2000000);
    assert_int_equal(o.player.rung, -1);
    assert_true(o.player.abandon);
    assert_int_equal(o.loops, 1);
    assert_string_equal(o.player.abr, "weir");
}

static void values_arrive_where_they_belong(void **state)
{
    struct weir_play_options o = accepted(
        ARGUMENTS("--start", "1:30", "--duration=2.5", "URL", "--rung", "3", "--max-height", "720",
                  "--max-bitrate", "4000000", "--buffer-max", "30", "--startup", "1", "--resume",
                  ".5", "--abandon", "off", "--alang", "fi,en", "--audio-id", "7", "--seed", "42",
                  "--threads", "2", "--memory-limit", "64M", "--timeout", "9", "--http", "1.1",
                  "--loop", "3", "--user-agent", "me", "--referer", "http://r/", "--cookies", "jar",
                  "--netrc", "--insecure", "--proxy", "http://p/", "--ca-file", "ca.pem",
                  "--events", "e", "--summary", "-", "--framemd5", "f", "--abr", "bba0"));
    (void)state;
    assert_string_equal(o.player.url, "URL"); // operands may stand anywhere
    assert_int_equal(o.player.start_us, 90000000);
    assert_int_equal(o.player.duration_us, 2500000);
    assert_int_equal(o.player.rung, 3);
    assert_int_equal(o.player.max_height, 720);
    assert_int_equal(o.player.max_bitrate_bps, 4000000);
    assert_int_equal(o.player.buffer_max_us, 30000000);
    assert_int_equal(o.player.startup_us, 1000000);
    assert_int_equal(o.player.resume_us, 500000);
    assert_false(o.player.abandon);
    assert_string_equal(o.player.audio_languages, "fi,en");
    assert_string_equal(o.player.audio_id, "7");
    assert_int_equal(o.player.seed, 42);
    assert_int_equal(o.player.threads, 2);
    assert_int_equal(o.player.memory_limit_bytes, 64 << 20);
    assert_int_equal(o.player.timeout_us, 9000000);
    assert_int_equal(o.player.http_version, 11);
    assert_int_equal(o.loops, 3);
    assert_true(o.player.netrc && o.player.insecure);
    assert_string_equal(o.summary_path, "-");
    assert_string_equal(o.player.abr, "bba0");
}

static void outputs_settle(void **state)
{
    const struct {
        const char *const *arguments;
        enum weir_vo vo;
        enum weir_audio_output ao;
        bool required, untimed;
    } cases[] = {
        {ARGUMENTS("--headless", "u"), WEIR_VO_NULL, WEIR_AUDIO_NULL, false, false},
        {ARGUMENTS("--untimed", "u"), WEIR_VO_NULL, WEIR_AUDIO_NULL, false, true},
        {ARGUMENTS("--untimed", "--vo", "y4m:p", "u"), WEIR_VO_Y4M, WEIR_AUDIO_NULL, false, true},
        {ARGUMENTS("--untimed", "--ao", "wav:p", "u"), WEIR_VO_NULL, WEIR_AUDIO_WAV, false, true},
        {ARGUMENTS("--headless", "--ao", "wav:p", "u"), WEIR_VO_NULL, WEIR_AUDIO_WAV, false, false},
        {ARGUMENTS("--ao", "wav:p", "--headless", "u"), WEIR_VO_NULL, WEIR_AUDIO_WAV, false, false},
        {ARGUMENTS("--ao", "sdl", "u"), WEIR_VO_SDL, WEIR_AUDIO_DEVICE, true, false},
        {ARGUMENTS("--vo", "null", "--ao", "null", "u"), WEIR_VO_NULL, WEIR_AUDIO_NULL, false,
         false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct weir_play_options o = accepted(cases[i].arguments);
        assert_int_equal(o.vo, cases[i].vo);
        assert_int_equal(o.player.audio_output, cases[i].ao);
        assert_int_equal(o.player.audio_required, cases[i].required);
        assert_int_equal(o.player.untimed, cases[i].untimed);
    }
}

static void refusals_name_the_option(void **state)
{
    const struct {
        const char *const *arguments;
        int code;
        const char *line; // how standard error begins
    } cases[] = {
        {ARGUMENTS("--quiet"), WEIR_EXIT_USAGE, "weir: URL: nothing to play"},
        {ARGUMENTS("a", "b"), WEIR_EXIT_USAGE, "weir: b: one URL"},
        {ARGUMENTS("--bogus", "u"), WEIR_EXIT_USAGE, "weir: --bogus: no such option"},
        {ARGUMENTS("u", "--bogus"), WEIR_EXIT_USAGE, "weir: --bogus: no such option"},
        {ARGUMENTS("u", "--quiet", "--bogus=1", "--stats"), WEIR_EXIT_USAGE,
         "weir: --bogus=1: no such option"},
        {ARGUMENTS("u", "-x"), WEIR_EXIT_USAGE, "weir: -x: no such option"},
        {ARGUMENTS("-xyz", "u"), WEIR_EXIT_USAGE, "weir: -x: no such option"},
        {ARGUMENTS("u", "--start"), WEIR_EXIT_USAGE, "weir: --start: needs a value"},
        {ARGUMENTS("u", "--headless=1"), WEIR_EXIT_USAGE, "weir: --headless=1: takes no value"},
        {ARGUMENTS("--start", "abc", "u"), WEIR_EXIT_USAGE, "weir: --start: abc: wants"},
        {ARGUMENTS("--duration", "0", "u"), WEIR_EXIT_USAGE, "weir: --duration: 0: wants more"},
        {ARGUMENTS("--buffer-max", "0", "u"), WEIR_EXIT_USAGE, "weir: --buffer-max: 0: wants"},
        {ARGUMENTS("--timeout", "0", "u"), WEIR_EXIT_USAGE, "weir: --timeout: 0: wants"},
        {ARGUMENTS("--rung", "-1", "u"), WEIR_EXIT_USAGE, "weir: --rung: -1: wants a whole"},
        {ARGUMENTS("--rung", "1.5", "u"), WEIR_EXIT_USAGE, "weir: --rung: 1.5: wants a whole"},
        {ARGUMENTS("--threads", "17", "u"), WEIR_EXIT_USAGE, "weir: --threads: 17: wants"},
        {ARGUMENTS("--memory-limit", "0", "u"), WEIR_EXIT_USAGE, "weir: --memory-limit: 0: wants"},
        {ARGUMENTS("--abandon", "yes", "u"), WEIR_EXIT_USAGE, "weir: --abandon: yes: wants on"},
        {ARGUMENTS("--http", "4", "u"), WEIR_EXIT_USAGE, "weir: --http: 4: wants"},
        {ARGUMENTS("--header", "no colon", "u"), WEIR_EXIT_USAGE, "weir: --header: no colon"},
        {ARGUMENTS("--header", ": v", "u"), WEIR_EXIT_USAGE, "weir: --header: : v: wants"},
        {ARGUMENTS("--header", "K: v\nX: y", "u"), WEIR_EXIT_USAGE, "weir: --header: "},
        {ARGUMENTS("--vo", "vga", "u"), WEIR_EXIT_USAGE, "weir: --vo: vga: wants"},
        {ARGUMENTS("--vo", "y4m:", "u"), WEIR_EXIT_USAGE, "weir: --vo: y4m:: wants"},
        {ARGUMENTS("--vo", "gpu", "u"), WEIR_EXIT_UNSUPPORTED, "weir: --vo gpu|shm: not built yet"},
        {ARGUMENTS("--ao", "wav:", "u"), WEIR_EXIT_USAGE, "weir: --ao: wav:: wants"},
        {ARGUMENTS("--slang", "en", "u"), WEIR_EXIT_UNSUPPORTED, "weir: --slang: not built yet"},
        {ARGUMENTS("--virtual", "u"), WEIR_EXIT_USAGE, "weir: --virtual: "},
        {ARGUMENTS("--rtt-ms", "50", "u"), WEIR_EXIT_USAGE, "weir: --rtt-ms"},
        {ARGUMENTS("--trace", "t", "--decode", "off", "u"), WEIR_EXIT_USAGE, "weir: --decode: "},
        {ARGUMENTS("--trace", "t", "--virtual", "--untimed", "u"), WEIR_EXIT_USAGE,
         "weir: --untimed: "},
        {ARGUMENTS("--events", "-", "--summary", "-", "u"), WEIR_EXIT_USAGE,
         "weir: -: only one output"},
        {ARGUMENTS("--ao", "wav:-", "--framemd5", "-", "u"), WEIR_EXIT_USAGE,
         "weir: -: only one output"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct weir_play_options o;
        struct said said;
        int code = 99;
        assert_true(parse(cases[i].arguments, &o, &code, &said) != 0);
        if (strncmp(said.err, cases[i].line, strlen(cases[i].line)) != 0)
            fail_msg("case %zu says \"%s\"", i, said.err);
        assert_int_equal(code, cases[i].code);
        assert_string_equal(said.out, "");
    }
}

static void headers_are_counted(void **state)
{
    const char *arguments[2 * (WEIR_HEADERS_MAX + 1) + 2];
    struct weir_play_options o;
    struct said said;
    int n = 0, code = 0;
    (void)state;
    for (int i = 0; i < 30; i++) {
        arguments[n++] = "--header";
        arguments[n++] = "K: v";
    }
    arguments[n++] = "u";
    arguments[n] = NULL;
    assert_int_equal(parse(arguments, &o, &code, &said), 0);
    assert_int_equal(o.player.header_count, 30);
    assert_string_equal(o.player.headers[29], "K: v");
}

static void help_goes_to_standard_output(void **state)
{
    static const char *const wanted[] = {"usage: weir play", "--memory-limit BYTES", "--untimed",
                                         "keys, in the window"};
    struct weir_play_options o;
    struct said said;
    (void)state;
    for (int i = 0; i < 2; i++) {
        int code = 99;
        assert_true(parse(i ? ARGUMENTS("-h") : ARGUMENTS("--help"), &o, &code, &said) != 0);
        assert_int_equal(code, WEIR_EXIT_OK);
        assert_string_equal(said.err, "");
        for (size_t k = 0; k < COUNT(wanted); k++)
            assert_non_null(strstr(said.out, wanted[k]));
    }
    int code = 99;
    assert_true(parse(ARGUMENTS("--abr", "help"), &o, &code, &said) != 0);
    assert_int_equal(code, WEIR_EXIT_OK);
    assert_non_null(strstr(said.out, "bola"));
    assert_non_null(strstr(said.out, "bba0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_interface),
        cmocka_unit_test(values_arrive_where_they_belong),
        cmocka_unit_test(outputs_settle),
        cmocka_unit_test(refusals_name_the_option),
        cmocka_unit_test(headers_are_counted),
        cmocka_unit_test(help_goes_to_standard_output),
    };
    return cmocka_run_group_tests_name("play_options", tests, NULL, NULL);
}
