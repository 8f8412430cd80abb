// The peer for funnels: ClickHouse, a server of its own where Debian's clickhouse-server is installed.

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';

import { cpuOf } from './processes.mjs';

const freePort = () => new Promise(resolve => {
	const server = createServer().listen(0, '127.0.0.1', () => {
		const { port } = server.address();

		server.close(() => resolve(port));
	});
});

export class ClickHouse {
	threads = 2;

	// null where it isn't installed.
	static async load() {
		if (spawnSync('sh', ['-c', 'command -v clickhouse-server']).status !== 0) {
			console.error('ClickHouse is not to be had (package clickhouse-server): its rows are left out');
			return null;
		}
		const house = new ClickHouse();

		process.stderr.write('loading ClickHouse\n');
		await house.#start(`${process.env.BENCH_DIR}/clickhouse`);
		house.version = (await house.query('SELECT version()')).text;
		await house.query('CREATE TABLE visits (customer_id UInt64, at DateTime, step String) ENGINE = MergeTree ORDER BY (customer_id, at)');
		await house.#take();
		await house.query('OPTIMIZE TABLE visits FINAL');
		return house;
	}

	async #start(folder) {
		const port = await freePort();
		const tcp = await freePort();

		mkdirSync(folder);
		writeFileSync(`${folder}/config.xml`, `<yandex>
			<logger><level>warning</level><log>${folder}/log</log><errorlog>${folder}/errors</errorlog></logger>
			<http_port>${port}</http_port><tcp_port>${tcp}</tcp_port><listen_host>127.0.0.1</listen_host>
			<path>${folder}/data/</path><tmp_path>${folder}/tmp/</tmp_path><timezone>UTC</timezone>
			<users_config>users.xml</users_config><default_profile>default</default_profile><default_database>default</default_database>
			<mark_cache_size>536870912</mark_cache_size><uncompressed_cache_size>4294967296</uncompressed_cache_size></yandex>`);
		writeFileSync(`${folder}/users.xml`, `<yandex>
			<profiles><default><max_threads>${this.threads}</max_threads><use_uncompressed_cache>1</use_uncompressed_cache></default></profiles>
			<users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
			<quotas><default></default></quotas></yandex>`);
		this.url = `http://127.0.0.1:${port}/`;
		this.server = spawn('clickhouse-server', [`--config-file=${folder}/config.xml`], { stdio: 'ignore' });
		for (let attempt = 0; ; attempt++) {
			try {
				await this.query('SELECT 1');
				return;
			} catch (error) {
				if (attempt === 100)
					throw error;
				await new Promise(resolve => { setTimeout(resolve, 100); });
			}
		}
	}

	async #take() {
		const copy = spawn('psql', ['-X', '-q', '-c',
			"COPY (SELECT customer_id, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), step FROM visits) TO STDOUT (FORMAT csv)"],
		{ stdio: ['ignore', 'pipe', 'inherit'] });
		const answer = await fetch(`${this.url}?query=${encodeURIComponent('INSERT INTO visits FORMAT CSV')}`,
			{ method: 'POST', body: copy.stdout, duplex: 'half' });

		if (!answer.ok)
			throw new Error(`ClickHouse: ${await answer.text()}`);
	}

	// Any query: what it gives, as text, and wall and CPU seconds of its server.
	async query(sql) {
		const start = performance.now();
		const before = cpuOf(this.server.pid);
		const answer = await fetch(this.url, { method: 'POST', body: sql });
		const text = (await answer.text()).trimEnd();

		if (!answer.ok)
			throw new Error(`ClickHouse: ${text}`);
		return { wall: (performance.now() - start) / 1000, cpu: cpuOf(this.server.pid) - before, text };
	}

	close() {
		this.server.kill();
	}
}
