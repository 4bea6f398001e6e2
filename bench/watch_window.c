// bench/watch_window.c — starts a player and looks at the screen: when does the first picture show,
// and every later one? The screen is Xvfb's own memory (Xvfb -fbdir), so looking costs the X server
// and the player nothing. All players are measured alike; time 0 is just before exec.
//
// Writes OUT: one JSON line of times, then per picture kept one thinned grey screen (for the
// frame counter to be read from). A picture is many colours where there were none; a new picture is
// any change; its time is that of the first change seen, its image is kept once it holds still.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <X11/XWDFile.h>
#include <arpa/inet.h>

#define POLL_NS       1000000 // 1 kHz
#define GRID_X        96
#define GRID_Y        54
#define POINTS        (GRID_X * GRID_Y)
#define COLOURS_LEAST 40 // a window's border, a logo or plain text has fewer
#define PICTURES_MAX  600
#define STEP          2 // of the thinned screens
#define SETTLE_US     15000

struct screen {
    const uint8_t *pixels;
    size_t width, height, line;
};

struct picture {
    int64_t at_us;
    bool kept;
};

static int64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static struct screen open_screen(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st))
        die(path);
    const uint8_t *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        die(path);
    (void)close(fd);
    XWDFileHeader h; // big-endian
    memcpy(&h, map, sizeof(h));
    if (ntohl(h.bits_per_pixel) != 32) {
        (void)fprintf(stderr, "watch_window: need a screen of 32 bits a pixel\n");
        exit(2);
    }
    size_t start = ntohl(h.header_size) + (size_t)ntohl(h.ncolors) * sizeof(XWDColor);
    return (struct screen){.pixels = map + start,
                           .width = ntohl(h.pixmap_width),
                           .height = ntohl(h.pixmap_height),
                           .line = ntohl(h.bytes_per_line)};
}

static uint32_t pixel(const struct screen *s, size_t x, size_t y)
{
    uint32_t v;
    memcpy(&v, s->pixels + y * s->line + x * 4, sizeof(v));
    return v & 0xffffff;
}

static void sample(const struct screen *s, uint32_t *out)
{
    for (size_t j = 0; j < GRID_Y; j++)
        for (size_t i = 0; i < GRID_X; i++)
            out[j * GRID_X + i] = pixel(s, (2 * i + 1) * s->width / (2 * GRID_X),
                                        (2 * j + 1) * s->height / (2 * GRID_Y));
}

static int by_value(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x > y) - (x < y);
}

static bool is_picture(const uint32_t *points)
{
    uint32_t sorted[POINTS];
    int colours = 1;
    memcpy(sorted, points, sizeof(sorted));
    qsort(sorted, POINTS, sizeof(sorted[0]), by_value);
    for (int i = 1; i < POINTS; i++)
        colours += sorted[i] != sorted[i - 1];
    return colours >= COLOURS_LEAST;
}

static void keep_screen(const struct screen *s, FILE *out)
{
    for (size_t y = 0; y < s->height; y += STEP)
        for (size_t x = 0; x < s->width; x += STEP) {
            uint32_t v = pixel(s, x, y);
            (void)fputc((int)(((v >> 16 & 255) * 77 + (v >> 8 & 255) * 150 + (v & 255) * 29) >> 8),
                        out);
        }
}

// Ten more pictures within one and a half times their due time: motion began at the first of them.
static int motion_index(const struct picture *p, int count, int64_t frame_us)
{
    for (int i = 0; i + 10 < count; i++)
        if (p[i + 10].at_us - p[i].at_us <= 15 * frame_us)
            return i;
    return -1;
}

static pid_t start(char **argv, const char *log_path)
{
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR),
            log = open(log_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        (void)setpgid(0, 0);
        (void)setpriority(PRIO_PROCESS, 0, 0);
        (void)dup2(null, 0);
        (void)dup2(log >= 0 ? log : null, 1);
        (void)dup2(log >= 0 ? log : null, 2);
        (void)execvp(argv[0], argv);
        _exit(127);
    }
    return pid;
}

static void stop(pid_t pid, bool ended)
{
    if (ended)
        return;
    (void)kill(-pid, SIGTERM);
    for (int i = 0; i < 200; i++) {
        if (waitpid(pid, NULL, WNOHANG) == pid)
            return;
        (void)usleep(10000);
    }
    (void)kill(-pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
    if (argc < 8) {
        (void)fprintf(stderr,
                      "usage: watch_window SCREEN_FILE OUT LOG FRAME_US KEEP SECONDS COMMAND…\n");
        return 2;
    }
    static struct picture pictures[PICTURES_MAX];
    static uint32_t before[POINTS], seen[POINTS];
    struct screen screen = open_screen(argv[1]);
    int64_t frame_us = strtoll(argv[4], NULL, 10), limit_us = strtoll(argv[6], NULL, 10) * 1000000;
    int keep = (int)strtol(argv[5], NULL, 10), count = 0, kept = 0, motion = -1;
    char screens_path[4096];
    (void)snprintf(screens_path, sizeof(screens_path), "%s.screens", argv[2]);
    FILE *screens = fopen(screens_path, "wb"), *out = fopen(argv[2], "w");
    if (!screens || !out)
        die(argv[2]);
    // Looking in time matters more than the little it takes: ahead of the players, where allowed.
    (void)setpriority(PRIO_PROCESS, 0, -10);
    sample(&screen, before);
    int64_t t0_us = now_us(), changed_us = 0, last_look_us = t0_us, worst_gap_us = 0;
    pid_t pid = start(argv + 7, argv[3]);
    bool changing = false, ended = false;
    while (motion < 0 && count < PICTURES_MAX) {
        int64_t look_us = now_us();
        if (look_us - t0_us > limit_us)
            break;
        if (look_us - last_look_us > worst_gap_us)
            worst_gap_us = look_us - last_look_us;
        last_look_us = look_us;
        sample(&screen, seen);
        bool differs = memcmp(seen, before, sizeof(seen)) != 0;
        if (differs && !changing) {
            changing = true;
            changed_us = look_us;
        }
        // Still again, or something else already: one picture is complete.
        if (changing && (!differs || look_us - changed_us > SETTLE_US)) {
            changing = false;
            if (is_picture(seen)) {
                pictures[count].at_us = changed_us - t0_us;
                if (kept < keep) {
                    keep_screen(&screen, screens);
                    kept++;
                }
                count++;
                motion = motion_index(pictures, count, frame_us);
            }
        }
        memcpy(before, seen, sizeof(seen));
        if (waitpid(pid, NULL, WNOHANG) == pid) {
            ended = true;
            break;
        }
        struct timespec nap = {0, POLL_NS};
        (void)nanosleep(&nap, NULL);
    }
    stop(pid, ended);
    (void)fprintf(out,
                  "{\"width\": %zu, \"height\": %zu, \"step\": %d, \"kept\": %d, \"ended\": %s, "
                  "\"worst_gap\": %.4f, ",
                  screen.width, screen.height, STEP, kept, ended ? "true" : "false",
                  (double)worst_gap_us / 1e6);
    if (motion >= 0)
        (void)fprintf(out, "\"motion\": %.4f, ", (double)pictures[motion].at_us / 1e6);
    (void)fprintf(out, "\"pictures\": [");
    for (int i = 0; i < count; i++)
        (void)fprintf(out, "%s%.4f", i ? ", " : "", (double)pictures[i].at_us / 1e6);
    (void)fprintf(out, "]}\n");
    return fclose(out) || fclose(screens) ? 2 : 0;
}
