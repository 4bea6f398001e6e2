#include "cli/control.h"
void weir_control_open(struct weir_control *c, const struct weir_play_options *o, struct weir_outputs *outputs) { c->options=o; c->outputs=outputs; }
void weir_control_attach(struct weir_control *c, struct weir_player *player) { c->player=player; }
void weir_control_detach(struct weir_control *c) { c->player=0; }
void weir_control_close(struct weir_control *c) { (void)c; }
bool weir_control_poll(struct weir_control *c) { return c->quit; }
bool weir_control_wants_input(const struct weir_control *c) { (void)c; return false; }
