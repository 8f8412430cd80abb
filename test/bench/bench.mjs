// Runs the cases beside their peers and prints the tables. See run.sh.

import os from 'node:os';

import { barsNow, duckForms, memory, memoryBeside, parallelBar, sizes, timed } from './cases.mjs';
import { ClickHouse } from './clickhouse.mjs';
import { Duck } from './duck.mjs';
import { R } from './r.mjs';
import { defaults, median, nodesOf, Server, spilled, withoutNode, workers, workersOf } from './server.mjs';
import { judged, printTable, seconds } from './table.mjs';

const runs = Number(process.env.RUNS);
const wanted = process.env.ONLY ? new RegExp(process.env.ONLY, 'i') : /^/;
const counts = [0, 1, 2]; // of workers

// ---- one query ----

// What was measured of a query already: peers are shared by cases.
const measured = new Map();

// What is run: how, and what it took.
function measure(what, times = runs) {
	const key = JSON.stringify(what);

	if (!measured.has(key))
		measured.set(key, { ...what, wall: [], cpu: [], left: times, text: undefined });
	return measured.get(key);
}

const medians = ({ wall, cpu }, scale = 1) => ({ wall: median(wall) * scale, cpu: cpu[0] === undefined ? undefined : median(cpu) * scale });

class Difference extends Error {}

function expectSame(what, how, text, wantedText) {
	if (text !== wantedText)
		throw new Difference(`${what}: another answer ${how}:\n${text}\ninstead of\n${wantedText}`);
}

// How a query can be run: with each number of workers that there is a plan for, and as the planner picks, which is one of these
// where the plan is the same.
async function modesOf(server, sql, settings, byWorkers) {
	const plan = await server.plan(sql, settings);
	const modes = [];

	if (byWorkers)
		for (const n of counts) {
			const settingsNow = { ...settings, ...workers(n) };
			const planNow = await server.plan(sql, settingsNow);

			if (workersOf(planNow) === n)
				modes.push({ workers: n, settings: settingsNow, picked: planNow.join() === plan.join() });
		}
	if (!modes.some(mode => mode.picked))
		modes.push({ workers: workersOf(plan), settings, picked: true, apart: true });
	modes.forEach(mode => { mode.runs = measure({ sql, settings: mode.settings }); });
	return { plan, modes, picked: modes.find(mode => mode.picked) };
}

// ---- one case ----

const line = (what, { picked, modes = [] } = {}, ratio = ['', '', '']) => {
	const forced = modes.length > 1 ? counts.map(n => modes.find(mode => mode.workers === n && !mode.apart)) : counts;
	const each = field => forced.map(mode => (mode?.runs ? seconds(medians(mode.runs)[field]) : ''));
	const wall = picked ? `${seconds(picked.wall)}${modes.length > 1 ? ` (${picked.workers})` : ''}` : '';

	return [what, wall, ...each('wall'), picked?.cpu === undefined ? '' : seconds(picked.cpu), ...each('cpu'), ...ratio];
};

async function runCase(test, server, { duck, house, r }, plans) {
	const mine = await modesOf(server, test.sql, test.settings ?? {}, test.modes);
	const peers = test.peers.filter(peer => (duck || !(peer.duck || peer.duckSql)) && (house || !peer.houseSql) && (r || !peer.r)).map(peer => ({ ...peer }));
	const queries = mine.modes.map(mode => mode.runs);

	for (const peer of peers) {
		if (peer.sql) {
			const settings = { ...test.settings, ...peer.settings };

			Object.assign(peer, peer.once ? { plan: await server.plan(peer.sql, settings), modes: [{ workers: 0, settings, picked: true, runs: measure({ sql: peer.sql, settings }, 1) }] }
				: await modesOf(server, peer.sql, settings, peer.modes && test.modes), { showPlan: peer.plan });
			peer.picked ??= peer.modes[0];
			queries.push(...peer.modes.map(mode => mode.runs));
		} else if (!peer.seconds) {
			peer.runs = measure({ duck: peer.duck, duckSql: peer.duckSql, houseSql: peer.houseSql, r: peer.r }, peer.once ? 1 : runs);
			queries.push(peer.runs);
		}
	}

	// Interleaved: what changes on the machine meanwhile meets all of them.
	for (let run = 0; run < runs; run++)
		for (const query of queries) {
			if (query.left === 0)
				continue;
			const took = query.sql ? await server.run(query.sql, query.settings)
				: query.r ? r.run(query.r)
				: query.duck ? await duck.cohorts(query.duck)
					: await (query.duckSql ? duck : house).query(query.duckSql ?? query.houseSql);

			query.left--;
			query.wall.push(took.wall);
			query.cpu.push(took.cpu);
			query.text ??= took.text;
			expectSame(test.what, 'in another run', took.text, query.text);
		}

	await compareAnswers(test, server, duck, mine, peers);
	if (test.plan)
		plans.push([test.what, nodesOf(mine.plan)]);
	plans.push(...peers.filter(peer => peer.showPlan).map(peer => [`${peer.peer}, beside ${test.what}`, nodesOf(peer.plan)]));
	return rowsOf(test, mine, peers);
}

// The same answer with every number of workers, without the node, and with what is written to disk; and where a peer is asked the
// same, its.
async function compareAnswers(test, server, duck, mine, peers) {
	const settings = test.settings ?? {};
	const [first, ...others] = mine.modes;

	others.forEach(mode => expectSame(test.what, `with ${mode.workers} workers`, mode.runs.text, first.runs.text));
	if (test.modes) {
		const check = test.check ?? test.sql;
		const answer = test.check ? await server.value(check, { ...settings, ...workers(0) }) : first.runs.text;
		const ways = [['without the node', { ...workers(0), ...withoutNode }], ['with little memory', { ...workers(0), ...spilled }],
			['with 2 workers and little memory', { ...workers(2), ...spilled }],
			...(test.check ? counts.slice(1).map(n => [`with ${n} workers`, workers(n)]) : [])];

		for (const [how, change] of ways)
			expectSame(test.what, how, await server.value(check, { ...settings, ...change }), answer);
	}
	for (const peer of peers.filter(peer => peer.same || peer.duck)) {
		const text = (peer.runs ?? peer.picked.runs).text;

		if (Array.isArray(peer.same))
			expectSame(test.what, `of ${peer.peer}`, (await duck.query(peer.same[1])).text, await server.value(peer.same[0], settings));
		else if (peer.same || /retention_table/.test(test.sql))
			expectSame(test.what, `of ${peer.peer}`, text, first.runs.text);
	}
}

function rowsOf(test, mine, peers) {
	const picked = { ...medians(mine.picked.runs), workers: mine.picked.workers };
	const rows = [line(test.what, { picked, modes: mine.modes })];
	const forced = n => mine.modes.find(mode => mode.workers === n && !mode.apart);
	const parallel = counts.slice(1).map(forced).filter(Boolean).map(mode => medians(mode.runs).wall);

	if (parallel.length > 0) {
		const serial = medians(forced(0).runs).wall;

		rows.push(line('  parallel to serial', undefined, judged(Math.min(...parallel) / serial, parallelBar)));
		if (Math.max(...parallel) > serial)
			rows.push(line('  the slower of 1 and 2 workers to serial', undefined, judged(Math.max(...parallel) / serial, 1)));
		if (picked.wall > 1.1 * Math.min(serial, ...parallel))
			rows.push(line('  as the planner picks to the fastest', undefined, judged(picked.wall / Math.min(serial, ...parallel), 1.1)));
	}
	for (const peer of peers) {
		// A peer in several modes is compared in the one that the planner picked for ours.
		const runs = peer.runs ?? (peer.modes?.find(mode => mode.workers === picked.workers && !mode.apart) ?? peer.picked)?.runs;
		const its = peer.seconds ? { wall: peer.seconds } : { ...medians(runs, peer.scale) };

		rows.push(line(`  ${peer.peer}`, { picked: { ...its, workers: picked.workers }, modes: peer.modes }, judged(picked.wall / its.wall, peer.bar)));
	}
	return rows;
}

// ---- memory ----

const megabytes = bytes => (bytes / 2 ** 20).toFixed(0);

async function memoryOf(test) {
	const rows = [];

	for (const n of [0, 2]) {
		const server = await Server.connect();

		try {
			const settings = { ...test.settings, ...workers(n) };

			if (workersOf(await server.plan(test.sql, settings)) !== n)
				continue;
			// What a session has anyway: the catalogue's cache, the library.
			await server.run(test.sql.replace(/FROM (orders|ledger)\b/, 'FROM (SELECT * FROM $1 LIMIT 1) $1'), settings);
			const { one, all } = await server.memory(test.sql, settings);
			const bar = parseInt(test.settings.work_mem, 10) * defaults.hash_mem_multiplier + memoryBeside;

			rows.push([test.what, String(n), test.settings.work_mem, megabytes(one), megabytes(all), String(bar), one <= bar * 2 ** 20 ? 'ok' : 'MISSED']);
		} finally {
			server.close();
		}
	}
	return rows;
}

// ---- all ----

const chosen = timed.filter(test => wanted.test(test.what) && (process.env.ONLY || !test.long));
const server = await Server.connect();
const duck = chosen.some(test => test.peers.some(peer => peer.duck || peer.duckSql)) ? await Duck.load(duckForms) : null;
const house = chosen.some(test => test.peers.some(peer => peer.houseSql)) ? await ClickHouse.load() : null;
const r = chosen.some(test => test.peers.some(peer => peer.r)) ? R.load() : null;
const rows = [];
const plans = [];
const memoryRows = [];
const sizeRows = [];

// What can't be run is said, and the rest goes on; but a wrong answer isn't worth measuring, nor is anything beside it.
async function attempt(what, task, failed) {
	const start = performance.now();

	process.stderr.write(what);
	try {
		const result = await task();

		process.stderr.write(`: done in ${((performance.now() - start) / 1000).toFixed(0)} s\n`);
		return result;
	} catch (error) {
		process.stderr.write('\n');
		if (error instanceof Difference)
			throw error;
		console.error(error.message);
		process.exitCode = 1;
		return [failed];
	}
}

for (const test of chosen)
	rows.push(...await attempt(test.what, () => runCase(test, server, { duck, house, r }, plans), line(test.what, undefined, ['', '', 'FAILED'])));
for (const test of memory.filter(test => wanted.test(`memory of ${test.what}`)))
	memoryRows.push(...await attempt(`memory of ${test.what}`, () => memoryOf(test), [test.what, '', '', '', '', '', 'FAILED']));
for (const test of sizes.filter(test => wanted.test(test.what))) {
	const size = Number(await server.value(test.sql));

	sizeRows.push([test.what, test.unit, ...judged(size, test.bar)]);
}

console.log();
console.log(`${Number(process.env.ROWS).toLocaleString('en')} orders of ${Number(process.env.CUSTOMERS).toLocaleString('en')} customers; medians of ${runs}, interleaved with the peers'`);
console.log(`${os.cpus().length} x ${os.cpus()[0].model}, ${(os.totalmem() / 2 ** 30).toFixed(0)} GB`);
console.log(`PostgreSQL ${await server.value('SHOW server_version')}: shared_buffers ${await server.value('SHOW shared_buffers')}, huge pages ${process.env.HUGE_PAGES || 'off'},`);
console.log(`  ${Object.entries(defaults).map(([name, value]) => `${name} ${value}`).join(', ')}`);
console.log(`  ${barsNow}`);
if (duck)
	console.log(`DuckDB ${duck.version}: ${duck.threads} threads, native table; cohorts by the fastest of ${Object.keys(duckForms).length} forms: `
		+ [...duck.chosen].map(([unit, form]) => `${unit}: ${form}`).join(', '));
if (house)
	console.log(`ClickHouse ${house.version}: ${house.threads} threads, MergeTree by customer and instant, kinds of events as strings`);
if (r)
	console.log(`R ${r.version}: optim(), BFGS on the logarithms of the parameters, with its gradient by differences`);
console.log();
if (rows.length > 0) {
	console.log('Wall and CPU seconds of all processes, as the planner picks (with how many workers), and with 0, 1 and 2 workers');
	printTable(['', 'wall', '0', '1', '2', 'CPU', '0', '1', '2', 'ratio', 'bar', ''], rows);
}
if (memoryRows.length > 0) {
	console.log('Memory at its highest, MB: of one process, and of all with what they share');
	printTable(['', 'workers', 'work_mem', 'one', 'all', 'bar', ''], memoryRows);
}
if (sizeRows.length > 0)
	printTable(['', 'unit', 'is', 'bar', ''], sizeRows);
if (plans.length > 0) {
	console.log('The plans that the planner picked:');
	plans.forEach(([what, plan]) => console.log(`  ${what}:\n    ${plan}`));
}
server.close();
duck?.close();
house?.close();
