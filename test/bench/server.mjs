// A session of the server under measurement: runs a statement with settings, and tells what it took.

import { cpuOf, cpuOfEndedChildren, MemoryWatch, parentOf } from './processes.mjs';
import { Psql } from './psql.mjs';

export const defaults = {
	jit: 'off', work_mem: '256MB', hash_mem_multiplier: 2, max_parallel_workers_per_gather: 2, max_parallel_workers: 2,
	random_page_cost: 1.1, timezone: 'UTC',
};

// A parallel plan wherever one is possible, and with as many workers as are allowed.
const forced = { parallel_setup_cost: 0, parallel_tuple_cost: 0, min_parallel_table_scan_size: 0, min_parallel_index_scan_size: 0 };

export const workers = n => ({ max_parallel_workers_per_gather: n, ...(n > 0 ? forced : {}) });

// With little memory: what may be written to disk is.
export const spilled = { work_mem: '1MB', hash_mem_multiplier: 1 };
export const withoutNode = { 'loyalty.enable_group_node': 'off' };

export class Server {
	#now = {}; // the settings as they are

	static async connect(database = 'postgres') {
		const server = new Server();

		server.psql = new Psql(database);
		server.pid = Number(await server.psql.value('SELECT pg_backend_pid()'));
		server.postmaster = parentOf(server.pid);
		return server;
	}

	async #set(settings) {
		const wanted = { ...defaults, ...settings };

		for (const name of Object.keys(this.#now).filter(name => !(name in wanted))) {
			await this.psql.run(`RESET ${name}`);
			delete this.#now[name];
		}
		for (const [name, value] of Object.entries(wanted))
			if (this.#now[name] !== value) {
				await this.psql.run(`SET ${name} = '${value}'`);
				this.#now[name] = value;
			}
	}

	// Its answer, wall seconds, and CPU seconds of the backend and of its workers.
	async run(sql, settings = {}) {
		await this.#set(settings);
		const cpu = () => cpuOf(this.pid) + cpuOfEndedChildren(this.postmaster);
		const before = cpu();
		const { text, ms } = await this.psql.run(sql);

		return { text, wall: ms / 1000, cpu: cpu() - before };
	}

	async value(sql, settings = {}) {
		return (await this.run(sql, settings)).text;
	}

	// The most memory while it runs, in bytes.
	async memory(sql, settings = {}) {
		await this.#set(settings);
		const watch = new MemoryWatch(this.pid);

		await this.psql.run(sql);
		watch.stop();
		return watch;
	}

	// The lines of its plan.
	async plan(sql, settings = {}, options = 'COSTS OFF') {
		return (await this.value(`EXPLAIN (${options}) ${sql}`, settings)).split('\n');
	}

	close() {
		this.psql.close();
	}
}

// How many workers a plan has.
export const workersOf = plan => Math.max(0, ...plan.map(line => Number(/Workers Planned: (\d+)/.exec(line)?.[1] ?? 0)));

// The nodes of a plan, outermost first, without what only passes rows on.
export const nodesOf = plan => plan.filter((line, n) => n === 0 || /->/.test(line))
	.map(line => line.replace(/^ *-> +/, '').trim())
	.filter(node => !/^(Subquery Scan|Nested Loop)/.test(node)).join(' < ');

export const median = numbers => {
	const sorted = [...numbers].sort((a, b) => a - b);
	const middle = Math.floor(sorted.length / 2);

	return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};
