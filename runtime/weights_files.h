#ifndef GATE_WEIGHTS_FILES_H
#define GATE_WEIGHTS_FILES_H

/* From paths to mapped bytes; no part of the interface. */

#include "weights_impl.h"

/* Maps PATH and reads its header into 'file'. */
bool gate_weights_open_single(gate_weights_file *file, const char *path, uint64_t max_header,
                              gate_weights_error *error);

/* Reads the index at PATH, then every shard it names, from the directory of PATH. */
bool gate_weights_open_shards(gate_weights_file *file, const char *path, uint64_t max_header,
                              gate_weights_error *error);

#endif
