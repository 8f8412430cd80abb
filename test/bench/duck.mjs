// The peer: DuckDB with a table of its own, loaded with the same rows in the same order.

import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';

export class Duck {
	threads = 2;
	chosen = new Map(); // unit -> the form that is fastest here

	// null where DuckDB isn't installed.
	static async load(forms) {
		let api;

		try {
			api = await import('@duckdb/node-api');
		} catch {
			return null;
		}
		const duck = new Duck();
		const folder = process.env.BENCH_DIR;

		process.stderr.write('loading DuckDB\n');
		duck.forms = forms;
		duck.instance = await api.DuckDBInstance.create(`${folder}/orders.duckdb`, { threads: String(duck.threads) });
		duck.connection = await duck.instance.connect();
		duck.version = (await duck.#rows('SELECT version()'))[0][0];

		await duck.#take(folder, 'orders', "order_id, customer_id, ordered_at AT TIME ZONE 'UTC', amount",
			'order_id BIGINT, customer_id BIGINT, ordered_at TIMESTAMP, amount DECIMAL(10, 2)');
		await duck.#take(folder, 'ledger', "entry_id, customer_id, at AT TIME ZONE 'UTC', points",
			'entry_id BIGINT, customer_id BIGINT, booked_at TIMESTAMP, points INTEGER');
		await duck.#take(folder, 'visits', "event_id, customer_id, at AT TIME ZONE 'UTC', step",
			'event_id BIGINT, customer_id BIGINT, seen_at TIMESTAMP, step VARCHAR');
		await duck.connection.run('CHECKPOINT');
		return duck;
	}

	// Copies a table, row by row in the same order.
	async #take(folder, table, columns, types) {
		const csv = `${folder}/${table}.csv`;
		const file = openSync(csv, 'w');
		const copy = spawnSync('psql', ['-X', '-q', '-c', `COPY (SELECT ${columns} FROM ${table}) TO STDOUT (FORMAT csv)`],
			{ stdio: ['ignore', file, 'inherit'], env: { ...process.env, PGOPTIONS: '-c max_parallel_workers_per_gather=0' } });

		closeSync(file);
		if (copy.status !== 0)
			throw new Error('the export for DuckDB failed');
		await this.connection.run(`CREATE TABLE ${table} (${types})`);
		await this.connection.run(`COPY ${table} FROM '${csv}' (FORMAT csv, HEADER false)`);
		rmSync(csv);
	}

	async #rows(sql) {
		return (await this.connection.runAndReadAll(sql)).getRows();
	}

	// Any query: its rows as psql prints them, and wall and CPU seconds of this process, in which it runs.
	async query(sql) {
		const start = performance.now();
		const before = process.cpuUsage();
		const rows = await this.#rows(sql);
		const wall = (performance.now() - start) / 1000;
		const { user, system } = process.cpuUsage(before);

		return { wall, cpu: (user + system) / 1e6, text: rows.map(row => row.join('\t')).join('\n') };
	}

	#cohorts(form, unit) {
		return this.query(`SELECT count(*)::DOUBLE, sum(retained)::DOUBLE FROM (${this.forms[form](unit, 'orders')})`);
	}

	// Cohorts by unit, in the form that is fastest.
	async cohorts(unit) {
		if (!this.chosen.has(unit)) {
			let best = Infinity;

			for (const form of Object.keys(this.forms)) {
				const { wall } = await this.#cohorts(form, unit);
				const again = (await this.#cohorts(form, unit)).wall;

				if (Math.min(wall, again) < best) {
					best = Math.min(wall, again);
					this.chosen.set(unit, form);
				}
			}
		}
		return this.#cohorts(this.chosen.get(unit), unit);
	}

	close() {
		this.connection.closeSync();
		this.instance.closeSync();
	}
}
