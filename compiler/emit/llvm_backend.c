/* What gatec_llvm.so offers. */

#include "emit/backend.h"

const Backend gatec_backend = {
    .target_info = llvm_target_info,
    .print_host = llvm_print_host,
    .print_targets = llvm_print_targets,
    .print_cpus = llvm_print_cpus,
    .module = llvm_module,
    .jit_new = llvm_jit_new,
    .jit_symbol = llvm_jit_symbol,
    .jit_free = llvm_jit_free,
};
