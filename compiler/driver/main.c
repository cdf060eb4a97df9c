/* gatec FILE...: checks the syntax of the files and prints their trees. */

#include "syntax/parse.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    Arena *session = arena_new("session");
    Sources *sources = sources_new(session);
    Diag *diag = diag_new(session, sources);
    Intern *names = intern_new(session);
    uint32_t ids = 0;
    for (int i = 1; i < argc; i++) {
        const char *why = NULL;
        const SourceFile *file = sources_load(sources, argv[i], &why);
        if (!file) {
            fprintf(stderr, "gatec: %s: %s\n", argv[i], why);
            return 3;
        }
        Ast ast = parse_file(session, names, diag, file, &ids);
        StrBuf out = strbuf_new(session);
        if (ast.ok)
            ast_print_all(&out, names, &ast);
        fputs(out.at, stdout);
    }
    diag_flush(diag);
    int status = diag_errors(diag) ? 1 : 0;
    arena_free(session);
    return status;
}
