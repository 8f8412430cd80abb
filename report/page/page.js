// Draws the charts, one after the other. `data-drawn` at a figure says that its chart stands.
(async () => {
	'use strict';

	const { config, charts } = JSON.parse(document.getElementById('charts').textContent);
	const views = {};

	for (const { name, spec, rows } of charts) {
		const figure = document.getElementById(name);
		const place = figure.querySelector('.chart');

		try {
			// Vega-Lite warns of what means nothing here; what it has to say was heard when the SVG was made.
			const compiled = vegaLite.compile({ ...spec, data: { name: 'rows', values: rows } }, { config, logger: vega.logger(vega.Error) });
			const { view } = await vegaEmbed(place, compiled.spec, {
				renderer: 'svg',
				mode: 'vega',
				logLevel: vega.Error,
				actions: { export: { svg: true, png: true }, source: false, compiled: false, editor: false },
				downloadFileName: name,
				tooltip: { theme: 'custom' },
			});

			views[name] = view;
			figure.dataset.drawn = 'yes';
		} catch (error) {
			place.textContent = `This chart could not be drawn: ${error.message}`;
			place.classList.add('failed');
			console.error(`${name}: ${error.message}`);
		}
	}
	window.loyaltyCharts = views;
	document.documentElement.dataset.drawn = 'yes';

	// What fits the page's width fits the paper's, too: Vega-Lite looks at its container when the window changes.
	const refit = () => window.dispatchEvent(new Event('resize'));

	window.addEventListener('beforeprint', refit);
	window.addEventListener('afterprint', refit);
})();
