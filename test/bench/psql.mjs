// One psql kept open, so that a query is timed without the start of a session.

import { spawn } from 'node:child_process';

export class Psql {
	constructor(database) {
		this.child = spawn('psql', ['-X', '-d', database, '-q', '-A', '-t', '-F', '\t', '-P', 'pager=off'], { stdio: ['pipe', 'pipe', 'pipe'] });
		this.out = '';
		this.err = '';
		this.child.stdout.on('data', data => { this.out += data; this.#check(); });
		this.child.stderr.on('data', data => { this.err += data; this.#check(); });
		this.child.on('exit', code => this.waiting?.reject(new Error(`psql ended (${code}): ${this.err}`)));
	}

	#check() {
		const mark = '@@done\n';

		if (!this.waiting || !this.out.endsWith(mark) || !this.err.endsWith(mark))
			return;
		const { resolve, reject } = this.waiting;
		const out = this.out.slice(0, -mark.length);
		const err = this.err.slice(0, -mark.length);
		this.waiting = null;
		this.out = this.err = '';
		if (/ERROR|FATAL/.test(err))
			reject(new Error(err.trim()));
		else
			resolve({
				ms: Number(/^Time: ([0-9.]+) ms/m.exec(out)?.[1]),
				text: out.replace(/^Time: .*\n/gm, '').trimEnd(),
			});
	}

	// Runs one statement: its output, and the time that psql took for it.
	run(sql) {
		return new Promise((resolve, reject) => {
			this.waiting = { resolve, reject };
			this.child.stdin.write(`\\timing on\n${sql};\n\\timing off\n\\echo @@done\n\\warn @@done\n`);
		});
	}

	async value(sql) {
		return (await this.run(sql)).text;
	}

	close() {
		this.child.removeAllListeners('exit');
		this.child.stdin.end('\\q\n');
	}
}
