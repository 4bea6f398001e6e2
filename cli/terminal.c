// cli/terminal.c — termios and job control. The handlers use only async-signal-safe calls
// (signal-safety(7)): tcsetattr, sigaction, pthread_sigmask, raise, tcgetpgrp.
#include "cli/terminal.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

// The one place in Weir with changing globals: signal handlers get no argument. Written before the
// handlers are installed, but for the flags.
static struct termios before, raw;
static volatile sig_atomic_t opened, active, resumed;

// A process in the background that touches the terminal is stopped by the kernel (SIGTTOU,
// SIGTTIN).
static bool in_foreground(void)
{
    return tcgetpgrp(STDIN_FILENO) == getpgrp();
}

static void enter(void)
{
    if (opened && in_foreground() && tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0)
        active = 1;
}

void weir_terminal_restore(void)
{
    int saved = errno;
    if (active && in_foreground())
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
    active = 0;
    errno = saved;
}

static void on_continue(int signal_number)
{
    (void)signal_number;
    int saved = errno;
    enter();
    resumed = 1;
    errno = saved;
}

static void set_handler(int signal_number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    (void)sigaction(signal_number, &action, NULL);
}

// Stop as the signal would have stopped us, but with the terminal restored.
static void on_stop(int signal_number)
{
    int saved = errno;
    sigset_t set;
    weir_terminal_restore();
    set_handler(signal_number, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, signal_number);
    (void)raise(signal_number);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL); // here the process stops
    set_handler(signal_number, on_stop);
    errno = saved;
}

// A signal that was ignored when we were started stays so (a shell without job control).
static void handle_unless_ignored(int signal_number, void (*handler)(int))
{
    struct sigaction old;
    if (sigaction(signal_number, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
        set_handler(signal_number, handler);
}

bool weir_terminal_open(void)
{
    if (opened)
        return true;
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0)
        return false;
    raw = before;
    raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO); // ISIG stays: Ctrl-C, Ctrl-Z
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    if (atexit(weir_terminal_restore) != 0)
        return false;
    opened = 1;
    handle_unless_ignored(SIGTSTP, on_stop);
    handle_unless_ignored(SIGCONT, on_continue);
    enter();
    return true;
}

int weir_terminal_fd(void)
{
    return opened ? STDIN_FILENO : -1;
}

size_t weir_terminal_read(uint8_t *bytes, size_t size_bytes)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (!active || !in_foreground() || poll(&input, 1, 0) <= 0 || !(input.revents & POLLIN))
        return 0;
    ssize_t got = read(STDIN_FILENO, bytes, size_bytes);
    return got > 0 ? (size_t)got : 0;
}

bool weir_terminal_resumed(void)
{
    bool was = resumed;
    resumed = 0;
    return was;
}

size_t weir_terminal_columns(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

bool weir_terminal_utf8(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (locale == (locale_t)0)
        return false;
    bool utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
    freelocale(locale);
    return utf8;
}
