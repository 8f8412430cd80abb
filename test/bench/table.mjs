// Tables of text.

export const seconds = value => (value === undefined ? '-' : value.toFixed(value < 9.995 ? 2 : 1));

export function printTable(head, rows) {
	const widths = head.map((title, i) => Math.max(title.length, ...rows.map(row => row[i].length)));
	const line = cells => cells.map((cell, i) => (i > 0 && /^[-0-9.]/.test(cell) ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join(' | ').trimEnd();

	console.log(line(head));
	console.log(widths.map(width => '-'.repeat(width)).join('-+-'));
	rows.forEach(row => console.log(line(row)));
	console.log();
}

// The last three columns: a ratio, its bar, and whether it holds.
export const judged = (ratio, bar) => [ratio.toFixed(2), bar ? String(bar) : '', bar ? (ratio <= bar ? 'ok' : 'MISSED') : ''];
