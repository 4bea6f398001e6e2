// tests/cli/test_terminal.c — a program on a terminal of its own (a pty): keys come one by one, and
// the terminal's modes are as before after exit, after a signal, and while the program is stopped.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/status.h"
#include "cli/terminal.h"

struct program {
    int master, report;
    pid_t shell, pid;
};

static void on_term(int signal_number)
{
    (void)signal_number;
    weir_terminal_restore();
    _exit(42);
}

static void say(const char *text)
{
    if (write(STDOUT_FILENO, text, strlen(text)) < 0)
        _exit(1);
}

// What runs on the pty: tells each key, and when it was resumed; 'x' exits, 'b' ends by _exit() out
// of a handler.
static void child_main(void)
{
    signal(SIGTERM, on_term);
    if (!weir_terminal_open())
        _exit(3);
    say("ready;");
    for (;;) {
        uint8_t byte;
        struct pollfd input = {.fd = weir_terminal_fd(), .events = POLLIN};
        poll(&input, 1, 20);
        if (weir_terminal_resumed())
            say("resumed;");
        while (weir_terminal_read(&byte, 1) == 1) {
            char text[] = {'k', (char)byte, ';', '\0'};
            say(text);
            if (byte == 'x')
                exit(0);
        }
    }
}

// The kernel stops only what a job-control shell in the same session could continue, so the
// program's parent plays that shell: it gives it the terminal and reports each change of its state.
static void shell_main(int report)
{
    int status;
    signal(SIGTTOU, SIG_IGN);
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        tcsetpgrp(STDIN_FILENO, getpid());
        signal(SIGTTOU, SIG_DFL);
        child_main();
    }
    if (write(report, &pid, sizeof(pid)) < 0)
        _exit(1);
    while (waitpid(pid, &status, WUNTRACED) == pid) {
        if (write(report, &status, sizeof(status)) < 0 || !WIFSTOPPED(status))
            break;
    }
    // The terminal lives until the test has looked at it.
    pause();
    _exit(0);
}

static struct program start(void)
{
    struct program p;
    int report[2];
    assert_int_equal(pipe(report), 0);
    p.shell = forkpty(&p.master, NULL, NULL, NULL);
    assert_true(p.shell >= 0);
    if (p.shell == 0)
        shell_main(report[1]);
    close(report[1]);
    p.report = report[0];
    assert_int_equal(read(p.report, &p.pid, sizeof(p.pid)), sizeof(p.pid));
    return p;
}

// The program's next change of state, as of waitpid(); fails when none comes.
static int next_status(const struct program *p)
{
    int status;
    struct pollfd report = {.fd = p->report, .events = POLLIN};
    assert_int_equal(poll(&report, 1, 10000), 1);
    assert_int_equal(read(p->report, &status, sizeof(status)), sizeof(status));
    return status;
}

// Read until `want` has come; fails after some seconds.
static void expect(const struct program *p, const char *want)
{
    char got[4096] = "";
    size_t len = 0;
    struct pollfd output = {.fd = p->master, .events = POLLIN};
    for (int i = 0; i < 200 && !strstr(got, want); i++) {
        if (poll(&output, 1, 50) > 0) {
            ssize_t n = read(p->master, got + len, sizeof(got) - len - 1);
            len += n > 0 ? (size_t)n : 0;
            got[len] = '\0';
        }
    }
    if (!strstr(got, want))
        fail_msg("waited for \"%s\", got \"%s\"", want, got);
    // What the program did not say itself is echo, and must not be there.
    assert_null(strstr(got, "zz"));
}

static void type(const struct program *p, const char *keys)
{
    assert_int_equal(write(p->master, keys, strlen(keys)), strlen(keys));
}

// Modes are the terminal's: the master sees them. They change soon after what was seen.
static void expect_raw(const struct program *p, bool raw)
{
    struct termios modes;
    for (int i = 0; i < 200; i++) {
        assert_int_equal(tcgetattr(p->master, &modes), 0);
        bool is_raw = !(modes.c_lflag & (ICANON | ECHO));
        bool is_cooked = (modes.c_lflag & ICANON) && (modes.c_lflag & ECHO);
        if (raw ? is_raw : is_cooked) {
            assert_true(modes.c_lflag & ISIG);
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    fail_msg("the terminal is not %s", raw ? "raw" : "restored");
}

static int finish(struct program *p)
{
    int status = next_status(p);
    kill(p->shell, SIGKILL);
    waitpid(p->shell, NULL, 0);
    close(p->master);
    close(p->report);
    return status;
}

static void keys_come_one_by_one_without_echo(void **state)
{
    (void)state;
    struct program p = start();
    expect(&p, "ready;");
    expect_raw(&p, true);
    type(&p, "q");
    expect(&p, "kq;");
    type(&p, "zx");
    expect(&p, "kz;kx;");
    int status = finish(&p);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void exit_restores_the_terminal(void **state)
{
    (void)state;
    struct program p = start();
    expect(&p, "ready;");
    expect_raw(&p, true);
    type(&p, "x");
    expect(&p, "kx;");
    expect_raw(&p, false);
    finish(&p);
}

static void signal_handlers_can_restore_the_terminal(void **state)
{
    (void)state;
    struct program p = start();
    expect(&p, "ready;");
    kill(p.pid, SIGTERM);
    expect_raw(&p, false);
    int status = finish(&p);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

// Ctrl-Z: the terminal is the shell's while the program is stopped, and ours again when it goes on.
static void stopping_restores_and_continuing_takes_it_again(void **state)
{
    (void)state;
    struct program p = start();
    expect(&p, "ready;");
    for (int round = 0; round < 2; round++) {
        expect_raw(&p, true);
        type(&p, "\x1A"); // Ctrl-Z
        assert_true(WIFSTOPPED(next_status(&p)));
        expect_raw(&p, false);
        kill(p.pid, SIGCONT);
        expect(&p, "resumed;");
        expect_raw(&p, true);
    }
    type(&p, "x");
    expect(&p, "kx;");
    finish(&p);
}

static void without_a_terminal_there_are_no_keys(void **state)
{
    (void)state;
    int saved = dup(STDIN_FILENO);
    int null = open("/dev/null", O_RDONLY);
    dup2(null, STDIN_FILENO);
    uint8_t byte;
    assert_false(weir_terminal_open());
    assert_int_equal(weir_terminal_fd(), -1);
    assert_int_equal(weir_terminal_read(&byte, 1), 0);
    weir_terminal_restore();
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(null);
}

static void status_line_is_drawn_in_place_on_a_terminal_only(void **state)
{
    (void)state;
    struct program p;
    int slave;
    struct winsize size = {.ws_row = 24, .ws_col = 40};
    assert_int_equal(openpty(&p.master, &slave, NULL, NULL, &size), 0);
    setenv("TERM", "xterm", 1);
    struct weir_status_line line;
    const struct weir_status_view view = {
        .position_us = 5000000, .duration_us = 9000000, .volume_percent = 100};
    weir_status_line_init(&line, slave);
    weir_status_line_draw(&line, &view);
    weir_status_line_clear(&line);
    weir_status_line_clear(&line);
    char got[512] = "";
    ssize_t len = read(p.master, got, sizeof(got) - 1);
    assert_true(len > 0);
    assert_int_equal(strncmp(got, "\r0:05 / 0:09", 12), 0);
    assert_non_null(strstr(got, "\x1B[K\r\x1B[K"));
    assert_null(strchr(got, '\n'));
    close(slave);
    close(p.master);

    int ends[2];
    assert_int_equal(pipe(ends), 0);
    weir_status_line_init(&line, ends[1]);
    weir_status_line_draw(&line, &view);
    weir_status_line_finish(&line);
    close(ends[1]);
    assert_int_equal(read(ends[0], got, sizeof(got)), 0);
    close(ends[0]);
}

static void locale_decides_on_utf8(void **state)
{
    (void)state;
    setenv("LC_ALL", "C.UTF-8", 1);
    assert_true(weir_terminal_utf8());
    setenv("LC_ALL", "C", 1);
    assert_false(weir_terminal_utf8());
    unsetenv("LC_ALL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_terminal_there_are_no_keys),
        cmocka_unit_test(keys_come_one_by_one_without_echo),
        cmocka_unit_test(exit_restores_the_terminal),
        cmocka_unit_test(signal_handlers_can_restore_the_terminal),
        cmocka_unit_test(stopping_restores_and_continuing_takes_it_again),
        cmocka_unit_test(status_line_is_drawn_in_place_on_a_terminal_only),
        cmocka_unit_test(locale_decides_on_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
