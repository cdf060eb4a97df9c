/* The tokens of .gate. The text ends with a NUL, has none inside, and is valid UTF-8
 * (scan_validate). Words are matched as one rule; which of them are reserved is the grammar's
 * business. What is no token of the language but common elsewhere is taken with advice. */

#include "parser.tab.h"

#define MADE(kind) return scan_made(p, start, TOK_##kind)

Token gate_scan(Parser *p)
{
    const unsigned char *start, *YYMARKER;
    Token foreign;
again:
    start = p->cur;
    /*!re2c
    re2c:yyfill:enable = 0;
    re2c:encoding:utf8 = 1;
    re2c:define:YYCTYPE = "unsigned char";
    re2c:define:YYCURSOR = p->cur;

    name   = [A-Za-z_][A-Za-z0-9_]*;
    wide   = [\x80-\U0010ffff];
    digits = [0-9][0-9_]*;
    power  = [eE][+-]?digits;
    string = "\"" ([^"\\\n\x00] | "\\" [^\n\x00])*;

    "\x00"              { p->cur--; MADE(YYEOF); }
    [ \t\r]+            { goto again; }
    "\n"                { p->fresh_line = true; goto again; }
    "//" [^\n\x00]*     { goto again; }
    "/*"                { scan_comment(p, start); goto again; }

    name                { return scan_name(p, start); }
    name wide           { return scan_name(p, start); }
    digits              { return scan_integer(p, start, 10); }
    "0x" [0-9a-fA-F] [0-9a-fA-F_]*  { return scan_integer(p, start, 16); }
    "0b" [01] [01_]*    { return scan_integer(p, start, 2); }
    digits "." digits power?        { return scan_float(p, start); }
    digits power        { return scan_float(p, start); }
    string "\""         { return scan_string(p, start, true); }
    string "\\"?        { return scan_string(p, start, false); }

    "->" { MADE(ARROW); }   "=>" { MADE(FAT); }     ".." { MADE(DOTDOT); }
    "==" { MADE(EQ); }      "!=" { MADE(NE); }      "<=" { MADE(LE); }
    ">=" { MADE(GE); }      "<<" { MADE(SHL); }     ">>" { MADE(SHR); }
    "**" { MADE(POW); }     "??" { MADE(QQ); }      "+=" { MADE(ADDSET); }
    "'"  { MADE(QUOTE); }   "<"  { MADE(LT); }      ">"  { MADE(GT); }
    "+"  { MADE(PLUS); }    "-"  { MADE(MINUS); }   "*"  { MADE(STAR); }
    "/"  { MADE(SLASH); }   "%"  { MADE(PERCENT); } "@"  { MADE(MATMUL); }
    "&"  { MADE(AMP); }     "|"  { MADE(BAR); }     "^"  { MADE(CARET); }
    "~"  { MADE(TILDE); }   "="  { MADE(SET); }     "("  { MADE(LPAREN); }
    ")"  { MADE(RPAREN); }  "{"  { MADE(LBRACE); }  "}"  { MADE(RBRACE); }
    "["  { MADE(LBRACKET); } "]" { MADE(RBRACKET); } "," { MADE(COMMA); }
    ";"  { MADE(SEMI); }    ":"  { MADE(COLON); }   "."  { MADE(DOT); }
    "#"  { MADE(HASH); }

    "&&" { return scan_habit(p, start, TOK_AND, "write 'and'"); }
    "||" { return scan_habit(p, start, TOK_OR, "write 'or'"); }
    "!"  { return scan_habit(p, start, TOK_NOT, "write 'not'"); }
    ":=" { return scan_habit(p, start, TOK_SET, "write 'let x = ...' for a new name, '=' for a "
                                                "state or carry"); }
    "?"  { return scan_habit(p, start, TOK_GATE_UNDEF, "write select(c, a, b), or a named gate and "
                                                    "'when g { a } else b'"); }
    wide { goto other; }
    *    { goto other; }
    */
other:
    if (scan_other(p, start, &foreign))
        return foreign;
    goto again;
}
