/** The mark of the side bar: a model's life, which goes round. */

import { LabIcon } from '@jupyterlab/ui-components';

export const icon = new LabIcon({
  name: 'jupyter-mlops:icon',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <path d="M12 3a9 9 0 0 0-8.5 6h2.2A7 7 0 0 1 18 8.4L15.5 11H22V4.5l-2.6 2.6A9 9 0 0 0 12 3z"/>
    <path d="M12 21a9 9 0 0 0 8.500-6h-2.200A7 7 0 0 1 6 15.600L8.500 13H2v6.500l2.600-2.600A9 9 0 0 0 12 21z"/>
    <circle cx="12" cy="12" r="2.600"/>
  </g>
</svg>`
});

/** A cell that is recorded. */
export const trackIcon = new LabIcon({
  name: 'jupyter-mlops:track',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161"><circle cx="12" cy="12" r="4.500"/><path d="M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm0 18a8 8 0 1 1 0-16 8 8 0 0 1 0 16z"/></g>
</svg>`
});

/** Actions that run at once. */
export const runIcon = new LabIcon({
  name: 'jupyter-mlops:run-cells',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161"><path d="M13 2 4 14h7l-1 8 9-12h-7z"/></g>
</svg>`
});
