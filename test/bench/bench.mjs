// Runs the cases beside their peers and prints the tables. See run.sh.

import { readFileSync } from 'node:fs';
import os from 'node:os';

import { duckForms, memory, sizes, timed } from './cases.mjs';
import { ClickHouse } from './clickhouse.mjs';
import { Duck } from './duck.mjs';
import { Psql } from './psql.mjs';

const runs = Number(process.env.RUNS);
const customers = Number(process.env.CUSTOMERS);
const wanted = process.env.ONLY ? new RegExp(process.env.ONLY, 'i') : /^/;
const settings = { jit: 'off', work_mem: '256MB', max_parallel_workers_per_gather: 2, max_parallel_workers: 2, random_page_cost: 1.1, timezone: 'UTC' };

const median = numbers => {
	const sorted = [...numbers].sort((a, b) => a - b);
	const middle = Math.floor(sorted.length / 2);

	return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

async function session(changes = {}) {
	const psql = new Psql();

	for (const [name, value] of Object.entries({ ...settings, ...changes }))
		await psql.run(`SET ${name} = '${value}'`);
	return psql;
}

function printTable(head, rows) {
	const widths = head.map((title, i) => Math.max(title.length, ...rows.map(row => row[i].length)));
	const line = cells => cells.map((cell, i) => (i > 0 && /^[-0-9.]/.test(cell) ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join(' | ').trimEnd();

	console.log(line(head));
	console.log(widths.map(width => '-'.repeat(width)).join('-+-'));
	rows.forEach(row => console.log(line(row)));
	console.log();
}

// The nodes of a plan, outermost first, without what only passes rows on.
async function planOf(psql, sql) {
	const lines = (await psql.value(`EXPLAIN (COSTS OFF) ${sql}`)).split('\n');

	return lines.filter(line => line === lines[0] || /->/.test(line))
		.map(line => line.replace(/^ *-> +/, '').trim())
		.filter(node => !/^(Subquery Scan|Nested Loop)/.test(node)).join(' < ');
}

// ---- one case ----

async function runCase(test, psql, duck, house, plans) {
	const mine = { sql: test.sql, times: [], zone: test.zone ?? 'UTC' };
	const peers = test.peers.filter(peer => (duck || !(peer.duck || peer.duckSql)) && (house || !peer.houseSql)).map(peer => ({ ...peer, times: [] }));

	for (const [name, value] of Object.entries(test.settings ?? {}))
		await psql.run(`SET ${name} = '${value}'`);
	for (let run = 0; run < runs; run++) {
		await psql.run(`SET timezone = '${mine.zone}'`);
		const answer = await psql.run(mine.sql);
		mine.times.push(answer.ms);
		await psql.run("SET timezone = 'UTC'");
		for (const peer of peers) {
			if (peer.once && run > 0)
				continue;
			if (peer.duck) {
				const { ms, retained } = await duck.cohorts(peer.duck);
				peer.times.push(ms);
				if (run === 0 && /retention_table/.test(mine.sql) && Number(answer.text.split('\t')[1]) !== retained)
					throw new Error(`${test.what}: ${answer.text.split('\t')[1]} retained, DuckDB has ${retained}`);
			} else if (peer.duckSql)
				peer.times.push((await duck.query(peer.duckSql)).ms);
			else if (peer.houseSql)
				peer.times.push((await house.query(peer.houseSql)).ms);
			else if (peer.ms)
				peer.times.push(peer.ms);
			else
				peer.times.push((await psql.run(peer.sql)).ms * (peer.scale ?? 1));
		}
	}
	if (test.plan)
		plans.push([test.what, await planOf(psql, test.sql)]);
	for (const peer of peers)
		if (peer.plan)
			plans.push([peer.peer, await planOf(psql, peer.sql)]);
	for (const name of Object.keys(test.settings ?? {}))
		await psql.run(`SET ${name} = '${settings[name]}'`);

	const ms = median(mine.times);

	if (peers.length === 0)
		return [[test.what, ms.toFixed(0), 'no peer is installed', '', '', '', '']];
	return peers.map((peer, i) => {
		const peerMs = median(peer.times);
		const ratio = ms / peerMs;

		return [i === 0 ? test.what : '', i === 0 ? ms.toFixed(0) : '', peer.peer, peerMs.toFixed(0), ratio.toFixed(2),
			peer.bar ? String(peer.bar) : '', peer.bar ? (ratio <= peer.bar ? 'ok' : 'MISSED') : ''];
	});
}

// ---- memory of the backend while a query runs ----

const anonymous = pid => Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;

async function measureMemory(test) {
	const psql = await session({ max_parallel_workers_per_gather: 0 });
	const pid = await psql.value('SELECT pg_backend_pid()');
	let peak = 0;

	// What a session has anyway: the catalogue's cache, the library.
	await psql.run(test.sql.replace('FROM orders', 'FROM (SELECT * FROM orders LIMIT 1) orders'));
	const before = anonymous(pid);
	const timer = setInterval(() => { peak = Math.max(peak, anonymous(pid)); }, 2);
	await psql.run(test.sql);
	clearInterval(timer);
	psql.close();
	const bytes = Math.max(0, peak - before) / customers;
	return [test.what, 'bytes a customer', bytes.toFixed(0), test.bar ? String(test.bar) : '', test.bar ? (bytes <= test.bar ? 'ok' : 'MISSED') : ''];
}

// ---- all ----

const psql = await session();
const duck = timed.some(test => wanted.test(test.what) && test.peers.some(peer => peer.duck || peer.duckSql)) ? await Duck.load(duckForms) : null;
const house = timed.some(test => wanted.test(test.what) && test.peers.some(peer => peer.houseSql)) ? await ClickHouse.load() : null;
const rows = [];
const plans = [];
const other = [];

for (const test of timed.filter(test => wanted.test(test.what))) {
	process.stderr.write(`${test.what}\n`);
	rows.push(...await runCase(test, psql, duck, house, plans));
}
for (const test of sizes.filter(test => wanted.test(test.what))) {
	const size = Number(await psql.value(test.sql));
	other.push([test.what, test.unit, size.toFixed(2), String(test.bar), size <= test.bar ? 'ok' : 'MISSED']);
}
for (const test of memory.filter(test => wanted.test(test.what)))
	other.push(await measureMemory(test));

console.log();
console.log(`${Number(process.env.ROWS).toLocaleString('en')} orders of ${customers.toLocaleString('en')} customers; median of ${runs} runs, interleaved with the peers'`);
console.log(`${os.cpus().length} x ${os.cpus()[0].model}, ${(os.totalmem() / 2 ** 30).toFixed(0)} GB`);
console.log(`PostgreSQL ${await psql.value('SHOW server_version')}: shared_buffers ${await psql.value('SHOW shared_buffers')}, `
	+ Object.entries(settings).map(([name, value]) => `${name} ${value}`).join(', '));
if (duck)
	console.log(`DuckDB ${duck.version}: ${duck.threads} threads, native table; the fastest of ${Object.keys(duckForms).length} forms: `
		+ [...duck.chosen].map(([unit, form]) => `${unit}: ${form}`).join(', '));
if (house)
	console.log(`ClickHouse ${house.version}: ${house.threads} threads, MergeTree by customer and instant, kinds of events as strings`);
console.log();
if (rows.length > 0)
	printTable(['what', 'ms', 'peer', 'peer ms', 'ratio', 'bar', ''], rows);
if (other.length > 0)
	printTable(['what', 'unit', 'is', 'bar', ''], other);
if (plans.length > 0) {
	console.log('The plans that the planner picked:');
	plans.forEach(([what, plan]) => console.log(`  ${what}:\n    ${plan}`));
}
psql.close();
duck?.close();
house?.close();
