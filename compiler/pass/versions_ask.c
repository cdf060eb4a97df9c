/* What --versions asks for: PATH of a decision, or KNOB=VALUE,VALUE. Checked against the module
 * before any pass runs, since a path that nothing has is a mistake of the user's. */

#include "ir/eval.h"
#include "pass/versions.h"
#include "support/glob.h"

#include <stdlib.h>
#include <string.h>

bool versions_fit(const PassCx *cx, const Fn *f, const char *path, const char *pattern)
{
    const char *net = sym_text(f->module->names, f->name);
    return glob_match(pattern, path) ||
           glob_match(pattern, arena_printf(cx->scratch, "%s.%s", net, path));
}

const char *versions_path(const Fn *f, uint32_t id)
{
    return sym_text(f->module->names, f->decisions.at[id].path);
}

void versions_refuse(const PassCx *cx, const char *path, const char *why)
{
    if (cx->diag)
        diag_report(cx->diag, E0402, (Span){0, 0}, "--versions: '%s' %s", path, why);
}

const char *versions_values(const char *version)
{
    const char *is = strchr(version, '=');
    return is ? is + 1 : NULL;
}

bool versions_knob(const PassCx *cx, const Fn *f, const char *version, const Knob *k)
{
    const char *name = sym_text(f->module->names, k->name);
    const char *pattern = arena_strndup(cx->scratch, version, strcspn(version, "="));
    return versions_fit(cx, f, arena_strndup(cx->scratch, name, strcspn(name, "@")), pattern);
}

static bool names_some_knob(const PassCx *cx, const Module *m, const char *version, const Knob *k)
{
    for (uint32_t i = 0; i < m->fns.n; i++)
        if (versions_knob(cx, m->fns.at[i], version, k))
            return true;
    return false;
}

static bool names_decision(const PassCx *cx, const Module *m, const char *version)
{
    for (uint32_t k = 0; k < m->fns.n; k++)
        for (uint32_t d = 0; d < m->fns.at[k]->decisions.n; d++)
            if (versions_fit(cx, m->fns.at[k], versions_path(m->fns.at[k], d), version))
                return true;
    return false;
}

/* One element; *s moves behind it. A table of bits is written as one word. */
static bool element(const Knob *k, Elem e, const char **s, Scalar *out)
{
    char *end = (char *)*s + 1;
    if (e == E_BIT && **s != '0' && **s != '1')
        return false;
    double v = e == E_BIT ? **s - '0' : strtod(*s, &end);
    if (end == *s)
        return false;
    *s = end;
    *out = (Scalar){.f = elem_round(elem_is_float(e) ? e : E_F64, v)};
    if (!elem_is_float(e))
        *out = (Scalar){.i = (int64_t)v};
    return v >= k->lo && v <= k->hi && (elem_is_float(e) || v == (double)(int64_t)v);
}

DataId versions_value(const PassCx *cx, Module *m, const Knob *k, const char *text)
{
    Elem e = (Elem)type_get(m->types, k->type)->elem;
    int64_t n = type_capacity(m->types, k->type);
    char *bytes = arena_array(cx->scratch, (size_t)n, elem_bytes(e));
    for (int64_t i = 0; i < n; i++) {
        Scalar v;
        if (i > 0 && e != E_BIT && *text++ != ':')
            return (DataId){0};
        if (!element(k, e, &text, &v))
            return (DataId){0};
        elem_store(e, bytes + (size_t)i * elem_bytes(e), v);
    }
    return *text && *text != ',' ? (DataId){0} : module_data(m, e, (size_t)n, bytes);
}

const char *versions_next(const char *s)
{
    return s[strcspn(s, ",")] ? s + strcspn(s, ",") + 1 : NULL;
}

static void report_value(PassCx *cx, const Module *m, const Knob *k, const char *text)
{
    const Type *t = type_get(m->types, k->type);
    const char *name = sym_text(m->names, k->name);
    diag_report(cx->diag, E0402, (Span){0, 0}, "--versions: '%s' cannot be '%.*s'", name,
                (int)strcspn(text, ","), text);
    if (!t->rank)
        diag_help(cx->diag, "it is %s in %g..%g", elem_name((Elem)t->elem), k->lo, k->hi);
    else
        diag_help(cx->diag,
                  t->elem == E_BIT ? "it is a table of %lld bits, as in 1011"
                                   : "it is a table of %lld numbers, as in 1:0.5:2",
                  (long long)type_capacity(m->types, k->type));
}

/* 0: no such knob, 1: values that it can have, 2: reported. */
static int check_knobs(PassCx *cx, Module *m, const char *version)
{
    int found = 0;
    for (uint32_t k = 0; k < m->knobs.n; k++) {
        if (!names_some_knob(cx, m, version, &m->knobs.at[k]))
            continue;
        found = found ? found : 1;
        if (!versions_values(version)) {
            versions_refuse(cx, version,
                            "is a knob: say which values have versions, as in KNOB=1,2");
            return 2;
        }
        for (const char *v = versions_values(version); v; v = versions_next(v))
            if (!versions_value(cx, m, &m->knobs.at[k], v).ix) {
                report_value(cx, m, &m->knobs.at[k], v);
                found = 2;
            }
    }
    return found;
}

static void report_unknown(PassCx *cx, const Module *m, const char *version)
{
    VEC(const char *) names = {0};
    bool knob = versions_values(version) != NULL;
    for (uint32_t k = 0; !knob && k < m->fns.n; k++)
        for (uint32_t d = 0; d < m->fns.at[k]->decisions.n; d++)
            vec_push(m->arena, &names, versions_path(m->fns.at[k], d));
    for (uint32_t k = 0; k < m->knobs.n; k++)
        vec_push(m->arena, &names, sym_text(m->names, m->knobs.at[k].name));
    const char *asked = arena_strndup(cx->scratch, version, strcspn(version, "="));
    diag_report(cx->diag, E0402, (Span){0, 0}, "--versions: there is no %s '%s'",
                knob ? "knob" : "decision", asked);
    const char *near = diag_nearest(asked, names.at, (uint32_t)names.n);
    if (near)
        diag_help(cx->diag, "did you mean '%s'?", near);
}

bool pass_has_versions(PassCx *cx, Module *m)
{
    bool ok = true;
    for (uint32_t v = 0; v < cx->nversions; v++) {
        const char *version = cx->versions[v];
        if (!versions_values(version) && names_decision(cx, m, version))
            continue;
        int found = check_knobs(cx, m, version);
        if (!found)
            report_unknown(cx, m, version);
        ok &= found == 1;
    }
    return ok;
}
