// What processes take, as the kernel counts it: CPU seconds, and memory that is their own.

import { execFileSync } from 'node:child_process';
import { readFileSync, statfsSync } from 'node:fs';

const ticks = Number(execFileSync('getconf', ['CLK_TCK']));

// A file of /proc; empty where the process is gone.
function read(file) {
	try {
		return readFileSync(`/proc/${file}`, 'latin1');
	} catch {
		return '';
	}
}

// The fields of stat behind the program's name, which may have blanks and brackets.
const stat = pid => read(`${pid}/stat`).replace(/^.*\) /s, '').split(' ').map(Number);

export const parentOf = pid => stat(pid)[1];

// CPU seconds of a process by itself, to the hundredth.
export const cpuOf = pid => (stat(pid)[11] + stat(pid)[12]) / ticks;

// Those of its children that have ended: a parallel worker has, when its leader's query is over.
export const cpuOfEndedChildren = pid => (stat(pid)[13] + stat(pid)[14]) / ticks;

const anonymous = pid => Number(/^RssAnon:\s+(\d+) kB/m.exec(read(`${pid}/status`))?.[1] ?? 0) * 1024;

// What lies in /dev/shm: the shared memory that parallel queries ask for.
function segments() {
	const { blocks, bfree, bsize } = statfsSync('/dev/shm');

	return (blocks - bfree) * bsize;
}

// Watches the memory of a backend and of its workers: the most that one of them has of its own, beyond what the backend
// has at the start, and the most that they have together, with what they share.
export class MemoryWatch {
	one = 0;
	all = 0;

	constructor(leader) {
		const postmaster = parentOf(leader);
		const children = `${postmaster}/task/${postmaster}/children`;
		const ownBefore = anonymous(leader);
		const sharedBefore = segments();

		this.timer = setInterval(() => {
			const workers = read(children).trim().split(' ').filter(pid => read(`${pid}/cmdline`).includes(`parallel worker for PID ${leader}`));
			const own = [anonymous(leader) - ownBefore, ...workers.map(anonymous)];

			this.one = Math.max(this.one, ...own);
			this.all = Math.max(this.all, own.reduce((sum, bytes) => sum + bytes, 0) + segments() - sharedBefore);
		}, 2);
	}

	stop() {
		clearInterval(this.timer);
	}
}
