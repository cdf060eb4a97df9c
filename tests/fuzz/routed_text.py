"""Routes, sends and merges of random networks: the part of gate_text.Text that writes them."""


class Routed:
    def scores(self, rows):
        """Scores of experts, some of them -inf: rows of these only are flat."""
        score = self.expr('f32', (rows, 'E'), 1)
        return f'select({self.expr("bit", (rows, "E"), 1)}, {score}, -inf)' if self.chance(25) else score

    def rule(self, rows):
        score, k = self.scores(rows), self.pick((1, 2, 3))
        prob, seen = f'nn.softmax({score})', self.seen('f32', (rows, 'D'))
        rules = [f'routers.top_k({score}, k: {k})', f'routers.top_k({score}, k: 1)', f'routers.best({score})',
                 f'routers.dense({score})', f'routers.positive({score})', f'routers.top_k({score}, k: 2, cap: 2)',
                 f'routers.top_p({prob}, 0.6)', f'routers.above({score}, 0.1)', f'routers.by_entropy({prob}, 0.9, 0.5)',
                 f'routers.cascade({score}, 0.2)', f'routers.expert_choice({score}, {self.pick((1, 2))})',
                 f'routers.sinkhorn[N: 2]({score})', f'routers.capped(routers.best({score}), {k})',
                 f'routers.top_k[W: routers.certain](routers.nan_first({score}), k: {k})']
        if seen:
            rules.append(f"routers.nearest({self.pick(seen).text}, {self.expr('f32', ('E', 'D'), 0)}, k: {k})")
        if rows not in self.narrowed:
            rules.append(f'routers.hashed[E: E]({self.leaf("i32", (rows,))}, {self.r.randrange(9)})')
        return self.pick(rules)

    def how(self, percent, *ways):
        """An annotation that changes no result."""
        return f' #lower({self.pick(ways or ("mask", "compact", "branch"))})' if self.chance(percent) else ''

    def route(self, rows):
        """The name of a route: of a rule, of one that loops over rules, or of a router that chooses among routers."""
        route, kind = self.fresh('r'), self.r.randrange(10)
        typed = f'{route}[{rows} -> E]'
        if kind == 0 and self.loops < 2:
            n = self.fresh('l')
            self.put(f'loop {n} in 0..2 carry {route}0 = {self.rule(rows)} {{ {route}0 = {self.rule(rows)}; }}')
            self.put(f'route {typed} = {route}0;')
        elif kind == 1:
            self.put(f'route {route}0[{rows} -> E] = {self.rule(rows)};')
            first = f'routers.top_k({self.leaf("f32", (rows, "E"))}, k: {self.pick((1, 2))})'
            self.put(f'route {typed} = send by {route}0 {{ each m => {first} }};')
        else:
            nan = ' #nan(error)' if kind == 2 else ''
            self.put(f'route {typed} = {self.rule(rows)}{nan}{self.how(40)};')
        return route

    def routed(self):
        """Rows sent to the members of a bank, or to arms written here."""
        banks = [b for kind, b in self.blocks if kind == 'bank']
        rows = self.pick(('T', 'S'))
        x = self.seen('f32', (rows, 'D'))
        if not x or self.indices:
            return
        x, route = self.pick(x).text, self.route(rows)
        name = self.fresh('v')
        other = self.pick(('', '', f' else {x}', ' else 0'))
        if banks and self.chance(60):
            self.put(f'let {name} = send {x} to {banks[0]} by {route}{other};')
        elif self.chance(40):
            self.put(f'let {name} = send by {route} {{ each m => {x} * {route}.weight }}{other};')
        else:
            self.put(f'let {name} = send by {route} {{ each m => {x} * {self.pick(("0.5", "f32(m)"))} }}{other};')
        self.bind(name, 'f32', (rows, 'D'))
        if self.chance(30):
            self.bind(f'{route}.mask', 'bit', (rows, 'E'))
            self.bind(f'{route}.weights', 'f32', (rows, 'E'))

    def merged(self):
        """One block of the weighted params of a bank."""
        banks = [b for kind, b in self.blocks if kind == 'bank']
        if not banks or self.indices:
            return
        rows, name = self.pick(('T', 'S')), self.fresh('v')
        w = self.expr('f32', ('E',), 1)
        w = self.pick((f'({w})', f'nn.softmax({w})', f'routers.shares(each[r in 1, i in E] ({w})[i])[0]', '[0.5, 0, 2]'))
        self.put(f'let {name} = (merge {banks[0]} by {w})({self.expr("f32", (rows, "D"), 1)});')
        self.bind(name, 'f32', (rows, 'D'))
