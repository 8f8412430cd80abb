// A chart: its specification with the configuration's words and the theme's colours, compiled by Vega-Lite, drawn by Vega.

import { readFileSync } from 'node:fs';
import * as vega from 'vega';
import * as vegaLite from 'vega-lite';

const { light, dark, config } = JSON.parse(readFileSync(new URL('../page/theme.json', import.meta.url), 'utf8'));

export const theme = { light, dark };

// The same value, with each text in it changed.
function withTexts(value, change) {
	if (typeof value === 'string')
		return change(value);
	if (Array.isArray(value))
		return value.map(one => withTexts(one, change));
	if (value && typeof value === 'object')
		return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withTexts(one, change)]));
	return value;
}

// {period} and {periods}, and what else a text names of the configuration: {silence_days}, {horizon}, {funnel_within}.
export function inWords(value, config) {
	const noun = (/^[a-z_]+/.exec(config.period)?.[0] ?? 'period').replaceAll('_', ' ');
	const words = { ...config, period: noun, periods: `${noun}s`, funnel_within: config.funnel?.within };

	return withTexts(value, text => text.replace(/\{(\w+)\}/g, (all, name) => words[name] ?? all));
}

// $text, $blue …: a property of the page's style, or one colour for a file.
const coloured = (value, colour) => withTexts(value, text => text.replace(/^\$([a-z]+)$/, (_, name) => colour(name)));
const inPage = name => `var(--${name})`;
const inFile = name => light[name];

export const pageConfig = coloured(config, inPage);

// Without the title, which the page has above.
export const forPage = ({ title: _, ...spec }) => coloured(spec, inPage);

// Told where a chart goes by its rows in height, and where a layer has nothing to show: both are as they should be.
const harmless = /^(Dropping "fit-y" because spec has discrete height|Infinite extent for field)/;

// As SVG, with the light colours, of a fixed width where the page has that of its container; and what Vega warns of.
export async function toSvg(spec, rows) {
	const fixed = coloured({ ...spec, width: spec.width === 'container' ? 640 : spec.width, data: { name: 'rows', values: rows } }, inFile);
	const logger = vega.logger(vega.Warn);
	const warnings = [];

	logger.warn = (...words) => {
		if (!harmless.test(words[0]))
			warnings.push(words.join(' '));
		return logger;
	};
	const compiled = vegaLite.compile(fixed, { config: { ...coloured(config, inFile), background: light.ground }, logger });
	const view = new vega.View(vega.parse(compiled.spec), { renderer: 'none', logger });

	try {
		return { svg: await view.toSVG(), warnings };
	} finally {
		view.finalize();
	}
}
