// loyalty-report: asks the database, chart by chart, and writes the page, the SVGs and the CSVs.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Mistake, readConfig } from './config.mjs';
import { Database, explain, needsOf } from './database.mjs';
import { page, thousands } from './page.mjs';
import { inWords, toSvg } from './render.mjs';
import { fill } from './sql.mjs';

const home = join(dirname(fileURLToPath(import.meta.url)), '..');
const usage = `usage: loyalty-report --database DATABASE [--config report.json] [--output report.html] [--only CHART]...

	--database	a name, or postgresql://user@host:port/name; PGHOST, PGUSER and the like count, too
	--config	what the report is about: tables, columns, policies, periods (default: report.json beside this program)
	--output	the page (default: report.html); a folder beside it, of the same name, gets each chart as SVG and its data as CSV
	--only		just this chart; may be given several times`;

function say(text) {
	process.stderr.write(`${text}\n`);
}

const csvField = text => (text === null ? '' : /[",\r\n]/.test(text) || text === '' ? `"${text.replaceAll('"', '""')}"` : text);
const csv = ({ columns, texts }) => [columns, ...texts].map(row => `${row.map(csvField).join(',')}\r\n`).join('');

const seconds = since => (performance.now() - since) / 1000;

// Tells what is being done, and every few seconds that it still is.
class Progress {
	constructor(of) {
		this.of = of;
		this.n = 0;
		this.started = performance.now();
	}

	start(name) {
		this.n++;
		this.name = name;
		this.since = performance.now();
		this.timer = setInterval(() => say(`${this.#place()} … ${seconds(this.since).toFixed(0)} s`), 5000);
		this.timer.unref();
	}

	#place() {
		return `[${String(this.n).padStart(String(this.of).length)}/${this.of}] ${this.name}`;
	}

	end(what) {
		clearInterval(this.timer);
		say(`${this.#place()}: ${what}`);
	}
}

// A chart as its files have it.
function chartOf(name, config) {
	const spec = inWords(JSON.parse(readFileSync(join(home, 'charts', `${name}.vl.json`), 'utf8')), config);

	return { name, spec, title: spec.title, definition: spec.description, counts: spec.usermeta.counts, file: `charts/${name}.sql`, template: readFileSync(join(home, 'charts', `${name}.sql`), 'utf8') };
}

async function draw(chart, database, variables, folder, progress) {
	const { missing, sources } = needsOf(chart.template, variables);

	progress.start(chart.name);
	if (missing) {
		const key = /^(orders|ledger|events|answers|funnel)/.exec(missing)?.[1] ?? missing;

		chart.leftOut = `the configuration has no ${key}`;
		progress.end(chart.leftOut);
		return;
	}
	chart.sql = fill(chart.template, variables, chart.file).trim();
	try {
		const result = await database.attempt(chart.sql.replace(/;$/, ''));
		const took = seconds(progress.since);
		const read = sources.reduce((sum, source) => sum + database.counts[source], 0);

		if (!result.rows.length) {
			chart.leftOut = chart.spec.usermeta.empty ?? 'there is nothing to show yet';
			progress.end(chart.leftOut);
			return;
		}
		chart.rows = result.rows;
		chart.n = result.rows[0].n;
		writeFileSync(join(folder, `${chart.name}.csv`), csv(result));
		const { svg, warnings } = await toSvg(chart.spec, result.rows);

		writeFileSync(join(folder, `${chart.name}.svg`), svg);
		warnings.forEach(warning => say(`WARNING: ${chart.name}: ${warning}`));
		progress.end(`${took.toFixed(1)} s, ${thousands(Math.round(read / Math.max(took, 0.001)))} rows a second; ${seconds(progress.since).toFixed(1)} s with the drawing`);
	} catch (error) {
		chart.leftOut = `its query failed: ${explain(error)}`;
		chart.failed = true;
		progress.end(chart.leftOut);
	}
}

async function main() {
	let options;

	try {
		options = parseArgs({
			options: { database: { type: 'string' }, config: { type: 'string' }, output: { type: 'string', default: 'report.html' }, only: { type: 'string', multiple: true }, help: { type: 'boolean' } },
		}).values;
	} catch (error) {
		throw new Mistake(`${error.message}\n${usage}`);
	}
	if (options.help) {
		process.stdout.write(`${usage}\n`);
		return 0;
	}
	if (options.database === undefined && process.env.PGDATABASE === undefined)
		throw new Mistake(`--database is missing\n${usage}`);
	const file = options.config ?? join(home, 'report.json');
	const config = readConfig(file);
	const all = JSON.parse(readFileSync(join(home, 'sections.json'), 'utf8'));
	const wanted = new Set(options.only);

	for (const name of wanted)
		if (!all.some(section => section.charts.includes(name)))
			throw new Mistake(`--only ${name}: there is no such chart; there are ${all.flatMap(section => section.charts).join(', ')}`);
	const sections = all.map((section, n) => ({ ...section, id: `section-${n + 1}`, charts: section.charts.filter(name => !wanted.size || wanted.has(name)).map(name => chartOf(name, config)) })).filter(section => section.charts.length);
	const charts = sections.flatMap(section => section.charts);
	const folder = join(dirname(options.output), basename(options.output, extname(options.output)));

	if (folder === options.output)
		throw new Mistake(`--output ${options.output}: the page needs a name like report.html, since a folder beside it is called as it without .html`);
	const started = performance.now();
	const database = await Database.connect(options.database);

	try {
		say('reading what the configuration names');
		const variables = await database.open(config, file);
		const about = Object.entries(database.counts).map(([source, rows]) => `${source}: ${thousands(rows)} rows of ${variables[source].sql}`).join('; ');

		say(`${about}; as of ${config.as_of}`);
		mkdirSync(folder, { recursive: true });
		const progress = new Progress(charts.length);

		for (const chart of charts)
			await draw(chart, database, variables, folder, progress);
		for (const notice of database.notices)
			say(`NOTICE: ${notice}`);
		const path = (await database.row("SELECT current_setting('search_path') AS path")).path;

		writeFileSync(options.output, page(sections, config, { about: `${about}.`, sql: `SET TimeZone = ${variables.zone.sql};\nSET search_path = ${path};` }));
	} finally {
		await database.close();
	}
	const out = charts.filter(chart => chart.leftOut).length;

	say(`${charts.length - out} charts in ${options.output}${out ? `, ${out} left out` : ''}; ${seconds(started).toFixed(1)} s`);
	return charts.some(chart => chart.failed) ? 1 : 0;
}

try {
	process.exitCode = await main();
} catch (error) {
	say(`loyalty-report: ${error instanceof Mistake ? error.message : error.stack}`);
	process.exitCode = 2;
}
