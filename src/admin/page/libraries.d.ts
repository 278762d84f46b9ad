// What the page's <script> elements bring before its modules run.
import type morphdomModule from 'morphdom';
import type uPlotClass from 'uplot';

declare global {
  const uPlot: typeof uPlotClass;
  const morphdom: typeof morphdomModule.default;
}
