/* The C header of a module's networks: C11 and C++17, self-contained unless weights are passed by
 * pointer (then gate_rt.h describes the table that binds them). It is written from the same Abi as
 * the object, and asserts the sizes it was written with. */

#include "emit/abi.h"
#include "emit/emit.h"

#include "ir/eval.h"

#include "gate_rt.h"

#include <string.h>

typedef struct {
    StrBuf *out;
    Arena *arena;
    const Module *m;
    const EmitOptions *o;
    const Abi *abi;
    const char *up; /* the network's name for macros */
} Head;

/* Text inside a comment: names may come from a weight file. */
static const char *safe(Head *h, const char *s)
{
    char *r = arena_strndup(h->arena, s, strlen(s));
    for (char *p = r; *p; p++)
        if ((unsigned char)*p < 32 || (unsigned char)*p > 126 || *p == '*' || *p == '\\' ||
            *p == '?')
            *p = '_';
    return r;
}

static const char *text_of(Head *h, SymId s)
{
    return safe(h, abi_plain_name(h->arena, h->m, s));
}

/* ---- parts that all headers share ---- */

static const char status_block[] =
    "#ifndef GATE_STATUS_DEFINED\n"
    "#define GATE_STATUS_DEFINED\n"
    "/* Status of a run: a set of bits; 0 is success. */\n"
    "typedef uint32_t gate_status;\n"
    "enum {\n"
    "    GATE_OK = 0,\n"
    "    /* outputs and states are untouched: */\n"
    "    GATE_BAD_KNOB = %d,   /* a knob is outside its range, or NaN */\n"
    "    GATE_BAD_SHAPE = %d,  /* a run-time extent is negative or above its maximum */\n"
    "    GATE_BAD_INPUT = %d,  /* an index input is out of range, or a pointer is NULL or not "
    "aligned */\n"
    "    GATE_NAN_REFUSED = %d, /* a router that refuses NaN met a row of it */\n"
    "    /* the run is complete: */\n"
    "    GATE_BAD_INDEX = %d,  /* a computed subscript was out of range: reads gave 0, writes "
    "nothing "
    "*/\n"
    "    GATE_NAN_ROUTED = %d, /* a router met a row of NaN */\n"
    "    GATE_HALT_BOUND = %d, /* a loop stopped at its cap */\n"
    "    GATE_EMPTY = %d,      /* argmax or argmin over nothing gave index 0 */\n"
    "    GATE_FLAT_ROUTED = %d /* a router met a row of -inf: its lowest experts share equally */\n"
    "};\n"
    "#endif\n\n";

static const char counts_block[] =
    "#ifndef GATE_COUNTS_DEFINED\n"
    "#define GATE_COUNTS_DEFINED\n"
    "/* What a decision did, added up over calls of the network. */\n"
    "typedef struct gate_counts {\n"
    "    uint64_t calls; /* times it was made */\n"
    "    uint64_t rows;  /* rows it was made for; of the whole call: 1 */\n"
    "    uint64_t taken; /* rows it took: a gate opened, a router sent, a halt stopped */\n"
    "    uint64_t nan;   /* rows of NaN that a router met */\n"
    "} gate_counts;\n"
    "#endif\n\n";

static const char macro_block[] = "#ifndef GATE_ALIGNAS\n"
                                  "#ifdef __cplusplus\n"
                                  "#define GATE_ALIGNAS(n) alignas(n)\n"
                                  "#define GATE_STATIC_ASSERT(c, text) static_assert(c, text)\n"
                                  "#else\n"
                                  "#define GATE_ALIGNAS(n) _Alignas(n)\n"
                                  "#define GATE_STATIC_ASSERT(c, text) _Static_assert(c, text)\n"
                                  "#endif\n"
                                  "#endif\n\n";

static void prologue(Head *h, const char *guard)
{
    strbuf_addf(h->out,
                "/* C interface of the networks of %s.\n * Written by gatec %s; do not edit. */\n",
                safe(h, h->o->source_name ? h->o->source_name : "a module"), GATEC_VERSION);
    strbuf_addf(h->out, "#ifndef %s\n#define %s\n\n#include <stddef.h>\n#include <stdint.h>\n\n",
                guard, guard);
    if (h->o->weights == WEIGHTS_POINTER)
        strbuf_add(h->out, "#include \"gate_rt.h\"\n\n");
    strbuf_addf(h->out,
                "#ifndef GATE_ABI_VERSION\n#define GATE_ABI_VERSION %d\n#endif\n"
                "#if GATE_ABI_VERSION != %d\n"
                "#error \"this header and gate_rt.h come from different versions of gatec\"\n"
                "#endif\n\n",
                GATE_ABI_VERSION, GATE_ABI_VERSION);
    strbuf_addf(h->out, status_block, GATE_BAD_KNOB, GATE_BAD_SHAPE, GATE_BAD_INPUT,
                GATE_NAN_REFUSED, GATE_BAD_INDEX, GATE_NAN_ROUTED, GATE_HALT_BOUND, GATE_EMPTY,
                GATE_FLAT_ROUTED);
    strbuf_add(h->out, macro_block);
    for (uint32_t k = 0; k < h->m->fns.n; k++)
        if (h->m->fns.at[k]->profile) {
            strbuf_add(h->out, counts_block);
            break;
        }
    strbuf_add(h->out, "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
}

/* ---- shapes ---- */

/* "f32[T, 64]" */
static const char *type_text(Head *h, TypeId t)
{
    StrBuf b = strbuf_new(h->arena);
    type_print(h->m->types, h->m->dims, h->m->names, &b, t);
    return safe(h, b.at);
}

/* A field as part of a macro: without the underscore of reserved words, which would make two. */
static const char *macro_part(Head *h, const char *field)
{
    char *s = arena_strndup(h->arena, field, strlen(field));
    size_t n = strlen(s);
    if (n && s[n - 1] == '_')
        s[n - 1] = 0;
    return abi_upper(h->arena, s);
}

/* By the name in the program: a field may have got a number. */
static const char *extent_macro(Head *h, const AbiExtent *x)
{
    return macro_part(h, abi_identifier(h->arena, sym_text(h->m->names, x->sym)));
}

static void shape_macros(Head *h, const AbiItem *it, const char *kind)
{
    const Type *t = type_get(h->m->types, it->type);
    const char *field = macro_part(h, it->field);
    strbuf_addf(h->out, "#define %s_%s_%s_RANK %u\n", h->up, kind, field, t->rank);
    for (uint32_t k = 0; k < t->rank; k++)
        strbuf_addf(h->out, "#define %s_%s_%s_DIM%u %lld\n", h->up, kind, field, k,
                    (long long)dim_max(h->m->dims, t->dims[k]));
    strbuf_addf(h->out, "#define %s_%s_%s_COUNT %lld\n", h->up, kind, field, (long long)it->count);
    strbuf_addf(h->out, "#define %s_%s_%s_BYTES %lld\n", h->up, kind, field, (long long)it->bytes);
}

static const char *decision_part(Head *h, uint32_t k)
{
    const char *path = sym_text(h->m->names, h->abi->f->decisions.at[k].path);
    return macro_part(h, abi_identifier(h->arena, path));
}

/* Unlike paths may be one identifier (a.b, a_b): the later ones get their id behind the name. */
static bool decision_taken(Head *h, uint32_t k)
{
    for (uint32_t i = 0; i < k; i++)
        if (!strcmp(decision_part(h, i), decision_part(h, k)))
            return true;
    return false;
}

/* Ids of the decisions, in the order of the text. */
static void decision_macros(Head *h)
{
    const Fn *f = h->abi->f;
    for (uint32_t k = 0; k < f->decisions.n; k++) {
        const char *number = decision_taken(h, k) ? arena_printf(h->arena, "_%u", k) : "";
        strbuf_addf(h->out, "#define %s_DECISION_%s%s %u /* %s */\n", h->up, decision_part(h, k),
                    number, k, safe(h, sym_text(h->m->names, f->decisions.at[k].path)));
    }
    strbuf_addf(h->out, "#define %s_DECISIONS %u\n", h->up, f->decisions.n);
}

static void macros(Head *h)
{
    const Abi *abi = h->abi;
    strbuf_add(h->out, "/* Extents, elements and bytes at the largest shapes. */\n");
    for (uint32_t k = 0; k < abi->extents.n; k++)
        strbuf_addf(h->out, "#define %s_MAX_%s %lld\n", h->up, extent_macro(h, &abi->extents.at[k]),
                    (long long)abi->extents.at[k].max);
    for (uint32_t k = 0; k < abi->inputs.n; k++)
        shape_macros(h, &abi->inputs.at[k], "IN");
    for (uint32_t k = 0; k < abi->outputs.n; k++)
        shape_macros(h, &abi->outputs.at[k], "OUT");
    strbuf_addf(h->out, "#define %s_WORKSPACE_BYTES %lld\n", h->up, (long long)abi->workspace);
    strbuf_addf(h->out, "#define %s_WORKSPACE_ALIGN %d\n", h->up, ABI_ALIGN);
    strbuf_addf(h->out, "#define %s_STATE_BYTES %lld\n", h->up, (long long)abi->state_bytes);
    decision_macros(h);
    if (h->o->weights == WEIGHTS_POINTER)
        strbuf_addf(h->out, "#define %s_WEIGHT_COUNT %lld\n", h->up, (long long)abi->pointers);
    strbuf_add(h->out, "\n");
}

/* ---- structs ---- */

/* Bits are packed only where the caller stores tensors. */
static const char *note(const AbiItem *it)
{
    return it->elem == E_BIT    ? ", packed bits"
           : it->elem == E_F16  ? ", IEEE half as bits"
           : it->elem == E_BF16 ? ", bfloat16 as bits"
                                : "";
}

static void open_struct(Head *h, const char *what, bool empty)
{
    if (empty)
        strbuf_addf(h->out, "typedef struct %s_%s %s_%s; /* this network has none */\n",
                    h->abi->name, what, h->abi->name, what);
    else
        strbuf_addf(h->out, "typedef struct %s_%s {\n", h->abi->name, what);
}

static void close_struct(Head *h, const char *what, bool empty)
{
    if (!empty)
        strbuf_addf(h->out, "} %s_%s;\n", h->abi->name, what);
}

static void extern_params(Head *h, const ExternItem *at, uint32_t n, bool result)
{
    for (uint32_t k = 0; k < n; k++) {
        const char *name = abi_identifier(h->arena, sym_text(h->m->names, at[k].name));
        bool pointer = result || at[k].tensor;
        strbuf_addf(h->out, ", %s%s%s /* %s */", pointer && !result ? "const " : "",
                    abi_c_type(at[k].elem), pointer ? " *" : "", name);
    }
}

/* Parameters have their names in comments, so that no two of them can be one. */
static void externs_struct(Head *h)
{
    const Abi *abi = h->abi;
    if (!abi->externs.n)
        return;
    strbuf_add(
        h->out,
        "/* Functions of the host: extents, arguments (tensors dense and row-major, bits one\n"
        " * byte each), results to be written. */\n");
    open_struct(h, "externs", false);
    strbuf_add(h->out, "    void *cx; /* passed to all of them */\n");
    for (uint32_t k = 0; k < abi->externs.n; k++) {
        const Extern *x = abi->externs.at[k];
        strbuf_addf(h->out, "    void (*%s)(void * /* cx */", abi->extern_fields.at[k]);
        for (uint32_t d = 0; d < x->dims.n; d++)
            strbuf_addf(h->out, ", int32_t /* %s */",
                        abi_identifier(h->arena, sym_text(h->m->names, x->dims.at[d])));
        extern_params(h, x->args.at, x->args.n, false);
        extern_params(h, x->results.at, x->results.n, true);
        strbuf_add(h->out, ");\n");
    }
    close_struct(h, "externs", false);
}

static void array_of(Head *h, uint32_t n, bool needed)
{
    if (needed)
        strbuf_addf(h->out, "[%u]", n);
}

static void profile_struct(Head *h)
{
    static const char *const bins[] = {"", "load", "depth"};
    const Abi *abi = h->abi;
    if (!abi->counters)
        return;
    open_struct(h, "profile", false);
    for (uint32_t k = 0; k < abi->decisions.n; k++) {
        const DecisionRow *d = &abi->f->decisions.at[k];
        strbuf_addf(h->out, "    gate_counts %s", abi->decisions.at[k]);
        array_of(h, d->members, d->members != 1);
        strbuf_addf(h->out, "; /* %s */\n", safe(h, sym_text(h->m->names, d->path)));
        if (!d->bins)
            continue;
        strbuf_addf(h->out, "    uint64_t %s_%s", abi->decisions.at[k], bins[d->kind]);
        array_of(h, d->members, d->members != 1);
        array_of(h, d->bins, true);
        strbuf_add(h->out, d->kind == DECIDE_ROUTE
                               ? "; /* rows sent to each */\n"
                               : "; /* rows by the steps they ran; 0: did not leave here */\n");
    }
    close_struct(h, "profile", false);
}

static void inputs_struct(Head *h)
{
    const Abi *abi = h->abi;
    bool empty = !abi_input_pointers(abi) && !abi->extents.n;
    open_struct(h, "inputs", empty);
    for (uint32_t k = 0; k < abi->inputs.n; k++) {
        const AbiItem *it = &abi->inputs.at[k];
        strbuf_addf(h->out, "    const %s *%s; /* %s%s%s */\n", abi_c_type(it->elem), it->field,
                    type_text(h, it->type), note(it), it->optional ? "; NULL: all 0" : "");
    }
    if (abi->externs.n)
        strbuf_addf(h->out, "    const %s_externs *%s;\n", abi->name, abi->externs_field);
    if (abi->counters)
        strbuf_addf(h->out, "    %s_profile *%s; /* counters to add to, or NULL */\n", abi->name,
                    abi->profile_field);
    for (uint32_t k = 0; k < abi->extents.n; k++)
        strbuf_addf(h->out, "    int32_t %s; /* 0..%lld */\n", abi->extents.at[k].field,
                    (long long)abi->extents.at[k].max);
    close_struct(h, "inputs", empty);
}

static void outputs_struct(Head *h)
{
    const Abi *abi = h->abi;
    open_struct(h, "outputs", !abi->outputs.n);
    for (uint32_t k = 0; k < abi->outputs.n; k++) {
        const AbiItem *it = &abi->outputs.at[k];
        strbuf_addf(h->out, "    %s *%s; /* %s%s */\n", abi_c_type(it->elem), it->field,
                    type_text(h, it->type), note(it));
    }
    close_struct(h, "outputs", !abi->outputs.n);
}

static void state_struct(Head *h)
{
    const Abi *abi = h->abi;
    open_struct(h, "state", !abi->states.n);
    for (uint32_t k = 0; k < abi->states.n; k++)
        strbuf_addf(h->out, "    /* at %lld: %s %s */\n", (long long)abi->states.at[k].offset,
                    text_of(h, abi->states.at[k].name), type_text(h, abi->states.at[k].type));
    if (abi->states.n)
        strbuf_addf(h->out, "    GATE_ALIGNAS(%d) unsigned char bytes[%s_STATE_BYTES];\n",
                    ABI_ALIGN, h->up);
    close_struct(h, "state", !abi->states.n);
}

static void knobs_struct(Head *h)
{
    const Abi *abi = h->abi;
    open_struct(h, "knobs", !abi->knobs.n);
    for (uint32_t k = 0; k < abi->knobs.n; k++) {
        const AbiItem *it = &abi->knobs.at[k];
        const Knob *kn = &h->m->knobs.at[it->index];
        const Type *t = type_get(h->m->types, it->type);
        strbuf_addf(h->out, "    %s %s", abi_c_type(it->elem), it->field);
        for (uint32_t i = 0; i < t->rank; i++)
            strbuf_addf(h->out, "[%lld]", (long long)dim_max(h->m->dims, t->dims[i]));
        strbuf_addf(h->out, "; /* %s: %.9g..%.9g", text_of(h, it->name), kn->lo, kn->hi);
        if (!kn->table.ix)
            strbuf_addf(h->out, ", default %.9g", kn->def);
        strbuf_add(h->out, " */\n");
    }
    close_struct(h, "knobs", !abi->knobs.n);
}

static void weights_struct(Head *h)
{
    const Abi *abi = h->abi;
    bool empty = h->o->weights == WEIGHTS_EMBED || !abi->weights.n;
    open_struct(h, "weights", empty);
    for (uint32_t k = 0; k < abi->weights.n && !empty; k++) {
        const AbiItem *it = &abi->weights.at[k];
        strbuf_addf(h->out, "    const %s *%s", abi_c_type(it->elem), it->field);
        if (it->members)
            strbuf_addf(h->out, "[%u]", it->members);
        strbuf_addf(h->out, "; /* %s: %s */\n", text_of(h, it->name), type_text(h, it->type));
    }
    close_struct(h, "weights", empty);
}

/* ---- functions ---- */

static void asserts(Head *h)
{
    const Abi *abi = h->abi;
    const char *n = abi->name;
    strbuf_add(h->out, "\n");
    if (abi->states.n)
        strbuf_addf(h->out,
                    "GATE_STATIC_ASSERT(sizeof(%s_state) == %s_STATE_BYTES, \"%s_state\");\n", n,
                    h->up, n);
    if (abi->counters)
        strbuf_addf(h->out, "GATE_STATIC_ASSERT(sizeof(%s_profile) == %lld, \"%s_profile\");\n", n,
                    (long long)abi->counters * 8, n);
    if (abi->knobs.n)
        strbuf_addf(h->out, "GATE_STATIC_ASSERT(sizeof(%s_knobs) == %lld, \"%s_knobs\");\n", n,
                    (long long)abi->knob_bytes, n);
}

static void functions(Head *h)
{
    const Abi *abi = h->abi;
    const char *n = abi->name;
    strbuf_addf(
        h->out,
        "\n/* Runs the network once. Returns 0 or GATE_* bits. 'state' is NULL-able without "
        "states,\n * 'knobs' NULL means the defaults, 'weights' is %s, 'workspace' is\n"
        " * %s_WORKSPACE_BYTES bytes aligned to %s_WORKSPACE_ALIGN. No two of the buffers may "
        "overlap. */\n",
        h->o->weights == WEIGHTS_EMBED ? "ignored (they are embedded)" : "required", h->up, h->up);
    strbuf_addf(h->out,
                "gate_status %s_run(const %s_inputs *in, const %s_outputs *out, %s_state *state,\n"
                "    const %s_knobs *knobs, const %s_weights *weights, void *workspace);\n",
                n, n, n, n, n, n);
    strbuf_addf(
        h->out,
        "\n/* Gives the states their initial values. */\nvoid %s_state_init(%s_state *state);\n", n,
        n);
    strbuf_addf(h->out,
                "\n/* Description for generic hosts; declared in gate_rt.h. */\n"
                "const struct gate_info *%s_info(void);\n",
                n);
    if (abi->knobs.n)
        strbuf_addf(h->out, "\nextern const %s_knobs %s_knobs_default;\n", n, n);
    if (h->o->weights == WEIGHTS_POINTER && abi->pointers)
        strbuf_addf(h->out,
                    "\n/* What gate_weights_bind fills a %s_weights from. */\n"
                    "extern const gate_weight_spec %s_weight_table[%s_WEIGHT_COUNT];\n",
                    n, n, h->up);
    strbuf_add(h->out, "\n");
}

static void network(Head *h, const Abi *abi)
{
    h->abi = abi;
    h->up = abi_upper(h->arena, abi->name);
    strbuf_addf(h->out, "/* ---- network %s ---- */\n\n", text_of(h, abi->f->name));
    macros(h);
    externs_struct(h);
    profile_struct(h);
    inputs_struct(h);
    outputs_struct(h);
    state_struct(h);
    knobs_struct(h);
    weights_struct(h);
    asserts(h);
    functions(h);
}

void emit_header(StrBuf *out, const Module *m, const EmitOptions *o, const char *guard)
{
    Head h = {.out = out, .arena = out->arena, .m = m, .o = o};
    const char *why = NULL;
    prologue(&h, guard);
    for (uint32_t k = 0; k < m->fns.n; k++) {
        const Abi *abi = abi_make(h.arena, m, m->fns.at[k], &why);
        if (abi)
            network(&h, abi);
    }
    strbuf_add(out, "#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
}
