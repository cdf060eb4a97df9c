/* --force: decisions that a build holds fixed. The test that the text gives is checked as ever; the
 * value that decides is a constant, and passes fold what it decides. */

#include "sema/walk.h"

#include "support/glob.h"

#include <stdlib.h>
#include <string.h>

void sema_force(Program *cx, const char *const *texts, uint32_t n)
{
    cx->force = ARENA_ARRAY(cx->arena, ForceAsk, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        const char *eq = strrchr(texts[i], '=');
        if (eq)
            cx->force[cx->nforce++] = (ForceAsk){
                arena_strndup(cx->arena, texts[i], (size_t)(eq - texts[i])), eq + 1, false};
        else
            diag_report(cx->diag, E0402, (Span){0, 0}, "--force wants PATH=HOW, not '%s'",
                        texts[i]);
    }
}

/* The last one that fits the path, with the network's name in front or without. */
static ForceAsk *find_force(Cx *cx, const char *path)
{
    const char *net = text_of(cx, cx->network), *full = arena_printf(cx->arena, "%s.%s", net, path);
    ForceAsk *hit = NULL;
    vec_push(cx->arena, &cx->decision_paths, path);
    for (uint32_t i = 0; i < cx->nforce; i++)
        if (glob_match(cx->force[i].pattern, path) || glob_match(cx->force[i].pattern, full)) {
            hit = &cx->force[i];
            hit->found = true;
        }
    return hit;
}

static bool is_mask(const char *s)
{
    return *s && s[strspn(s, "01")] == 0;
}

static void refuse_how(Cx *cx, const ForceAsk *f, const char *path, const char *want)
{
    diag_report(cx->diag, E0402, (Span){0, 0}, "--force: '%s' is not '%s'", path, f->how);
    diag_help(cx->diag, "it can be %s", want);
}

/* ---- gates ---- */

/* The constant that the build asks for. */
static Ex fixed_test(Cx *cx, const ForceAsk *f, const char *path, const Poly *axis)
{
    ActDecision d = decision_banks(cx);
    ElemTy bit = elem_concrete(E_BIT);
    const Ty *one = ty_vector(cx->ts, bit, NULL);
    if (!strcmp(f->how, "open") || !strcmp(f->how, "closed"))
        return act_bool(cx->act, f->how[0] == 'o', one);
    if (!is_mask(f->how)) {
        refuse_how(cx, f, path, "open, closed, or a bit for each index, as in 1011");
        return act_bool(cx->act, false, one);
    }
    ValId mask = act_mask(cx->act, f->how, &d, axis);
    if (mask.ix)
        return (Ex){.ty = ty_vector(cx->ts, bit, axis), .ir = mask};
    diag_report(cx->diag, E0402, (Span){0, 0}, "--force: a mask of %zu bits does not fit '%s'",
                strlen(f->how), path);
    diag_help(cx->diag,
              "it takes a bit for each index of an axis of known size, or for each member "
              "of the banks around a decision about the whole call");
    return act_bool(cx->act, false, one);
}

/* No code is made for a test that does not decide: it could still raise. */
Value gate_test(Cx *cx, const Node *s, Env *env, const Poly *axis)
{
    const char *path = live(cx) ? decision_path(cx, s->name) : NULL;
    const ForceAsk *f = path ? find_force(cx, path) : NULL;
    Act *keep = f ? act_pause(cx) : NULL;
    Value v = check_test(cx, s->a, env, axis, s->name);
    if (!f)
        return v;
    act_resume(cx, keep);
    if (is_tensor(&v))
        v.ex = fixed_test(cx, f, path, axis);
    return v;
}

/* ---- routes ---- */

/* -1: it is no number. */
static int64_t number(const char *s)
{
    size_t n = strlen(s);
    bool ok = n && n < 10 && s[strspn(s, "0123456789")] == 0;
    return ok ? (int64_t)strtoul(s, NULL, 10) : -1;
}

int64_t forced_expert(Cx *cx, const Node *s, int64_t experts)
{
    const char *path = decision_path(cx, s->name);
    const ForceAsk *f = find_force(cx, path);
    if (!f)
        return -1;
    int64_t e = number(f->how);
    if (e >= 0 && e < experts)
        return e;
    refuse_how(
        cx, f, path,
        arena_printf(cx->arena, "the number of an expert, 0 to %lld", (long long)experts - 1));
    return 0;
}

/* ---- halts and exits ---- */

int64_t forced_leave(Cx *cx, const Node *s, uint32_t cap)
{
    const char *path = decision_path(cx, s->name);
    const ForceAsk *f = find_force(cx, path);
    if (!f)
        return LEAVES_BY_TEST;
    if (!strcmp(f->how, "never"))
        return LEAVES_NEVER;
    int64_t k = strcmp(f->how, "always") ? number(f->how) : 1;
    if (k <= 0) {
        refuse_how(cx, f, path, "always, never, or the iteration in which rows leave, from 1");
    } else if (k > cap) {
        diag_report(cx->diag, E0402, (Span){0, 0}, "--force: '%s' cannot leave in iteration %lld",
                    path, (long long)k);
        diag_help(cx->diag, "there are %u at most", cap);
    }
    return k > 0 ? k : 1;
}

void report_force(Cx *cx)
{
    for (uint32_t i = 0; i < cx->nforce; i++) {
        if (cx->force[i].found)
            continue;
        diag_report(cx->diag, E0402, (Span){0, 0}, "--force: there is no decision '%s'",
                    cx->force[i].pattern);
        const char *near = diag_nearest(cx->force[i].pattern, cx->decision_paths.at,
                                        (uint32_t)cx->decision_paths.n);
        if (near)
            diag_help(cx->diag, "did you mean '%s'?", near);
    }
}
