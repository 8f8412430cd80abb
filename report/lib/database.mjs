// The session with the database: one snapshot, which nothing is written in; and what the configuration names, looked up there.

import pg from 'pg';
import { Mistake } from './config.mjs';
import { variablesOf } from './sql.mjs';

const numbers = new Set([20, 21, 23, 26, 700, 701, 1700]);
const boolean = 16;

// Values come as the server writes them.
const asText = { getTypeParser: () => value => value };

const valueOf = (type, text) => {
	if (text === null)
		return null;
	if (numbers.has(type))
		return Number.isFinite(Number(text)) ? Number(text) : null;
	return type === boolean ? text === 't' : text;
};

const explain = error => [error.message, error.detail, error.hint].filter(Boolean).join('. ');

// The columns that each source may name, and the types that they may have.
const instants = ['timestamp with time zone', 'date'];
const sums = ['smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision'];
const sources = {
	orders: { at: instants, amount: sums },
	ledger: { at: instants, points: sums, expires_at: instants },
	events: { at: instants },
	answers: { at: instants, score: sums },
};

export class Database {
	static async connect(database) {
		const self = new Database();

		try {
			self.client = new pg.Client({ ...(/^postgres(ql)?:\/\//.test(database ?? '') ? { connectionString: database } : { database }), types: asText, application_name: 'loyalty-report' });
			self.client.on('error', () => {});
			await self.client.connect();
		} catch (error) {
			throw new Mistake(`the database can't be reached: ${explain(error)}`);
		}
		self.notices = new Set();
		self.client.on('notice', notice => self.notices.add(notice.message));
		return self;
	}

	// The rows: as text, and as values for a chart.
	async query(sql, parameters) {
		const { fields, rows } = await this.client.query({ text: sql, values: parameters, rowMode: 'array' });

		return { columns: fields.map(field => field.name), texts: rows, rows: rows.map(row => Object.fromEntries(fields.map((field, n) => [field.name, valueOf(field.dataTypeID, row[n])]))) };
	}

	async row(sql, parameters) {
		return (await this.query(sql, parameters)).rows[0];
	}

	// The same, where an error leaves the snapshot as it is.
	async attempt(sql, parameters) {
		await this.client.query('SAVEPOINT attempt');
		try {
			const result = await this.query(sql, parameters);

			await this.client.query('RELEASE attempt');
			return result;
		} catch (error) {
			await this.client.query('ROLLBACK TO attempt');
			throw error;
		}
	}

	async close() {
		await this.client.end();
	}

	// Opens the snapshot, in the configuration's zone, with the extension on the search path.
	async open(config, file) {
		const checked = async (key, sql, value) => {
			try {
				return (await this.attempt(sql, [value])).texts[0]?.[0];
			} catch (error) {
				throw new Mistake(`${file}: ${key}: ${explain(error)}`);
			}
		};
		const extension = await this.row("SELECT n.nspname AS schema, quote_ident(n.nspname) AS quoted, n.nspname = ANY (current_schemas(true)) AS found FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'loyalty'");

		if (!extension)
			throw new Mistake('the database has no extension loyalty: CREATE EXTENSION loyalty');
		if (!extension.found)
			await this.query("SELECT set_config('search_path', concat_ws(', ', nullif(current_setting('search_path'), ''), $1::text), false)", [extension.quoted]);
		await this.query("SET DateStyle = 'ISO, YMD'");
		await this.query("SET IntervalStyle = 'postgres'");
		await this.client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
		await checked('zone', "SELECT set_config('TimeZone', $1, false)", config.zone);
		await checked('period', 'SELECT $1::calendar_period', config.period);
		if (config.as_of)
			await checked('as_of', 'SELECT $1::date', config.as_of);
		await checked('horizon', 'SELECT $1::interval', config.horizon);
		for (const [key, type] of [['points_policy', 'points_policy'], ['tier_policy', 'tier_policy'], ['program', 'program_policy'], ['proposal', 'program_policy']])
			if (config[key])
				await checked(key, `SELECT $1::${type}`, JSON.stringify(config[key]));
		if (config.funnel)
			await checked('funnel.within', 'SELECT $1::interval', config.funnel.within);
		return this.variables(config, file, checked);
	}

	// What the charts' SQL may name: { name: { sql, as, key } }. What the configuration leaves out is not there.
	async variables(config, file, checked) {
		const variables = {};
		const literal = (name, value, key = name) => { variables[name] = { sql: pg.escapeLiteral(String(value)).trimStart(), as: 'literal', key }; };
		const raw = (name, sql, key = name) => { variables[name] = { sql, as: 'raw', key }; };
		const found = {};

		for (const [source, types] of Object.entries(sources)) {
			if (!config[source])
				continue;
			const { table, ...columns } = config[source];
			let quoted;

			try {
				quoted = (await this.attempt(
					"SELECT CASE cardinality(p) WHEN 1 THEN quote_ident(p[1]) WHEN 2 THEN quote_ident(p[1]) || '.' || quote_ident(p[2]) END AS name FROM parse_ident($1) p", [table])).rows[0].name;
			} catch {
				quoted = null;
			}
			if (quoted === null)
				throw new Mistake(`${file}: ${source}.table: ${JSON.stringify(table)} is no name of a table`);
			const oid = (await this.row('SELECT to_regclass($1)::oid AS oid', [quoted])).oid;

			if (oid === null)
				throw new Mistake(`${file}: ${source}.table: there is no table ${quoted} in the database`);
			const { rows: has } = await this.query(
				'SELECT attname AS name, quote_ident(attname) AS quoted, format_type(atttypid, NULL) AS type FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum', [oid]);

			found[source] = {};
			raw(source, quoted);
			for (const [key, name] of Object.entries(columns)) {
				const column = has.find(one => one.name === name);

				if (!column)
					throw new Mistake(`${file}: ${source}.${key}: ${quoted} has no column ${JSON.stringify(name)}; it has ${has.map(one => one.name).join(', ')}`);
				if (types[key] && !types[key].includes(column.type))
					throw new Mistake(`${file}: ${source}.${key}: column ${JSON.stringify(name)} of ${quoted} is of type ${column.type}, and has to be one of ${types[key].join(', ')}; a view can convert it`);
				found[source][key] = column.quoted;
				variables[`${source}_${key}`] = { sql: column.quoted, as: 'identifier', key: `${source}.${key}` };
			}
		}
		await this.asOf(config, file, found, variables);
		literal('period', config.period);
		literal('zone', config.zone);
		literal('period_format', { month: 'YYYY-MM', quarter: 'YYYY "Q"Q', year: 'YYYY' }[config.period.replace(/@.*/, '')] ?? 'YYYY-MM-DD', 'period');
		raw('periods', String(config.periods));
		raw('silence_days', String(config.silence_days));
		literal('horizon', config.horizon);
		raw('margin', String(config.margin));
		for (const key of ['value_per_point', 'acquisition_cost'])
			if (config[key] !== undefined)
				raw(key, String(config[key]));
		for (const key of ['points_policy', 'tier_policy', 'program', 'proposal'])
			if (config[key])
				literal(key, JSON.stringify(config[key]));
		if (config.funnel) {
			literal('funnel_steps', (await this.query('SELECT $1::text[]::text AS steps', [config.funnel.steps])).texts[0][0], 'funnel');
			literal('funnel_within', config.funnel.within, 'funnel');
		}
		if (found.orders)
			raw('orders_segment', found.orders.segment ?? "'all customers'", 'orders.segment');
		if (found.ledger) {
			const { at, points, kind, label, ref, expires_at } = found.ledger;

			raw('ledger_event', `make_event(${Object.entries({ at, value: points, kind, label, ref, expires_at }).filter(([, column]) => column).map(([name, column]) => `${name} => ${column}`).join(', ')})`, 'ledger');
		}
		return variables;
	}

	// The last day that counts, and how many rows each source has.
	async asOf(config, file, found, variables) {
		this.counts = {};
		for (const [source, columns] of Object.entries(found)) {
			const row = await this.row(`SELECT count(*) AS rows, CASE WHEN max(${columns.at})::date > current_date THEN current_date ELSE max(${columns.at})::date END::text AS last FROM ${variables[source].sql}`);

			this.counts[source] = row.rows;
			if (source === 'orders' && !config.as_of) {
				if (row.last === null)
					throw new Mistake(`${file}: orders.table: ${variables.orders.sql} has no row with a day`);
				config.as_of = row.last;
			}
		}
		variables.as_of = { sql: pg.escapeLiteral(config.as_of), as: 'literal', key: 'as_of' };
	}
}

// The key of the configuration that a chart's SQL needs and that isn't there, and the sources that it reads.
export function needsOf(sql, variables) {
	const names = variablesOf(sql);

	return { missing: names.find(name => !variables[name]), sources: Object.keys(sources).filter(source => names.includes(source)) };
}

export { explain };
