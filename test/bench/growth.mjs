// How the cost grows with the rows: each query over data of several sizes. See run.sh.

import { growing, growthBar } from './cases.mjs';
import { median, Server, workers } from './server.mjs';
import { printTable, seconds } from './table.mjs';

const runs = Number(process.env.RUNS);
const wanted = process.env.ONLY ? new RegExp(process.env.ONLY, 'i') : /^/;
const sizes = process.env.ROWS.trim().split(/\s+/).map(Number).sort((a, b) => a - b);
const cases = growing.filter(test => wanted.test(test.what));
const took = cases.map(() => []); // for each case, the seconds of each size

for (const size of sizes) {
	const server = await Server.connect(`rows_${size}`);

	await server.run("SELECT pg_prewarm(oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'");
	for (const [n, test] of cases.entries()) {
		const walls = [];

		process.stderr.write(`${test.what}, ${size.toLocaleString('en')} rows\n`);
		for (let run = 0; run < runs; run++)
			walls.push((await server.run(test.sql, { ...test.settings, ...workers(0) })).wall);
		took[n].push(median(walls));
	}
	server.close();
}

console.log();
console.log(`Seconds in one process, medians of ${runs}; and times those of ${sizes[0].toLocaleString('en')} rows, as many rows taken into account`);
printTable(['', ...sizes.flatMap((size, n) => (n ? [`${size / 1e6} million`, 'x'] : [`${size / 1e6} million`])), 'bar', ''], cases.map((test, n) => {
	const ratios = sizes.map((size, i) => took[n][i] / took[n][0] / (size / sizes[0]));

	return [test.what, ...sizes.flatMap((_, i) => (i ? [seconds(took[n][i]), ratios[i].toFixed(2)] : [seconds(took[n][i])])),
		String(growthBar), Math.max(...ratios) <= growthBar ? 'ok' : 'MISSED'];
}));
