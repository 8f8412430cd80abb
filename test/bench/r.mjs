// The peer for fits: R, where Debian's r-base-core is installed. What optim() takes is counted, not reading the customers.

import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

export class R {
	// null where it isn't installed.
	static load() {
		if (spawnSync('sh', ['-c', 'command -v Rscript']).status !== 0) {
			console.error('R is not to be had (package r-base-core): its rows are left out');
			return null;
		}
		const r = new R();

		r.version = execFileSync('Rscript', ['--vanilla', '-e', 'cat(as.character(getRversion()))'], { encoding: 'utf8' });
		return r;
	}

	// Gives the script what a query returns as `rows`; it puts what is measured into `took`, of system.time(), and its answer into `answer`.
	run({ query, script }) {
		const file = `${process.env.BENCH_DIR}/r.csv`;
		const program = `${process.env.BENCH_DIR}/r.R`;

		execFileSync('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-c', `\\copy (${query}) TO '${file}' (FORMAT csv, HEADER)`]);
		writeFileSync(program, `rows <- read.csv('${file}')\n${script}\ncat(took[["elapsed"]], took[["user.self"]] + took[["sys.self"]], answer)\n`);
		const [wall, cpu, ...answer] = execFileSync('Rscript', ['--vanilla', program], { encoding: 'utf8' }).split(' ');

		return { wall: Number(wall), cpu: Number(cpu), text: answer.join(' ') };
	}
}
