// Opens the report in Chromium, and prints what it finds: a name, what there is, and what there should be, with tabs between them.
//
// usage: browser.mjs report.html FOLDER-OF-SVGS RESULTS-OF-SQL.json KEPT.json [--keep]

import { copyFileSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';
import { charts } from './charts.mjs';

const [html, folder, answers, kept, ...options] = process.argv.slice(2);
const sql = JSON.parse(readFileSync(answers, 'utf8'));
const clean = value => String(typeof value === 'string' ? value : JSON.stringify(value)).replace(/[\t\n]/g, ' ');
const is = (got, wanted, name) => process.stdout.write(`${name}\t${clean(got)}\t${clean(wanted)}\n`);

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });

// Opens a file, and notes what it does that it shouldn't.
async function open(file, options) {
	const page = await browser.newPage({ colorScheme: 'light', ...options });
	const said = [];
	const asked = [];

	page.on('console', message => { if (['error', 'warning'].includes(message.type())) said.push(message.text()); });
	page.on('pageerror', error => said.push(error.message));
	page.on('dialog', dialog => { said.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
	page.on('request', request => { if (!/^(data|blob):/.test(request.url()) && request.url() !== `file://${file}`) asked.push(request.url()); });
	await page.goto(`file://${file}`);
	return Object.assign(page, { said, asked });
}

const drawn = page => page.waitForSelector('html[data-drawn]', { timeout: 120000 });

// What stands in the layers of a drawing: by name, the sort of mark, and how many there are.
const layersOf = root => {
	const layers = {};

	for (const group of root.querySelectorAll('g[class*="_marks"]')) {
		const [, kind, name] = /mark-(\w+) .*?(?:^| )(\w+)_marks/.exec(group.getAttribute('class')) ?? [];

		if (!name)
			continue;
		layers[name] ??= { kind, marks: 0, texts: [] };
		const marks = [...group.children].filter(child => child.tagName !== 'title');

		layers[name].marks += marks.length;
		if (kind === 'text')
			layers[name].texts.push(...marks.map(mark => mark.textContent));
	}
	return layers;
};

// Texts that reach beyond their drawing, or over one another.
const troubleOf = root => {
	const svg = root.querySelector('svg');
	const edge = svg.getBoundingClientRect();
	const texts = [...svg.querySelectorAll('text')].filter(text => text.textContent.trim() && text.getAttribute('opacity') !== '0' && getComputedStyle(text).opacity !== '0').map(text => ({ text: text.textContent, box: text.getBoundingClientRect() }));
	const trouble = [];

	for (const [n, { text, box }] of texts.entries()) {
		if (box.left < edge.left - 1 || box.right > edge.right + 1 || box.top < edge.top - 1 || box.bottom > edge.bottom + 1)
			trouble.push(`${text} is cut off`);
		for (const other of texts.slice(n + 1)) {
			const wide = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
			const high = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);

			if (wide > 1 && high > 4)
				trouble.push(`${text} over ${other.text}`);
		}
	}
	return trouble;
};

const names = Object.keys(charts);

// ---- wide, light: marks and tooltips ----

const page = await open(html, { viewport: { width: 1280, height: 900 } });

await drawn(page);
is(page.said, [], 'the page says nothing in the console');
is(page.asked, [], '... and asks nobody for anything');
is(await page.$$eval('figure[data-chart]', figures => figures.filter(figure => figure.dataset.drawn === 'yes').map(figure => figure.id).sort()), [...names].sort(), 'all charts are drawn');
const layers = {};

for (const name of names) {
	const figure = await page.$(`#${name}`);

	layers[name] = await figure.$eval('.chart', layersOf);
	is(Object.fromEntries(Object.keys(charts[name].marks).map(layer => [layer, layers[name][layer]?.marks ?? 0])), sql[name].marks, `${name}: as many marks as SQL counts`);
	is(await figure.$eval('.chart', troubleOf), [], '... with no label cut off or over another');
	is(await figure.$eval('figcaption', caption => /^as of \d{4}-\d\d-\d\d, by month, days of UTC, n = [\d,.]+ /.test(caption.textContent)), true, '... as of a day, by a period, in a zone, with n');
	const [layer, title, , wanted] = charts[name].tooltip;
	const place = await figure.evaluate((figure, [layer, wanted]) => {
		const test = new Function('datum', `return ${wanted ?? 'true'}`);
		const group = [...figure.querySelectorAll(`.${layer}_marks`)];
		// A line or an area has the rows of its points.
		const mark = group.flatMap(one => [...one.children]).find(child => test(child.__data__?.datum ?? {}));

		mark.scrollIntoView({ block: 'center' });
		const box = mark.getBoundingClientRect();

		for (const [x, y] of [[0.5, 0.5], [0.1, 0.5], [0.5, 0.9], [0.05, 0.05], [0.2, 0.8], [0.98, 0.5]]) {
			const at = { x: box.left + x * box.width, y: box.top + y * box.height };

			if (document.elementFromPoint(at.x, at.y) === mark)
				return at;
		}
		return { x: box.left + box.width / 2, y: box.top + box.height / 2 };
	}, [layer, wanted]);

	await page.mouse.move(0, 0);
	await page.mouse.move(place.x, place.y);
	await page.waitForSelector('#vg-tooltip-element.visible', { timeout: 5000 }).catch(() => null);
	is(await page.$eval('#vg-tooltip-element', (tooltip, title) => [...tooltip.querySelectorAll('tr')].find(row => row.querySelector('.key')?.textContent === title)?.querySelector('.value')?.textContent ?? tooltip.textContent, title).catch(() => 'no tooltip'),
		sql[name].tooltip.replace(/^-/, '\u2212'), `... and a tooltip with the number: ${title}`);
}
const printed = join(folder, 'print.pdf');

await page.pdf({ path: printed, format: 'A4' });

// ---- dark, and narrow ----

const rgb = colour => /\d+(\.\d+)?/g[Symbol.match](colour).slice(0, 3).map(Number);
const light = ([r, g, b]) => [r, g, b].map(one => one / 255).map(one => (one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)).reduce((sum, one, n) => sum + one * [0.2126, 0.7152, 0.0722][n], 0);
const contrast = (a, b) => { const [high, low] = [light(rgb(a)), light(rgb(b))].sort((x, y) => y - x); return (high + 0.05) / (low + 0.05); };

for (const colorScheme of ['light', 'dark'])
	for (const width of [1280, 390]) {
		const which = `${colorScheme}, ${width} pixels`;
		const view = await open(html, { viewport: { width, height: 900 }, colorScheme });

		await drawn(view);
		is([view.said, view.asked], [[], []], `${which}: nothing in the console, no request`);
		is(await view.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true, '... and the page is not wider than the window');
		const colours = await view.$$eval('.chart .mark-text text', texts => {
			const panel = getComputedStyle(document.querySelector('figure')).backgroundColor;

			return [...new Set(texts.filter(text => text.closest('.role-axis-label, .role-axis-title, .role-legend-label')).map(text => getComputedStyle(text).fill))].map(fill => [fill, panel]);
		});

		is([colours.length > 0, colours.filter(([text, panel]) => contrast(text, panel) < 4.5)], [true, []], '... and labels can be read');
		if (width === 390)
			for (const name of names)
				is(await view.$eval(`#${name} .chart`, troubleOf), [], `... ${name}: no label cut off or over another`);
		await view.close();
	}

// ---- the SVGs ----

// Those that the README shows.
const pictures = { retention_triangle: 'doc/report-retention.svg', growth: 'doc/report-growth.svg' };

const found = {};

for (const file of readdirSync(folder).filter(file => file.endsWith('.svg')).sort()) {
	const name = file.replace('.svg', '');
	const view = await open(join(folder, file), { viewport: { width: 900, height: 900 } });

	found[name] = await view.evaluate(`(${layersOf})(document)`);
	is([view.said, view.asked], [[], []], `${file}: nothing in the console, no request`);
	await view.close();
}
if (options.includes('--keep')) {
	for (const [name, picture] of Object.entries(pictures))
		copyFileSync(join(folder, `${name}.svg`), picture);
	writeFileSync(kept, `${JSON.stringify(found, null, '\t')}\n`);
}
const wanted = JSON.parse(readFileSync(kept, 'utf8'));

is(Object.keys(found), Object.keys(wanted).sort(), 'the SVGs of all charts');
for (const [name, layers] of Object.entries(wanted))
	is(found[name] ?? {}, layers, `${name}.svg: the marks and texts of the kept one`);

for (const [name, picture] of Object.entries(pictures)) {
	const view = await open(resolve(picture), { viewport: { width: 900, height: 900 } });

	is(await view.evaluate(`(${layersOf})(document)`), wanted[name], `${picture}: the marks and texts of the demo's`);
	await view.close();
}

await browser.close();
