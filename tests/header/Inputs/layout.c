/* What readers of an object rely on; a change needs another GATE_ABI_VERSION, and then new figures
 * here. */
#include "gate_rt.h"

_Static_assert(GATE_ABI_VERSION == 2, "the figures below are those of version 2");
_Static_assert(sizeof(gate_counts) == 32, "gate_counts");
_Static_assert(offsetof(gate_counts, taken) == 16 && offsetof(gate_counts, nan) == 24,
               "gate_counts");
_Static_assert(sizeof(gate_decision_info) == 32, "gate_decision_info");
_Static_assert(sizeof(gate_tensor_info) == 136, "gate_tensor_info");
_Static_assert(sizeof(gate_knob_info) == 104, "gate_knob_info");
_Static_assert(sizeof(gate_extent_info) == 16, "gate_extent_info");
_Static_assert(sizeof(gate_weight_spec) == 80, "gate_weight_spec");
_Static_assert(sizeof(gate_info) == 184 && offsetof(gate_info, abi_version) == 0, "gate_info");
_Static_assert(offsetof(gate_info, decision) == 160, "gate_info");
_Static_assert(offsetof(gate_info, externs) == 180, "gate_info");
_Static_assert(GATE_FLAT_ROUTED == 4096 && GATE_NAN_REFUSED == 8, "gate_status");
