/* The C interface of a network: collects what a LO function takes and gives, and lays it out.
 * Order is that of the module's tables and of the function, so it is the same on every host. */

#include "emit/abi.h"

#include "support/check.h"
#include "support/strbuf.h"

#include "gate_rt.h"

#include <ctype.h>
#include <string.h>

typedef struct {
    Arena *arena;
    Abi *abi;
    const char *why;
} Make;

/* ---- names ---- */

static const char *const reserved[] = {
    "alignas", "alignof",  "and",       "and_eq",    "asm",      "auto",     "bitand",
    "bitor",   "bool",     "break",     "case",      "catch",    "char",     "class",
    "compl",   "const",    "constexpr", "continue",  "decltype", "default",  "delete",
    "do",      "double",   "else",      "enum",      "explicit", "export",   "extern",
    "false",   "float",    "for",       "friend",    "goto",     "if",       "inline",
    "int",     "long",     "mutable",   "namespace", "new",      "noexcept", "not",
    "not_eq",  "nullptr",  "operator",  "or",        "or_eq",    "private",  "protected",
    "public",  "register", "restrict",  "return",    "short",    "signed",   "sizeof",
    "static",  "struct",   "switch",    "template",  "this",     "throw",    "true",
    "try",     "typedef",  "typeof",    "typeid",    "typename", "union",    "unsigned",
    "using",   "virtual",  "void",      "volatile",  "wchar_t",  "while",    "xor",
    "xor_eq",  "concept",  "requires",
};

const char *abi_identifier(Arena *arena, const char *text)
{
    size_t n = strlen(text);
    char *s = arena_alloc(arena, n + 3), *p = s;
    if (!n || isdigit((unsigned char)*text))
        *p++ = 'x';
    for (size_t k = 0; k < n; k++) {
        unsigned char c = (unsigned char)text[k];
        bool keep = c < 128 && isalnum(c);
        if (!keep && (p == s || p[-1] == '_'))
            continue; /* no leading and no double underscores: they are reserved */
        *p++ = keep ? (char)c : '_';
    }
    while (p > s && p[-1] == '_')
        p--;
    if (p == s)
        *p++ = 'x';
    *p = 0;
    for (size_t k = 0; k < sizeof reserved / sizeof *reserved; k++)
        if (!strcmp(s, reserved[k]))
            *p++ = '_';
    return s;
}

const char *abi_upper(Arena *arena, const char *text)
{
    char *s = arena_strndup(arena, text, strlen(text));
    for (char *p = s; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    return s;
}

/* ---- elements ---- */

typedef struct {
    const char *c_type;
    gate_dtype dtype;
} ElemRow;

static const ElemRow elems[E_COUNT] = {
    [E_F64] = {"double", GATE_DT_F64},         [E_F32] = {"float", GATE_DT_F32},
    [E_F16] = {"uint16_t", GATE_DT_F16},       [E_BF16] = {"uint16_t", GATE_DT_BF16},
    [E_I64] = {"int64_t", GATE_DT_I64},        [E_I32] = {"int32_t", GATE_DT_I32},
    [E_I16] = {"int16_t", GATE_DT_I16},        [E_I8] = {"int8_t", GATE_DT_I8},
    [E_U64] = {"uint64_t", GATE_DT_U64},       [E_U32] = {"uint32_t", GATE_DT_U32},
    [E_U16] = {"uint16_t", GATE_DT_U16},       [E_U8] = {"uint8_t", GATE_DT_U8},
    [E_BIT] = {"unsigned char", GATE_DT_BOOL}, [E_IX] = {"int32_t", GATE_DT_I32},
};

const char *abi_c_type(Elem e)
{
    return elems[e].c_type;
}

unsigned abi_dtype(Elem e)
{
    return (unsigned)elems[e].dtype;
}

Elem abi_elem(unsigned dtype)
{
    for (int e = E_NONE + 1; e < E_COUNT; e++)
        if (elems[e].dtype == dtype && e != E_IX)
            return (Elem)e;
    return E_NONE;
}

/* ---- collecting ---- */

static bool fail(Make *k, const char *why)
{
    if (!k->why)
        k->why = why;
    return false;
}

static int64_t align_up(int64_t v, int64_t a)
{
    return (v + a - 1) / a * a;
}

/* Sizes stay far below this, so that sums of them cannot overflow. */
static const int64_t size_limit = INT64_C(1) << 46;

static bool measure(Make *k, AbiItem *it)
{
    const TypeTable *types = k->abi->m->types;
    int64_t n = type_capacity(types, it->type);
    if (it->members && n > 0)
        n /= it->members;
    if (n < 0 || n > size_limit / 8)
        return fail(
            k, arena_printf(k->arena, "'%s' is too large", sym_text(k->abi->m->names, it->name)));
    it->count = n;
    it->bytes = n * elem_bytes(it->elem);
    it->held = it->unpacked = -1;
    return true;
}

/* An unused C name for the item, made of the text behind the last instance path if that is free. */
static bool name_taken(const AbiItem *items, uint32_t n, const char *field)
{
    for (uint32_t k = 0; k < n; k++)
        if (!strcmp(items[k].field, field))
            return true;
    return false;
}

const char *abi_plain_name(Arena *arena, const Module *m, SymId name)
{
    const char *text = sym_text(m->names, name), *at = strrchr(text, '@');
    for (uint32_t k = 0; at && k < m->fns.n; k++)
        if (!strcmp(at + 1, sym_text(m->names, m->fns.at[k]->name)))
            return arena_strndup(arena, text, (size_t)(at - text));
    return text;
}

static const char *field_name(Make *k, const AbiItem *items, uint32_t n, SymId name)
{
    const char *plain = abi_plain_name(k->arena, k->abi->m, name);
    const char *base = abi_identifier(k->arena, plain), *s = base;
    for (int i = 2; name_taken(items, n, s); i++)
        s = arena_printf(k->arena, "%s_%d", base, i);
    return s;
}

/* Bytes of a packed bit tensor: rows of the last axis start a new byte. */
static int64_t packed_bytes(const Abi *abi, const AbiItem *it)
{
    const Type *t = type_get(abi->m->types, it->type);
    int64_t last = t->rank ? dim_max(abi->m->dims, t->dims[t->rank - 1]) : 1;
    return last ? it->count / last * ((last + 7) / 8) : 0;
}

static bool add_tensor(Make *k, AbiItem *items, uint32_t n, SymId name, TypeId type, AbiItem *out)
{
    const Type *t = type_get(k->abi->m->types, type);
    if (t->kind != TY_TENSOR || t->elem == E_NONE)
        return fail(k, "inputs and outputs must be tensors");
    *out = (AbiItem){.name = name, .type = type, .elem = (Elem)t->elem};
    out->field = field_name(k, items, n, name);
    if (!measure(k, out))
        return false;
    if (t->elem == E_BIT) {
        out->unpacked = align_up(k->abi->workspace, ABI_ALIGN);
        k->abi->workspace = out->unpacked + out->count;
        out->bytes = packed_bytes(k->abi, out);
    }
    return true;
}

static bool collect_tensors(Make *k)
{
    Abi *abi = k->abi;
    const Fn *f = abi->f;
    AbiItem it;
    if (f->in_names.n != body_nparams(f, f->entry) || f->out_names.n != f->out_types.n)
        return fail(k, "the function does not name all its inputs and outputs");
    for (uint32_t i = 0; i < f->in_names.n; i++) {
        TypeId t = val_type(f, body_param(f, f->entry, i));
        if (!add_tensor(k, abi->inputs.at, abi->inputs.n, f->in_names.at[i], t, &it))
            return false;
        it.optional = fn_input_optional(f, i);
        vec_push(k->arena, &abi->inputs, it);
    }
    for (uint32_t i = 0; i < f->out_names.n; i++) {
        if (!add_tensor(k, abi->outputs.at, abi->outputs.n, f->out_names.at[i], f->out_types.at[i],
                        &it))
            return false;
        vec_push(k->arena, &abi->outputs, it);
    }
    return true;
}

static bool collect_extents(Make *k)
{
    Abi *abi = k->abi;
    for (uint32_t i = 0; i < abi->f->dims.n; i++) {
        DimId d = abi->f->dims.at[i];
        const DimNode *node = dim_node(abi->m->dims, d);
        AbiExtent x = {.sym = node->name, .dim = d, .max = node->max};
        if (node->kind != DIM_SYM || node->max < 0 || node->max > INT32_MAX)
            return fail(k, "a run-time extent of the network has no usable maximum");
        x.field = field_name(k, abi->inputs.at, abi->inputs.n, node->name);
        vec_push(k->arena, &abi->extents, x);
    }
    return true;
}

/* Which rows of a table of the module the code refers to. */
static bool *used_rows(Make *k, const char *kind, uint32_t n)
{
    const Fn *f = k->abi->f;
    const Module *m = k->abi->m;
    bool *used = ARENA_ARRAY(k->arena, bool, n + 1);
    for (uint32_t i = 1; i < f->ins.n; i++) {
        const Ins *ins = &f->ins.at[i];
        if (ins->op != OP_arg || !ins->home.ix || strcmp(attr_name(m, ins->attr, "kind"), kind))
            continue;
        const char *name = attr_name(m, ins->attr, "name");
        for (uint32_t r = 0; r < n; r++) {
            SymId s = *kind == 'p'   ? m->params.at[r].name
                      : *kind == 's' ? m->states.at[r].name
                                     : m->knobs.at[r].name;
            used[r] |= !strcmp(sym_text(m->names, s), name);
        }
    }
    return used;
}

static bool collect_states(Make *k)
{
    Abi *abi = k->abi;
    const Module *m = abi->m;
    const bool *used = used_rows(k, "state", m->states.n);
    bool any_shared = false;
    for (uint32_t r = 0; r < m->states.n; r++)
        any_shared |= used[r] && m->states.at[r].shared;
    /* Shared states first, whether this network uses them or not: one place in all networks. */
    for (uint32_t turn = 0; turn < 2 * m->states.n; turn++) {
        bool shared = turn < m->states.n;
        uint32_t r = shared ? turn : turn - m->states.n;
        const State *s = &m->states.at[r];
        AbiItem it = {.name = s->name, .type = s->type, .index = r};
        if (s->shared != shared || !(shared ? any_shared : used[r]))
            continue;
        it.elem = (Elem)type_get(m->types, s->type)->elem;
        it.field = field_name(k, abi->states.at, abi->states.n, s->name);
        if (!measure(k, &it))
            return false;
        it.offset = align_up(abi->state_bytes, ABI_ALIGN);
        abi->state_bytes = it.offset + it.bytes;
        vec_push(k->arena, &abi->states, it);
    }
    abi->state_bytes = align_up(abi->state_bytes, ABI_ALIGN);
    return true;
}

/* As a C compiler lays out the struct. */
static bool collect_knobs(Make *k)
{
    Abi *abi = k->abi;
    const Module *m = abi->m;
    const bool *used = used_rows(k, "knob", m->knobs.n);
    int64_t most = 1;
    for (uint32_t r = 0; r < m->knobs.n; r++) {
        const Knob *kn = &m->knobs.at[r];
        AbiItem it = {.name = kn->name, .type = kn->type, .index = r};
        if (!used[r])
            continue;
        it.elem = (Elem)type_get(m->types, kn->type)->elem;
        it.field = field_name(k, abi->knobs.at, abi->knobs.n, kn->name);
        if (!measure(k, &it))
            return false;
        int64_t size = elem_bytes(it.elem);
        it.offset = align_up(abi->knob_bytes, size);
        abi->knob_bytes = it.offset + it.bytes;
        most = size > most ? size : most;
        vec_push(k->arena, &abi->knobs, it);
    }
    abi->knob_bytes = align_up(abi->knob_bytes, most);
    return true;
}

static bool collect_weights(Make *k)
{
    Abi *abi = k->abi;
    const Module *m = abi->m;
    const bool *used = used_rows(k, "param", m->params.n);
    for (uint32_t r = 0; r < m->params.n; r++) {
        const Param *p = &m->params.at[r];
        AbiItem it = {.name = p->name,
                      .type = p->type,
                      .index = r,
                      .members = p->members,
                      .nlevels = p->nlevels,
                      .levels = p->levels};
        if (!used[r])
            continue;
        it.elem = p->stored != E_NONE ? (Elem)p->stored : (Elem)type_get(m->types, p->type)->elem;
        it.field = field_name(k, abi->weights.at, abi->weights.n, p->name);
        if (!measure(k, &it))
            return false;
        it.slot = abi->pointers;
        abi->pointers += p->members ? p->members : 1;
        vec_push(k->arena, &abi->weights, it);
    }
    return true;
}

/* Is b the field a, or that of its bins? */
static bool same_field(const char *a, const char *b)
{
    size_t n = strlen(a);
    return !strncmp(a, b, n) && (!b[n] || !strcmp(b + n, "_load") || !strcmp(b + n, "_depth"));
}

static bool decision_taken(const Abi *abi, const char *field)
{
    for (uint32_t k = 0; k < abi->decisions.n; k++)
        if (same_field(abi->decisions.at[k], field) || same_field(field, abi->decisions.at[k]))
            return true;
    return false;
}

/* Beside the inputs and extents, which have their names from the program. */
static const char *optional_field(Make *k, const char *base)
{
    const Abi *abi = k->abi;
    const char *field = base;
    for (int n = 2;; n++) {
        bool taken = name_taken(abi->inputs.at, abi->inputs.n, field);
        for (uint32_t i = 0; i < abi->extents.n; i++)
            taken |= !strcmp(abi->extents.at[i].field, field);
        if (!taken)
            return field;
        field = arena_printf(k->arena, "%s_%d", base, n);
    }
}

static bool collect_profile(Make *k)
{
    Abi *abi = k->abi;
    const Fn *f = abi->f;
    for (uint32_t i = 0; i < f->decisions.n && f->profile; i++) {
        const char *path = sym_text(abi->m->names, f->decisions.at[i].path);
        const char *base = abi_identifier(k->arena, path), *field = base;
        for (int n = 2; decision_taken(abi, field); n++)
            field = arena_printf(k->arena, "%s_%d", base, n);
        vec_push(k->arena, &abi->decisions, field);
    }
    abi->profile_field = optional_field(k, "profile");
    abi->counters = f->profile ? fn_counters(f, f->decisions.n) : 0;
    return abi->counters <= size_limit / 8 || fail(k, "the profile is too large");
}

static bool calls(const Fn *f, SymId name)
{
    for (uint32_t i = 1; i < f->ins.n; i++) {
        const Ins *ins = &f->ins.at[i];
        if (ins->op == OP_call && ins->home.ix &&
            sym_eq(attr_find(f->module, ins->attr, "name")->name, name))
            return true;
    }
    return false;
}

static bool collect_externs(Make *k)
{
    Abi *abi = k->abi;
    abi->externs_field = optional_field(k, "externs");
    for (uint32_t i = 0; i < abi->m->externs.n; i++) {
        const Extern *e = &abi->m->externs.at[i];
        const char *base = abi_identifier(k->arena, sym_text(abi->m->names, e->name)),
                   *field = base;
        bool taken = !strcmp(base, "cx");
        if (!calls(abi->f, e->name))
            continue;
        for (uint32_t o = 0; o < abi->extern_fields.n; o++)
            taken |= !strcmp(abi->extern_fields.at[o], base);
        if (taken)
            field = arena_printf(k->arena, "%s_%u", base, i);
        vec_push(k->arena, &abi->externs, e);
        vec_push(k->arena, &abi->extern_fields, field);
    }
    return true;
}

uint32_t abi_externs_slot(const Abi *abi)
{
    return abi->inputs.n;
}

uint32_t abi_profile_slot(const Abi *abi)
{
    return abi->inputs.n + (abi->externs.n != 0);
}

uint32_t abi_input_pointers(const Abi *abi)
{
    return abi_profile_slot(abi) + (abi->counters != 0);
}

/* Room for what a call writes, where it may turn out that it writes nothing. */
static void hold(Abi *abi)
{
    abi->refuses = fn_refuses(abi->f);
    if (!abi->refuses)
        return;
    for (uint32_t k = 0; k < abi->outputs.n; k++) {
        AbiItem *it = &abi->outputs.at[k];
        if (it->elem == E_BIT)
            continue;
        it->held = abi->workspace;
        abi->workspace = align_up(abi->workspace + it->bytes, ABI_ALIGN);
    }
    abi->held_state = abi->workspace;
    abi->workspace = align_up(abi->workspace + abi->state_bytes, ABI_ALIGN);
}

const Abi *abi_make(Arena *arena, const Module *m, const Fn *f, const char **why)
{
    Abi *abi = ARENA_NEW(arena, Abi);
    Make k = {.arena = arena, .abi = abi};
    abi->m = m;
    abi->f = f;
    abi->name = abi_identifier(arena, sym_text(m->names, f->name));
    abi->workspace = f->workspace;
    if (f->stage != LO)
        fail(&k, "the function is not lowered");
    else if (f->workspace < 0 || f->workspace > size_limit)
        fail(&k, "the workspace is too large");
    bool ok = !k.why && collect_tensors(&k) && collect_extents(&k) && collect_states(&k) &&
              collect_knobs(&k) && collect_weights(&k) && collect_profile(&k) &&
              collect_externs(&k);
    abi->workspace = align_up(abi->workspace, ABI_ALIGN);
    if (ok) {
        hold(abi);
        return abi;
    }
    *why = arena_printf(arena, "network '%s': %s", sym_text(m->names, f->name), k.why);
    return NULL;
}

int64_t abi_find(const AbiItem *items, uint32_t n, SymId name)
{
    for (uint32_t k = 0; k < n; k++)
        if (sym_eq(items[k].name, name))
            return k;
    return -1;
}

int64_t abi_find_extent(const Abi *abi, SymId name)
{
    for (uint32_t k = 0; k < abi->extents.n; k++)
        if (sym_eq(abi->extents.at[k].sym, name))
            return k;
    return -1;
}

/* ---- members of banks ---- */

/* Of '{one,two}' at 'p' one of the names; of '{}' the number. Returns what follows. */
static const char *add_member(StrBuf *b, const char *p, uint32_t index)
{
    const char *end = strchr(p, '}');
    if (end == p + 1)
        strbuf_addf(b, "%u", index);
    for (p++; p < end && index > 0; p++)
        index -= *p == ',';
    strbuf_addn(b, p, p < end ? strcspn(p, ",}") : 0);
    return end;
}

const char *abi_member_name(Arena *arena, const Abi *abi, const AbiItem *it, uint32_t member)
{
    uint32_t n = it->nlevels   ? it->nlevels
                 : it->members ? 1
                               : 0,
             at = 0, index[MAX_RANK] = {member};
    for (uint32_t k = it->nlevels; k-- > 0; member /= it->levels[k])
        index[k] = member % it->levels[k];
    StrBuf b = strbuf_new(arena);
    for (const char *p = abi_plain_name(arena, abi->m, it->name); *p; p++) {
        if (*p == '{' && strchr(p, '}') && at < n)
            p = add_member(&b, p, index[at++]);
        else
            strbuf_addn(&b, p, 1);
    }
    return b.at;
}
