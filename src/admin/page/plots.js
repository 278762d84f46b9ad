/** @import uPlotClass from 'uplot' */

/**
 * @typedef {{ requests: number, errors: number, p50: number | null, p95: number | null }} Traffic
 * @typedef {{ at: number, services: Record<string, Traffic> }} Point
 */

const HEIGHT = 110;
const MOST = 180;
const SPAN_S = 15 * 60;

/** Which figures a plot shows, and the custom properties that have their colours. */
const SERIES =
  /** @type {Record<string, { label: string, of: keyof Traffic, colour: string }[]>} */ ({
    requests: [{ label: 'requests/s', of: 'requests', colour: '--plot-calm' }],
    latency: [
      { label: '95 %, ms', of: 'p95', colour: '--plot-strong' },
      { label: 'median, ms', of: 'p50', colour: '--plot-calm' },
    ],
    errors: [{ label: 'errors/s', of: 'errors', colour: '--plot-bad' }],
  });

/** The plots of all services, over the last quarter of an hour. */
export class Plots {
  /** @type {Point[]} */
  #points = [];
  /** @type {Map<string, { box: HTMLElement, plot: uPlotClass }>} */
  #plots = new Map();
  #resizes = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      const drawn = this.#plots.get(target.id);
      if (drawn && contentRect.width > 0) {
        drawn.plot.setSize({ width: contentRect.width, height: HEIGHT });
      }
    }
  });

  /**
   * Begins anew with these points.
   * @param {Point[]} points
   */
  begin(points) {
    this.#points = points;
    this.draw();
  }

  /**
   * Takes the latest point, which may be one that it has.
   * @param {Point | undefined} point
   */
  add(point) {
    const last = this.#points.at(-1);
    if (point && (!last || point.at > last.at)) {
      this.#points.push(point);
      if (this.#points.length > MOST) this.#points.shift();
    }
    this.draw();
  }

  /** Draws them in the colours that hold now. */
  recolour() {
    for (const { plot } of this.#plots.values()) plot.redraw(false, true);
  }

  draw() {
    const boxes = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('.plot'));
    const there = new Set(Array.from(boxes, ({ id }) => id));
    for (const [id, { box, plot }] of this.#plots) {
      if (there.has(id) && box.isConnected) continue;
      plot.destroy();
      this.#resizes.unobserve(box);
      this.#plots.delete(id);
    }
    for (const box of boxes) {
      const series = SERIES[box.dataset.series ?? ''];
      if (!series) continue;
      const data = dataOf(this.#points, box.dataset.service ?? '', series);
      const drawn = this.#plots.get(box.id);
      if (drawn) {
        // A second that has brought no point changes nothing.
        if (drawn.plot.data[0].at(-1) !== data[0].at(-1)) drawn.plot.setData(data);
        continue;
      }
      const plot = new uPlot(optionsOf(box, series), data, box);
      this.#plots.set(box.id, { box, plot });
      this.#resizes.observe(box);
    }
  }
}

/**
 * @param {Point[]} points
 * @param {string} service
 * @param {{ of: keyof Traffic }[]} series
 * @returns {uPlotClass.AlignedData}
 */
function dataOf(points, service, series) {
  const times = points.map(({ at }) => Math.round(at / 1000));
  const values = series.map(({ of }) =>
    points.map(({ services }) => services[service]?.[of] ?? null),
  );
  return [times, ...values];
}

/**
 * @param {HTMLElement} box
 * @param {{ label: string, colour: string }[]} series
 * @returns {uPlotClass.Options}
 */
function optionsOf(box, series) {
  /** @param {string} name */
  const colour = (name) => getComputedStyle(box).getPropertyValue(name);
  const font = '11px system-ui, sans-serif';
  const axis = {
    font,
    stroke: () => colour('--plot-axis'),
    grid: { stroke: () => colour('--plot-grid'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: box.clientWidth || 300,
    height: HEIGHT,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: 'dashgate' }, drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      x: {
        range: (_plot, _from, to) => [(to ?? Date.now() / 1000) - SPAN_S, to ?? Date.now() / 1000],
      },
      // From nothing up, also where nothing has happened.
      y: { range: (_plot, _from, to) => [0, Math.max(1, (to ?? 0) * 1.15)] },
    },
    axes: [
      { ...axis, size: 22, space: 60, values: '{HH}:{mm}' },
      { ...axis, size: 44, space: 28, values: (_plot, ticks) => ticks.map((tick) => short(tick)) },
    ],
    series: [
      {},
      ...series.map(({ label, colour: name }, i) => ({
        label,
        stroke: () => colour(name),
        width: 1.5,
        points: { size: 3 },
        ...(i === series.length - 1 ? { fill: () => colour(`${name}-fill`) } : {}),
      })),
    ],
    hooks: { init: [addReadout], setCursor: [readOut] },
  };
}

/** @param {number} value */
function short(value) {
  if (value >= 1000) return `${+(value / 1000).toFixed(1)}k`;
  return String(+value.toFixed(2));
}

/** @param {uPlotClass} plot */
function addReadout(plot) {
  const readout = document.createElement('div');
  readout.className = 'readout';
  plot.over.append(readout);
}

/**
 * Tells what was at the time under the pointer.
 * @param {uPlotClass} plot
 */
function readOut(plot) {
  const readout = plot.over.querySelector('.readout');
  if (!readout) return;
  const { idx } = plot.cursor;
  const at = idx === null || idx === undefined ? undefined : plot.data[0][idx];
  if (idx === null || idx === undefined || at === undefined) {
    readout.textContent = '';
    return;
  }
  const told = plot.series
    .slice(1)
    .map(({ label }, i) => `${plot.data[i + 1]?.[idx] ?? '–'} ${label}`);
  readout.textContent = `${new Date(at * 1000).toLocaleTimeString()}: ${told.join(', ')}`;
}
