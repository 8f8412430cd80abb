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
		const csv = `${folder}/orders.csv`;

		process.stderr.write('loading DuckDB\n');
		duck.forms = forms;
		duck.instance = await api.DuckDBInstance.create(`${folder}/orders.duckdb`, { threads: String(duck.threads) });
		duck.connection = await duck.instance.connect();
		duck.version = (await duck.#rows('SELECT version()'))[0][0];

		const file = openSync(csv, 'w');
		const copy = spawnSync('psql', ['-X', '-q', '-c',
			"COPY (SELECT order_id, customer_id, ordered_at AT TIME ZONE 'UTC', amount FROM orders) TO STDOUT (FORMAT csv)"],
			{ stdio: ['ignore', file, 'inherit'], env: { ...process.env, PGOPTIONS: '-c max_parallel_workers_per_gather=0' } });
		closeSync(file);
		if (copy.status !== 0)
			throw new Error('the export for DuckDB failed');
		await duck.connection.run('CREATE TABLE orders (order_id BIGINT, customer_id BIGINT, ordered_at TIMESTAMP, amount DECIMAL(10, 2))');
		await duck.connection.run(`COPY orders FROM '${csv}' (FORMAT csv, HEADER false)`);
		await duck.connection.run('CHECKPOINT');
		rmSync(csv);
		return duck;
	}

	async #rows(sql) {
		return (await this.connection.runAndReadAll(sql)).getRows();
	}

	async #time(form, unit) {
		const sql = `SELECT count(*)::DOUBLE, sum(retained)::DOUBLE FROM (${this.forms[form](unit, 'orders')})`;
		const start = performance.now();
		const [[, retained]] = await this.#rows(sql);

		return { ms: performance.now() - start, retained };
	}

	// Cohorts by unit, in the form that is fastest.
	async cohorts(unit) {
		if (!this.chosen.has(unit)) {
			let best = Infinity;

			for (const form of Object.keys(this.forms)) {
				let ms = Infinity;

				for (let run = 0; run < 2; run++)
					ms = Math.min(ms, (await this.#time(form, unit)).ms);
				if (ms < best) {
					best = ms;
					this.chosen.set(unit, form);
				}
			}
		}
		return this.#time(this.chosen.get(unit), unit);
	}

	close() {
		this.connection.closeSync();
		this.instance.closeSync();
	}
}
