// The SQL of a chart, with what the configuration says in the place of psql's variables: :"column", :'text', :number, :table. Everything that is put
// there was quoted before, so that it can be nothing else; what stands in quotes or comments is left as it is.

const token = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|::|:'(\w+)'|:"(\w+)"|:([A-Za-z_]\w*)/g;

// The names of the variables that a text has.
export function variablesOf(sql) {
	return [...new Set([...sql.matchAll(token)].map(match => match[1] ?? match[2] ?? match[3]).filter(Boolean))];
}

// Each variable is { sql, as }: as is how a text must ask for it.
export function fill(sql, variables, file) {
	return sql.replace(token, (text, literal, identifier, raw) => {
		const name = literal ?? identifier ?? raw;

		if (!name)
			return text;
		const as = literal ? 'literal' : identifier ? 'identifier' : 'raw';
		const variable = variables[name];

		if (!variable)
			throw new Error(`${file}: there is no variable ${text}`);
		if (variable.as !== as)
			throw new Error(`${file}: ${text} has to be written ${{ literal: `:'${name}'`, identifier: `:"${name}"`, raw: `:${name}` }[variable.as]}`);
		return variable.sql;
	});
}
