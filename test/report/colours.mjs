// Colours that stand beside each other in a chart, as those see them who see no red, no green or no blue: which are hard to tell apart. Prints
// what browser.mjs prints.
//
// Machado, G. M., Oliveira, M. M. and Fernandes, L. A. F. (2009): A physiologically-based model for simulation of color vision deficiency.
// IEEE Transactions on Visualization and Computer Graphics 15(6), 1291-1298: the matrices of severity 1, in linear RGB. The difference is CIE 1976's.

import { readFileSync, readdirSync } from 'node:fs';

const deficiencies = {
	none: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
	protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
	deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
	tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
};
const clamp = x => Math.min(1, Math.max(0, x));
const linear = hex => [1, 3, 5].map(n => parseInt(hex.slice(n, n + 2), 16) / 255).map(x => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
const seen = (rgb, matrix) => matrix.map(row => clamp(row.reduce((sum, weight, n) => sum + weight * rgb[n], 0)));

function lab([r, g, b]) {
	const [x, y, z] = [(0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047, 0.2126 * r + 0.7152 * g + 0.0722 * b, (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883]
		.map(t => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116));

	return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}
const difference = (a, b, matrix) => Math.hypot(...lab(seen(linear(a), matrix)).map((x, n) => x - lab(seen(linear(b), matrix))[n]));

const theme = JSON.parse(readFileSync('report/page/theme.json', 'utf8'));

// Every list of colours that a specification has.
function ranges(value) {
	if (Array.isArray(value))
		return value.every(one => /^\$\w+$/.test(one)) && value.length ? [value] : value.flatMap(ranges);
	return value && typeof value === 'object' ? Object.values(value).flatMap(ranges) : [];
}
const lists = { 'one after the other': [theme.config.range.category.slice(0, 6)] };

for (const file of readdirSync('report/charts').filter(file => file.endsWith('.vl.json')))
	lists[file] = ranges(JSON.parse(readFileSync(`report/charts/${file}`, 'utf8')));
const close = [];

for (const mode of ['light', 'dark'])
	for (const [file, of] of Object.entries(lists))
		for (const list of of)
			list.forEach((a, n) => list.slice(n + 1).forEach(b => {
				for (const [deficiency, matrix] of Object.entries(deficiencies)) {
					const apart = difference(theme[mode][a.slice(1)], theme[mode][b.slice(1)], matrix);

					if (apart < 12)
						close.push(`${file}, ${mode}, ${deficiency}: ${a} and ${b} are ${apart.toFixed(0)} apart`);
				}
			}));
process.stdout.write(`colours of a chart are told apart, with any colour vision\t${JSON.stringify(close)}\t[]\n`);
