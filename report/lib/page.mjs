// The page: one file with everything in it.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { forPage, pageConfig, theme } from './render.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, '..', 'node_modules');
const read = (...path) => readFileSync(join(...path), 'utf8');

const escape = text => String(text).replace(/[&<>"']/g, sign => `&#${sign.charCodeAt(0)};`);

// Inside of a script element nothing may end it.
const json = value => JSON.stringify(value).replaceAll('<', '\\u003c').replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
const script = text => text.replace(/<\/(script)/gi, '<\\/$1').replace(/<!--/g, '<\\!--').replace(/^\/\/# sourceMappingURL=.*$/gm, '');

export const thousands = number => Number(number).toLocaleString('en-US', { maximumFractionDigits: 2 });

// The licences of what is inlined, each text once.
function licences() {
	const byText = new Map();
	const seen = new Set();
	const visit = name => {
		const folder = join(modules, name);

		if (seen.has(name) || !existsSync(join(folder, 'package.json')))
			return;
		seen.add(name);
		const { version, license, dependencies = {} } = JSON.parse(read(folder, 'package.json'));
		const file = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'LICENCE'].find(one => existsSync(join(folder, one)));
		const text = file ? read(folder, file).trim() : license;

		byText.set(text, [...byText.get(text) ?? [], `${name} ${version}`]);
		Object.keys(dependencies).forEach(visit);
	};

	['vega', 'vega-lite', 'vega-embed'].forEach(visit);
	return [...byText].map(([text, names]) => `${names.join(', ')}\n\n${text}`).join(`\n\n${'-'.repeat(72)}\n\n`);
}

const properties = colours => Object.entries(colours).map(([name, colour]) => `--${name}: ${colour};`).join(' ');

const facts = (chart, config) => `as of ${config.as_of}, by ${config.period}, days of ${config.zone}, n = ${thousands(chart.n)} ${chart.counts}`;

function figure(chart, config) {
	if (chart.leftOut)
		return `<p class="left-out" id="${escape(chart.name)}"><b>${escape(chart.title)}</b> Left out: ${escape(chart.leftOut)}.</p>`;
	return `<figure id="${escape(chart.name)}" data-chart="${escape(chart.name)}">
<h3>${escape(chart.title)}</h3>
<p class="definition">${escape(chart.definition)}</p>
<div class="scroll"><div class="chart" style="min-width: ${Number(chart.spec.usermeta?.min_width ?? 260)}px"></div></div>
<figcaption>${escape(facts(chart, config))}</figcaption>
<details><summary>The SQL</summary><pre>${escape(chart.sql)}</pre></details>
</figure>`;
}

export function page(sections, config, session) {
	const charts = sections.flatMap(section => section.charts).filter(chart => !chart.leftOut);
	const parts = {
		title: escape(config.title),
		about: escape(`As of ${config.as_of}, by ${config.period}, days of ${config.zone}. ${session.about}`),
		properties_light: properties(theme.light),
		properties_dark: properties(theme.dark),
		style: read(here, '..', 'page', 'page.css'),
		contents: sections.map(section => `<a href="#${escape(section.id)}">${escape(section.title)}</a>`).join('\n'),
		sections: sections.map(section => `<section id="${escape(section.id)}">\n<h2>${escape(section.title)}</h2>\n${section.charts.map(chart => figure(chart, config)).join('\n')}\n</section>`).join('\n'),
		session: escape(session.sql),
		licences: escape(licences()),
		charts: json({ config: pageConfig, charts: charts.map(chart => ({ name: chart.name, spec: forPage(chart.spec), rows: chart.rows })) }),
		libraries: ['vega', 'vega-lite', 'vega-embed'].map(name => `<script>${script(read(modules, name, 'build', `${name}.min.js`))}</script>`).join('\n'),
		script: script(read(here, '..', 'page', 'page.js')),
	};

	return read(here, '..', 'page', 'page.html').replace(/\{\{(\w+)\}\}/g, (_, name) => {
		if (!(name in parts))
			throw new Error(`page.html: there is no part ${name}`);
		return parts[name];
	});
}
