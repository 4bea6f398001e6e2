// tests/render/display.c — starts Xvfb and takes screenshots of it.
#include "tests/render/display.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/render/media.h"

static pid_t server;
static pid_t manager;

void display_start(void)
{
    int ready[2];
    char number[16] = ":";
    media_require("Xvfb");
    media_require("import");
    if (pipe(ready) != 0)
        exit(1);
    server = fork();
    if (server == 0) {
        char fd[16];
        snprintf(fd, sizeof(fd), "%d", ready[1]);
        close(ready[0]);
        execlp("Xvfb", "Xvfb", "-displayfd", fd, "-screen", "0", "1000x700x24", "-nolisten", "tcp",
               "-noreset", (char *)NULL);
        _exit(127);
    }
    close(ready[1]);
    // The server writes the number and the newline one after the other.
    ssize_t len = 0, got = 1;
    while (got > 0 && len < (ssize_t)sizeof(number) - 2 && !strchr(number, '\n')) {
        got = read(ready[0], number + 1 + len, sizeof(number) - 2 - (size_t)len);
        len += got > 0 ? got : 0;
    }
    close(ready[0]);
    if (!strchr(number, '\n')) {
        fprintf(stderr, "skipped: Xvfb does not start here\n");
        exit(77);
    }
    number[strcspn(number, "\n")] = '\0';
    setenv("DISPLAY", number, 1);
    setenv("SDL_VIDEODRIVER", "x11", 1);
    unsetenv("SDL_RENDER_DRIVER");
}

bool display_window_manager(void)
{
    if (manager > 0)
        return true;
    if (system("command -v openbox >/dev/null") != 0)
        return false;
    manager = fork();
    if (manager == 0) {
        if (!freopen("/dev/null", "w", stderr) || !freopen("/dev/null", "w", stdout))
            _exit(127);
        execlp("openbox", "openbox", "--sm-disable", (char *)NULL);
        _exit(127);
    }
    // It has taken over when it announces itself on the root window.
    for (int i = 0; i < 100; i++) {
        if (system("xprop -root _NET_SUPPORTING_WM_CHECK 2>/dev/null | grep -q window") == 0)
            return true;
        usleep(50000);
    }
    return false;
}

void display_stop(void)
{
    if (manager > 0) {
        kill(manager, SIGTERM);
        waitpid(manager, NULL, 0);
    }
    kill(server, SIGTERM);
    waitpid(server, NULL, 0);
}

struct display_image display_read(const char *path)
{
    size_t size;
    struct display_image image = {0};
    free(media_run("convert '%s' -depth 8 ppm:%s", path, media_path("image.ppm")));
    char *ppm = media_read(media_path("image.ppm"), &size);
    int header;
    assert_int_equal(sscanf(ppm, "P6 %d %d 255%n", &image.width, &image.height, &header), 2);
    image.rgb = malloc((size_t)image.width * (size_t)image.height * 3);
    assert_int_equal(size, (size_t)header + 1 + (size_t)image.width * (size_t)image.height * 3);
    memcpy(image.rgb, ppm + header + 1, size - (size_t)header - 1);
    free(ppm);
    return image;
}

struct display_image display_window(const char *title)
{
    const char *path = media_path("window.png");
    free(media_run("import -silent -window '%s' %s", title, path));
    return display_read(path);
}

void display_image_clear(struct display_image *image)
{
    free(image->rgb);
    *image = (struct display_image){0};
}

void display_expect(const struct display_image *image, const char *what, int x, int y,
                    const uint8_t rgb[3], int tolerance)
{
    assert_in_range(x, 0, image->width - 1);
    assert_in_range(y, 0, image->height - 1);
    const uint8_t *got = image->rgb + ((size_t)y * (size_t)image->width + (size_t)x) * 3;
    for (int i = 0; i < 3; i++) {
        if (abs(got[i] - rgb[i]) > tolerance)
            fail_msg("%s: pixel %d,%d is %d,%d,%d, expected %d,%d,%d", what, x, y, got[0], got[1],
                     got[2], rgb[0], rgb[1], rgb[2]);
    }
}
