// cli/quiet.h — libraries below SDL that write to standard error by themselves are told not to: an
// error of Weir's is one line. For the command only: such settings are process-wide.
#ifndef WEIR_CLI_QUIET_H
#define WEIR_CLI_QUIET_H

void weir_quiet_libraries(void);

#endif
