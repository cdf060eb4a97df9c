/* --force: decisions that a build holds fixed. The test that the text gives is checked as ever; the
 * value that decides is a constant, and passes fold what it decides. */

#include "sema/walk.h"

#include "support/glob.h"

#include <string.h>

typedef struct {
    DecideKind kind;
    const char *word;
    bool on;
} Word;

static const Word words[] = {{DECIDE_GATE, "open", true},
                             {DECIDE_GATE, "closed", false},
                             {DECIDE_HALT, "always", true},
                             {DECIDE_HALT, "never", false}};

static const char *const wants[] = {[DECIDE_GATE] =
                                        "open, closed, or a bit for each index, as in 1011",
                                    [DECIDE_ROUTE] = "nothing yet: it is a route",
                                    [DECIDE_HALT] = "always or never"};

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

/* The constant that the build asks for. */
static Ex fixed_test(Cx *cx, const ForceAsk *f, const char *path, DecideKind kind, const Poly *axis)
{
    const Frame *at = &cx->frame;
    ActDecision d = {.members = at->members, .sizes = at->sizes, .nmembers = at->n};
    ElemTy bit = elem_concrete(E_BIT);
    Ex none = act_bool(cx->act, false, ty_vector(cx->ts, bit, NULL));
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (words[k].kind == kind && !strcmp(words[k].word, f->how))
            return words[k].on ? act_bool(cx->act, true, none.ty) : none;
    if (kind != DECIDE_GATE || !is_mask(f->how)) {
        diag_report(cx->diag, E0402, (Span){0, 0}, "--force: '%s' is not '%s'", path, f->how);
        diag_help(cx->diag, "it can be %s", wants[kind]);
        return none;
    }
    ValId mask = act_mask(cx->act, f->how, &d, axis);
    if (mask.ix)
        return (Ex){.ty = ty_vector(cx->ts, bit, axis), .ir = mask};
    diag_report(cx->diag, E0402, (Span){0, 0}, "--force: a mask of %zu bits does not fit '%s'",
                strlen(f->how), path);
    diag_help(cx->diag,
              "it takes a bit for each index of an axis of known size, or for each member "
              "of the banks around a decision about the whole call");
    return none;
}

/* No code is made for a test that does not decide: it could still raise. */
Value forced_test(Cx *cx, const Node *s, DecideKind kind, Env *env, const Poly *axis)
{
    const char *path = live(cx) ? decision_path(cx, s->name) : NULL;
    const ForceAsk *f = path ? find_force(cx, path) : NULL;
    Act *keep = f ? act_pause(cx) : NULL;
    Value v = check_test(cx, s->a, env, axis, s->name);
    if (!f)
        return v;
    act_resume(cx, keep);
    if (is_tensor(&v))
        v.ex = fixed_test(cx, f, path, kind, axis);
    return v;
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
