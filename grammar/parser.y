/* The grammar of .gate. Every action is one call of compiler/syntax/build.h; what the slots of a
 * node hold is written in compiler/syntax/ast.def.
 *
 * Law: no conflict of either kind. Precedence settles operators, all else is unambiguous as written:
 * 'when ... else' is a value and 'on' an update, the tails (each when with send merge) are no
 * operands, annotations start with '#', types have a grammar of their own.
 *
 * Keywords have one list, the %token lines: an alias of small letters is a reserved word. */
%require "3.8"
%define api.pure full
%define api.prefix {gate_}
%define api.token.prefix {TOK_}
%define api.token.raw
%define api.location.type {Span}
%define parse.error custom
%define parse.lac full
%locations
%expect 0
%param {Parser *p}
%initial-action { @$ = (Span){p->file->base, 0}; }

%code requires {
#include "syntax/build.h"
#define YYLLOC_DEFAULT(cur, rhs, n)                                                        \
    ((cur) = (n) ? span_join(YYRHSLOC(rhs, 1), YYRHSLOC(rhs, n))                           \
                 : (Span){YYRHSLOC(rhs, 0).at + YYRHSLOC(rhs, 0).len, 0})
}
%union {
    unsigned op;
    SymId sym;
    uint64_t u;
    double f;
    Node *node;
    List *list;
}
%code {
int gate_lex(GATE_STYPE *v, Span *at, Parser *p);
static void gate_error(const Span *at, Parser *p, const char *why);
}

%token <sym> IDENT "a name" STRING "a string"
%token <u> INT "an integer" <f> FLOAT "a number"
%token USE "use" AS "as" DIM "dim" ENUM "enum" KNOB "knob" CONST "const" WEIGHTS "weights"
%token PARAM "param" PART "part" BANK "bank" STATE "state" EXTERN "extern" FN "fn" BLOCK "block"
%token NETWORK "network" ARITH "arith" LET "let" GATE "gate" ROUTE "route" HALT "halt" EXIT "exit"
%token WHEN "when" ELSE "else" ON "on" SEND "send" TO "to" BY "by" EACH "each"
%token MERGE "merge" LOOP "loop" SCAN "scan" CARRY "carry" IN "in" WITH "with" WHERE "where"
%token WHOLE "whole" MASS "mass" AUX "aux" AND "and" OR "or" NOT "not" AT "at" STORED "stored"
%token SHARE "share" TRUE "true" FALSE "false"
%token SUM "sum" PROD "prod" MAX "max" MIN "min" MEAN "mean" ARGMAX "argmax" ARGMIN "argmin"
%token GRAD "grad" ANY "any" ALL "all" COUNT "count"
%token ARROW "->" FAT "=>" DOTDOT ".." EQ "==" NE "!=" LE "<=" GE ">=" SHL "<<" SHR ">>"
%token POW "**" QQ "??" ADDSET "+=" QUOTE "'" LT "<" GT ">" PLUS "+" MINUS "-" STAR "*" SLASH "/"
%token PERCENT "%" MATMUL "@" AMP "&" BAR "|" CARET "^" TILDE "~" SET "=" LPAREN "(" RPAREN ")"
%token LBRACE "{" RBRACE "}" LBRACKET "[" RBRACKET "]" COMMA "," SEMI ";" COLON ":" DOT "."
%token HASH "#"
%token SYNC "a fresh start" /* made by the recovery only (tokens.c) */

%left WHERE
%left OR
%left AND
%precedence NOT
%precedence TESTING
%left EQ NE LT LE GT GE /* chains are refused with advice in syn_binary */
%left BAR
%left CARET
%left AMP
%left PLUS MINUS
%precedence REDUCTION
%left STAR SLASH PERCENT MATMUL SHL SHR
%precedence NEG

%type <list> decls attrs binds subs args statics static_list params formals arith_items names qname
%type <list> fields groups axes carries carry_list binders members stmts arms exprs braced_list
%type <node> decl use data_decl dim enum knob constant weights param part bank state member blockref
%type <node> bind attr function body static arith arith_item formal type field braces stmt repeat
%type <node> carry binder range sub arg full expr tail arm small power chosen postfix primary name
%type <node> scaled word whole
%type <sym> anyname
%type <op> callable kind kindword dimop loopword reduction test wholes sign
%%
file: decls { syn_file(p, $1); } ;
decls: %empty { $$ = syn_list(p, NULL); } | decls decl { $$ = syn_append(p, $1, $2); } ;
decl: use | data_decl | function | arith
    | error ";" { $$ = SYN(POISON, @$, 0); yyerrok; }
    | error "}" { $$ = SYN(POISON, @$, 0); yyerrok; }
    | error SYNC { $$ = SYN(POISON, @$, 0); yyerrok; } ;
use: "use" qname ";" { $$ = SYN(USE, @$, .xs = $2); }
   | "use" qname "as" IDENT ";" { $$ = SYN(USE, @$, .xs = $2, .alias = $4); } ;

/* ---- declarations legal at file level and inside bodies ---- */
data_decl: dim | enum | knob | constant | weights | param | part | bank | state ;
dim: "dim" IDENT dimop full attrs ";"
       { $$ = SYN(DIM, @$, .name = $2, .op = $3, .a = $4, .attrs = $5); } ;
dimop: "=" { $$ = OPER_SET; } | "<=" { $$ = OPER_LE; } ;
enum: "enum" IDENT "{" names "}" { $$ = SYN(ENUM, @$, .name = $2, .xs = $4); } ;
knob: "knob" IDENT ":" type "=" full "in" range attrs ";"
        { $$ = SYN(KNOB, @$, .name = $2, .type = $4, .a = $6, .b = $8, .attrs = $9); }
    | "knob" IDENT ":" type "=" full attrs ";" /* of bits */
        { $$ = SYN(KNOB, @$, .name = $2, .type = $4, .a = $6, .attrs = $7); } ;
constant: "const" IDENT "=" full attrs ";"
            { $$ = SYN(CONST, @$, .name = $2, .a = $4, .attrs = $5); }
        | "const" IDENT ":" type "=" full attrs ";"
            { $$ = SYN(CONST, @$, .name = $2, .type = $4, .a = $6, .attrs = $7); }
        | "const" IDENT "[" binders "]" "=" full attrs ";"
            { $$ = SYN(CONST, @$, .name = $2, .ys = $4, .a = $7, .attrs = $8); } ;
weights: "weights" STRING attrs ";"
           { $$ = SYN(WEIGHTS, @$, .a = SYN(STR, @2, .name = $2), .attrs = $3); }
       | "weights" STRING "as" IDENT attrs ";"
           { $$ = SYN(WEIGHTS, @$, .a = SYN(STR, @2, .name = $2), .alias = $4, .attrs = $5); }
       | "weights" "=" full attrs ";"
           { $$ = SYN(WEIGHTS, @$, .op = OPER_SET, .a = $3, .attrs = $4); } ;
param: "param" IDENT ":" type binds attrs ";"
         { $$ = SYN(PARAM, @$, .name = $2, .type = $4, .xs = $5, .attrs = $6); }
     | "param" IDENT ":" type binds attrs "=" full attrs ";"
         { $$ = SYN(PARAM, @$, .name = $2, .type = $4, .xs = $5, .a = $8,
                    .attrs = syn_join(p, $6, $9)); } ;
state: "state" IDENT ":" type attrs ";"
         { $$ = SYN(STATE, @$, .name = $2, .type = $4, .attrs = $5); }
     | "state" IDENT ":" type "=" full attrs ";"
         { $$ = SYN(STATE, @$, .name = $2, .type = $4, .a = $6, .attrs = $7); } ;
part: "part" IDENT ":" blockref binds attrs ";"
        { $$ = SYN(PART, @$, .name = $2, .b = $4, .xs = $5, .attrs = $6); }
    | "part" IDENT "=" full ";" { $$ = SYN(PART, @$, .name = $2, .a = $4); } ;
bank: "bank" IDENT "[" full "]" ":" blockref binds attrs ";"
        { $$ = SYN(BANK, @$, .name = $2, .a = $4, .b = $7, .xs = $8, .attrs = $9); }
    | "bank" IDENT "{" members "}" { $$ = SYN(BANK, @$, .name = $2, .ys = $4); } ;
members: member { $$ = syn_list(p, $1); } | members member { $$ = syn_append(p, $1, $2); } ;
member: IDENT ":" blockref binds attrs ";"
          { $$ = SYN(MEMBER, @$, .name = $1, .b = $3, .xs = $4, .attrs = $5); } ;
blockref: qname { $$ = SYN(REF, @$, .xs = $1); }
        | qname "[" subs "]" { $$ = SYN(REF, @$, .xs = $1, .ys = $3); } ;
binds: %empty { $$ = syn_list(p, NULL); } | binds bind { $$ = syn_append(p, $1, $2); } ;
bind: "at" STRING { $$ = SYN(BIND_AT, @$, .a = SYN(STR, @2, .name = $2)); }
    | "stored" postfix { $$ = SYN(BIND_STORED, @$, .a = $2); }
    | "share" postfix { $$ = SYN(BIND_SHARE, @$, .a = $2); } ;
attrs: %empty { $$ = syn_list(p, NULL); } | attrs attr { $$ = syn_append(p, $1, $2); } ;
attr: "#" IDENT { syn_annotation(p, $2, @2); $$ = SYN(ATTR, @$, .name = $2); }
    | "#" IDENT "(" args ")"
          { syn_annotation(p, $2, @2); $$ = SYN(ATTR, @$, .name = $2, .ys = $4, .op = 1); } ;

/* ---- functions, blocks, networks, arithmetic modes ---- */
function: callable IDENT statics params "->" type attrs body
            { $$ = syn_node(p, (AstKind)$1, @$, (Slots){.name = $2, .xs = $3, .ys = $4, .type = $6,
                            .attrs = $7, .a = $8}); }
        | "extern" "fn" IDENT statics params "->" type attrs ";"
            { $$ = SYN(EXTERN, @$, .name = $3, .xs = $4, .ys = $5, .type = $7, .attrs = $8); } ;
callable: "fn" { $$ = AST_FN; } | "block" { $$ = AST_BLOCK; } | "network" { $$ = AST_NETWORK; } ;
body: braces | "=" full ";" { $$ = $2; } ;
statics: %empty { $$ = syn_list(p, NULL); } | "[" static_list "]" { $$ = $2; } ;
static_list: static { $$ = syn_list(p, $1); }
           | static_list "," static { $$ = syn_append(p, $1, $3); } ;
static: IDENT { $$ = SYN(STATIC, @$, .name = $1); }
      | IDENT "=" full { $$ = SYN(STATIC, @$, .name = $1, .a = $3); }
      | IDENT ":" kind { $$ = SYN(STATIC, @$, .name = $1, .op = $3); }
      | IDENT ":" kind "=" full { $$ = SYN(STATIC, @$, .name = $1, .op = $3, .a = $5); }
      | IDENT ":" type { $$ = SYN(STATIC, @$, .name = $1, .op = KIND_TYPE, .type = $3); }
      | IDENT ":" type "=" full
          { $$ = SYN(STATIC, @$, .name = $1, .op = KIND_TYPE, .type = $3, .a = $5); } ;
kind: kindword ;
kindword: "dim" { $$ = KIND_DIM; } | "block" { $$ = KIND_BLOCK; } | "fn" { $$ = KIND_FN; }
        | "bank" { $$ = KIND_BANK; } ;
params: "(" ")" { $$ = syn_list(p, NULL); } | "(" formals ")" { $$ = $2; } ;
formals: formal { $$ = syn_list(p, $1); } | formals "," formal { $$ = syn_append(p, $1, $3); } ;
formal: IDENT ":" type { $$ = SYN(FORMAL, @$, .name = $1, .type = $3); }
      | IDENT ":" type "=" full { $$ = SYN(FORMAL, @$, .name = $1, .type = $3, .a = $5); } ;
arith: "arith" IDENT statics "{" arith_items "}"
         { $$ = SYN(ARITH, @$, .name = $2, .xs = $3, .ys = $5); } ;
arith_items: %empty { $$ = syn_list(p, NULL); }
           | arith_items arith_item { $$ = syn_append(p, $1, $2); } ;
arith_item: IDENT "=" full ";" { $$ = SYN(ARITH_CONST, @$, .name = $1, .a = $3); }
          | "fn" anyname params "->" type body
              { $$ = SYN(FN, @$, .name = $2, .ys = $3, .type = $5, .a = $6); } ;

/* ---- types and names ---- */
type: qname { $$ = SYN(TYPE, @$, .xs = $1); }
    | qname groups { $$ = SYN(TYPE, @$, .xs = $1, .ys = $2); }
    | word { $$ = SYN(TYPE, @$, .xs = syn_list(p, $1)); }
    | word groups { $$ = SYN(TYPE, @$, .xs = syn_list(p, $1), .ys = $2); }
    | "(" fields ")" { $$ = SYN(TUPLE_TYPE, @$, .xs = $2); }
    | "(" fields ")" groups { $$ = SYN(TUPLE_TYPE, @$, .xs = $2, .ys = $4); } ;
word: "gate" { $$ = SYN(NAME, @$, .name = syn_word(p, @1)); }
    | "route" { $$ = SYN(NAME, @$, .name = syn_word(p, @1)); } ;
groups: "[" subs "]" { $$ = syn_list(p, SYN(SUBS, @$, .xs = $2)); }
      | groups "[" subs "]" { $$ = syn_append(p, $1, SYN(SUBS, span_join(@2, @4), .xs = $3)); } ;
fields: field { $$ = syn_list(p, $1); } | fields "," field { $$ = syn_append(p, $1, $3); } ;
field: type { $$ = SYN(FIELD, @$, .type = $1); }
     | IDENT ":" type { $$ = SYN(FIELD, @$, .name = $1, .type = $3); } ;
name: IDENT { $$ = SYN(NAME, @$, .name = $1); } ;
names: name { $$ = syn_list(p, $1); } | names "," name { $$ = syn_append(p, $1, $3); } ;
qname: name { $$ = syn_list(p, $1); }
     | qname "." anyname { $$ = syn_append(p, $1, SYN(NAME, @3, .name = $3)); } ;
anyname: IDENT { $$ = $1; } | reserved { $$ = syn_word(p, @$); } ;
/* Words that are plain names after a dot and before a colon. */
reserved: "sum" | "prod" | "max" | "min" | "mean" | "argmax" | "argmin" | "grad" | "any" | "all"
        | "count" | "gate" | "route" | "halt" | "exit" | "merge" | "mass" | "scan" | "loop" | "state"
        | "whole" | "weights" | "share" | "with" | "on" | "to" | "by" | "at" | "aux" | "dim"
        | "block" ;

/* ---- statements ---- */
braces: "{" stmts "}" { $$ = SYN(BRACES, @$, .xs = $2); }
      | "{" stmts full "}" { $$ = SYN(BRACES, @$, .xs = $2, .a = $3); }
      | "{" stmts error "}" { $$ = SYN(POISON, @$, 0); yyerrok; } ;
stmts: %empty { $$ = syn_list(p, NULL); } | stmts stmt { $$ = syn_append(p, $1, $2); } ;
stmt: data_decl
    | error ";" { $$ = SYN(POISON, @$, 0); yyerrok; }
    | error SYNC { $$ = SYN(POISON, @$, 0); yyerrok; }
    | "let" IDENT "=" full attrs ";" { $$ = SYN(LET, @$, .name = $2, .a = $4, .attrs = $5); }
    | "let" IDENT ":" type "=" full attrs ";"
        { $$ = SYN(LET, @$, .name = $2, .type = $4, .a = $6, .attrs = $7); }
    | "let" IDENT "[" binders "]" "=" full attrs ";"
        { $$ = SYN(LET, @$, .name = $2, .ys = $4, .a = $7, .attrs = $8); }
    | "let" "(" names ")" "=" full attrs ";"
        { $$ = SYN(LET, @$, .xs = $3, .a = $6, .attrs = $7); }
    | full "=" full ";" { $$ = SYN(ASSIGN, @$, .a = $1, .op = OPER_SET, .b = $3); }
    | full "+=" full ";" { $$ = SYN(ASSIGN, @$, .a = $1, .op = OPER_ADD_SET, .b = $3); }
    | "aux" IDENT "=" full attrs ";" { $$ = SYN(AUX, @$, .name = $2, .a = $4, .attrs = $5); }
    | "on" expr braces { $$ = SYN(ON, @$, .a = $2, .b = $3); }
    | "gate" IDENT axes "=" full attrs ";"
        { $$ = SYN(GATE, @$, .name = $2, .xs = $3, .a = $5, .attrs = $6); }
    | "route" IDENT "[" subs "]" "=" full attrs ";"
        { $$ = SYN(ROUTE, @$, .name = $2, .xs = $4, .a = $7, .attrs = $8); }
    | "halt" IDENT axes "when" full attrs ";"
        { $$ = SYN(HALT, @$, .name = $2, .xs = $3, .a = $5, .attrs = $6); }
    | "halt" IDENT axes "mass" full "to" full "as" IDENT attrs braces
        { $$ = SYN(HALT, @$, .name = $2, .xs = $3, .b = $5, .a = $7, .alias = $9, .attrs = $10,
                   .c = $11); }
    | "exit" IDENT axes "when" full "with" full attrs ";"
        { $$ = SYN(EXIT, @$, .name = $2, .xs = $3, .a = $5, .b = $7, .attrs = $8); }
    | repeat ;
axes: %empty { $$ = syn_list(p, NULL); } | "[" subs "]" { $$ = $2; } ;
repeat: loopword IDENT "in" range carries attrs braces
          { $$ = SYN(LOOP, @$, .op = $1, .name = $2, .a = $4, .xs = $5, .attrs = $6, .b = $7); }
      | loopword IDENT "[" binder "]" carries attrs braces
          { $$ = SYN(LOOP, @$, .op = $1, .name = $2, .c = $4, .xs = $6, .attrs = $7, .b = $8); } ;
loopword: "loop" { $$ = OPER_LOOP; } | "scan" { $$ = OPER_SCAN; } ;
carries: %empty { $$ = syn_list(p, NULL); } | "carry" carry_list { $$ = $2; } ;
carry_list: carry { $$ = syn_list(p, $1); }
          | carry_list "," carry { $$ = syn_append(p, $1, $3); } ;
carry: IDENT "=" full { $$ = SYN(CARRY, @$, .name = $1, .a = $3); }
     | IDENT ":" type "=" full { $$ = SYN(CARRY, @$, .name = $1, .type = $3, .a = $5); } ;

/* ---- binders, ranges, subscripts, arguments ---- */
binders: binder { $$ = syn_list(p, $1); } | binders "," binder { $$ = syn_append(p, $1, $3); } ;
binder: IDENT { $$ = SYN(BINDER, @$, .name = $1); }
      | IDENT "in" range { $$ = SYN(BINDER, @$, .name = $1, .a = $3); }
      | ".." { $$ = SYN(BINDER, @$, .op = 1); } ;
range: full { $$ = SYN(RANGE, @$, .a = $1); }
     | full ".." full { $$ = SYN(RANGE, @$, .a = $1, .b = $3); } ;
subs: sub { $$ = syn_list(p, $1); } | subs "," sub { $$ = syn_append(p, $1, $3); } ;
sub: full
   | full ".." full { $$ = SYN(SLICE, @$, .a = $1, .b = $3); }
   | ".." { $$ = SYN(REST, @$, 0); }
   | ".." IDENT { $$ = SYN(REST, @$, .name = $2); }
   | anyname ":" full { $$ = SYN(NAMED, @$, .name = $1, .a = $3); }
   | full "->" full { $$ = SYN(ARROW, @$, .a = $1, .b = $3); }
   | "->" full { $$ = SYN(ARROW, @$, .b = $2); } ;
args: arg { $$ = syn_list(p, $1); } | args "," arg { $$ = syn_append(p, $1, $3); } ;
arg: full { $$ = SYN(ARG, @$, .a = $1); }
   | anyname ":" full { $$ = SYN(ARG, @$, .name = $1, .a = $3); } ;

/* ---- expressions ---- */
/* A tail stands alone or last after + - *: 'when g {a} else b + c' is an error, not a choice. */
full: expr | tail | scaled
    | expr "+" tail { $$ = syn_binary(p, @$, OPER_ADD, $1, $3); }
    | expr "-" tail { $$ = syn_binary(p, @$, OPER_SUB, $1, $3); }
    | expr "+" scaled { $$ = syn_binary(p, @$, OPER_ADD, $1, $3); }
    | expr "-" scaled { $$ = syn_binary(p, @$, OPER_SUB, $1, $3); } ;
scaled: expr "*" tail { $$ = syn_binary(p, @$, OPER_MUL, $1, $3); } ;
tail: "each" "[" binders "]" full { $$ = SYN(EACH, @$, .ys = $3, .a = $5); }
    | "when" expr braces "else" small { $$ = SYN(WHEN, @$, .a = $2, .b = $3, .c = $5); }
    | "with" postfix braces { $$ = SYN(WITH, @$, .a = $2, .b = $3); }
    | "send" full "to" postfix "by" postfix { $$ = SYN(SEND, @$, .a = $2, .b = $4, .c = $6); }
    | "send" full "to" postfix "by" postfix "else" small
        { $$ = SYN(SEND, @$, .a = $2, .b = $4, .c = $6, .type = $8); }
    | "send" "by" postfix "{" braced_list "}" { $$ = SYN(SEND, @$, .c = $3, .ys = $5); }
    | "send" "by" postfix "{" braced_list "}" "else" small
        { $$ = SYN(SEND, @$, .c = $3, .ys = $5, .type = $8); }
    | "merge" postfix "by" postfix { $$ = SYN(MERGE, @$, .a = $2, .b = $4); } ;
expr: power
    | sign expr %prec NEG { $$ = SYN(NEG, @$, .op = $1, .a = $2); }
    | "not" expr { $$ = SYN(NOT, @$, .a = $2); }
    | expr "where" expr { $$ = syn_binary(p, @$, OPER_WHERE, $1, $3); }
    | expr "or" expr { $$ = syn_binary(p, @$, OPER_OR, $1, $3); }
    | expr "and" expr { $$ = syn_binary(p, @$, OPER_AND, $1, $3); }
    | expr "==" expr { $$ = syn_binary(p, @$, OPER_EQ, $1, $3); }
    | expr "!=" expr { $$ = syn_binary(p, @$, OPER_NE, $1, $3); }
    | expr "<" expr { $$ = syn_binary(p, @$, OPER_LT, $1, $3); }
    | expr "<=" expr { $$ = syn_binary(p, @$, OPER_LE, $1, $3); }
    | expr ">" expr { $$ = syn_binary(p, @$, OPER_GT, $1, $3); }
    | expr ">=" expr { $$ = syn_binary(p, @$, OPER_GE, $1, $3); }
    | expr "|" expr { $$ = syn_binary(p, @$, OPER_OR_BITS, $1, $3); }
    | expr "^" expr { $$ = syn_binary(p, @$, OPER_XOR_BITS, $1, $3); }
    | expr "&" expr { $$ = syn_binary(p, @$, OPER_AND_BITS, $1, $3); }
    | expr "<<" expr { $$ = syn_binary(p, @$, OPER_SHL, $1, $3); }
    | expr ">>" expr { $$ = syn_binary(p, @$, OPER_SHR, $1, $3); }
    | expr "+" expr { $$ = syn_binary(p, @$, OPER_ADD, $1, $3); }
    | expr "-" expr { $$ = syn_binary(p, @$, OPER_SUB, $1, $3); }
    | expr "*" expr { $$ = syn_binary(p, @$, OPER_MUL, $1, $3); }
    | expr "/" expr { $$ = syn_binary(p, @$, OPER_DIV, $1, $3); }
    | expr "%" expr { $$ = syn_binary(p, @$, OPER_MOD, $1, $3); }
    | expr "@" expr { $$ = syn_binary(p, @$, OPER_AT, $1, $3); }
    | reduction "[" binders "]" expr %prec REDUCTION
        { $$ = SYN(REDUCE, @$, .op = $1, .ys = $3, .a = $5); }
    | test "[" binders "]" expr %prec TESTING
        { $$ = SYN(REDUCE, @$, .op = $1, .ys = $3, .a = $5); } ;
sign: "-" { $$ = OPER_NEG; } | "~" { $$ = OPER_INVERT; } ;
reduction: "sum" { $$ = REDOP_SUM; } | "prod" { $$ = REDOP_PROD; } | "max" { $$ = REDOP_MAX; }
         | "min" { $$ = REDOP_MIN; } | "mean" { $$ = REDOP_MEAN; }
         | "argmax" { $$ = REDOP_ARGMAX; } | "argmin" { $$ = REDOP_ARGMIN; }
         | "grad" { $$ = REDOP_GRAD; } ;
test: "any" { $$ = REDOP_ANY; } | "all" { $$ = REDOP_ALL; } | "count" { $$ = REDOP_COUNT; } ;
braced_list: arms | arms "," ;
arms: arm { $$ = syn_list(p, $1); } | arms "," arm { $$ = syn_append(p, $1, $3); } ;
arm: IDENT "=>" full { $$ = SYN(ARM, @$, .name = $1, .a = $3); }
   | "each" IDENT "=>" full { $$ = SYN(ARM, @$, .name = $2, .op = 1, .a = $4); } ;
small: postfix | "-" postfix { $$ = SYN(NEG, @$, .op = OPER_NEG, .a = $2); } ;
power: chosen
     | chosen "**" chosen { $$ = SYN(POW, @$, .a = $1, .b = $3); }
     | chosen "**" "-" chosen
         { $$ = SYN(POW, @$, .a = $1, .b = SYN(NEG, span_join(@3, @4), .op = OPER_NEG, .a = $4)); } ;
chosen: postfix | postfix "??" small { $$ = SYN(CHOOSE, @$, .a = $1, .b = $3); } ;
postfix: primary
       | postfix "(" ")" { $$ = SYN(CALL, @$, .a = $1); }
       | postfix "(" args ")" { $$ = SYN(CALL, @$, .a = $1, .ys = $3); }
       | postfix "[" subs "]" { $$ = SYN(INDEX, @$, .a = $1, .xs = $3); }
       | postfix "." anyname { $$ = SYN(DOT, @$, .a = $1, .name = $3); }
       | postfix "'" { $$ = SYN(QUOTE, @$, .a = $1); } ;
primary: name
       | INT { $$ = SYN(INT, @$, .u = $1); }
       | FLOAT { $$ = SYN(FLOAT, @$, .f = $1); }
       | STRING { $$ = SYN(STR, @$, .name = $1); }
       | "true" { $$ = SYN(BOOL, @$, .op = 1); }
       | "false" { $$ = SYN(BOOL, @$, .op = 0); }
       | reduction "(" args ")"
           { $$ = SYN(CALL, @$, .a = SYN(NAME, @1, .name = syn_word(p, @1)), .ys = $3); }
       | test "(" args ")"
           { $$ = SYN(CALL, @$, .a = SYN(NAME, @1, .name = syn_word(p, @1)), .ys = $3); }
       | whole
       | "(" full ")" { $$ = syn_paren($2); }
       | "(" full "," exprs ")" { $$ = SYN(TUPLE, @$, .xs = syn_join(p, syn_list(p, $2), $4)); }
       | "[" exprs "]" { $$ = SYN(LIST, @$, .xs = $2); }
       | "[" exprs "," "]" { $$ = SYN(LIST, @$, .xs = $2); }
       | braces
       | "param" STRING { $$ = SYN(FILEPARAM, @$, .name = $2); } ;
exprs: full { $$ = syn_list(p, $1); } | exprs "," full { $$ = syn_append(p, $1, $3); } ;
whole: wholes IDENT { $$ = SYN(WHOLE, @$, .name = $2, .op = $1); } ;
wholes: "whole" { $$ = 1; } | wholes "whole" { $$ = $1 < 65535 ? $1 + 1 : $1; } ;
%%

/* Called by Bison only when its stack is full: the text nests too deeply. */
static void gate_error(const Span *at, Parser *p, const char *why)
{
    (void)why;
    syn_too_deep(p, *at);
}

static int yyreport_syntax_error(const yypcontext_t *context, Parser *p)
{
    yysymbol_kind_t expected[YYNTOKENS];
    int kinds[YYNTOKENS];
    int n = yypcontext_expected_tokens(context, expected, YYNTOKENS);
    for (int i = 0; i < n; i++)
        kinds[i] = (int)expected[i];
    yysymbol_kind_t found = yypcontext_token(context);
    syn_unexpected(p, found == YYSYMBOL_YYEMPTY ? TOK_YYEOF : (int)found,
                   *yypcontext_location(context), kinds, n > 0 ? n : 0);
    return 0;
}

const char *gate_token_text(int kind)
{
    return yysymbol_name((yysymbol_kind_t)kind);
}

static bool is_word(const char *s)
{
    while (*s >= 'a' && *s <= 'z')
        s++;
    return !*s;
}

void gate_keywords(Parser *p)
{
    for (int i = YYSYMBOL_YYUNDEF + 1; i < YYNTOKENS; i++) {
        if (!is_word(yysymbol_name((yysymbol_kind_t)i)))
            continue;
        vec_push(p->arena, &p->keywords, intern_z(p->names, yysymbol_name((yysymbol_kind_t)i)));
        vec_push(p->arena, &p->keyword_kinds, i);
    }
}
