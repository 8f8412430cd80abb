// Opens a report whose names try to be more than text, and prints what it finds, as browser.mjs does.
//
// usage: hostile.mjs report.html

import { chromium } from 'playwright-core';

const [html] = process.argv.slice(2);
const clean = value => String(typeof value === 'string' ? value : JSON.stringify(value)).replace(/[\t\n]/g, ' ');
const is = (got, wanted, name) => process.stdout.write(`${name}\t${clean(got)}\t${clean(wanted)}\n`);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
const said = [];

page.on('console', message => { if (['error', 'warning'].includes(message.type())) said.push(message.text()); });
page.on('pageerror', error => said.push(error.message));
page.on('dialog', dialog => { said.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
page.on('request', request => { if (request.url() !== `file://${html}`) said.push(`request: ${request.url()}`); });
await page.goto(`file://${html}`);
await page.waitForSelector('html[data-drawn]', { timeout: 120000 });
is(await page.title(), '</title><script>alert("title")</script>', 'the title is text');
is(await page.$eval('h1', heading => heading.textContent), '</title><script>alert("title")</script>', '... above the page, too');
is(await page.$$eval('#tiers .role-legend-label text', texts => texts.map(text => text.textContent)), ['Member', '<script>alert("tier")</script>', '"><img src=x onerror=alert(1)>'], 'tiers are text in the legend');
const place = await page.evaluate(() => {
	const bar = [...document.querySelectorAll('#tiers .bars_marks path')].find(path => path.__data__.datum.rank === 1 && path.__data__.datum.members > 0);

	bar.scrollIntoView({ block: 'center' });
	const box = bar.getBoundingClientRect();

	return { x: box.left + box.width / 2, y: box.top + box.height / 2 };
});

await page.mouse.move(place.x, place.y);
await page.waitForSelector('#vg-tooltip-element.visible');
is(await page.$eval('#vg-tooltip-element', tooltip => [...tooltip.querySelectorAll('tr')].find(row => row.querySelector('.key').textContent === 'tier').querySelector('.value').textContent), '<script>alert("tier")</script>', '... and in a tooltip');
is(await page.$$eval('#survival .role-legend-label text', texts => texts.map(text => text.textContent).sort()), ['${alert(1)}', '</script><script>alert("segment"…', 'datum.x; alert(2)'].sort(), 'segments are text');
is(await page.evaluate(() => [document.images.length, [...document.scripts].filter(script => /^alert/.test(script.textContent)).length]), [0, 0], 'nothing of it became an element');
is(await page.$eval('#tiers pre', pre => /<script>alert/.test(pre.textContent)), true, 'the SQL shows what it was');
is(said, [], 'nothing was run, asked or said');
await browser.close();
