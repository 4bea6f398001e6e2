// cli/terminal.h — the terminal that the command was started on: keys read one by one without echo,
// and everything put back whatever ends or stops the program. One per process: a terminal's modes
// and signals are process-wide.
#ifndef WEIR_CLI_TERMINAL_H
#define WEIR_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Read keys from standard input: no echo, no lines; Ctrl-C and Ctrl-Z keep their meaning. Restored
// at exit() and around Ctrl-Z (handlers of SIGTSTP and SIGCONT are installed, unless they were
// ignored). False: it is no terminal.
bool weir_terminal_open(void);
// Put the terminal back as it was; safe in signal handlers and more than once. Handlers for signals
// that end the process call this first.
void weir_terminal_restore(void);
// Bytes typed since, at most `size_bytes`; 0 when there are none, no terminal, or the process is in
// the background. Never waits.
size_t weir_terminal_read(uint8_t *bytes, size_t size_bytes);
// True once after the process was stopped and continued: what was drawn is gone.
bool weir_terminal_resumed(void);
// File descriptor to poll for keys; −1: not open.
int weir_terminal_fd(void);

// Width of the terminal at `fd` in columns; 80 where it does not tell.
size_t weir_terminal_columns(int fd);
// Whether the user's locale (LC_ALL, LC_CTYPE, LANG) writes UTF-8. Changes no locale.
bool weir_terminal_utf8(void);

#endif
