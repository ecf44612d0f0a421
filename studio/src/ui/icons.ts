// The studio's own icons: 16 x 16, drawn with the current text colour.

const PATHS = {
  play: '<path d="M4.5 2.8v10.4a.6.6 0 0 0 .92.5l8-5.2a.6.6 0 0 0 0-1l-8-5.2a.6.6 0 0 0-.92.5z" fill="currentColor" stroke="none"/>',
  pause: '<path d="M4 2.5h2.6v11H4zM9.4 2.5H12v11H9.4z" fill="currentColor" stroke="none"/>',
  step: '<path d="M3 3v10l7-5zM12.5 3v10" />',
  toBegin: '<path d="M13 3v10L6 8zM3.5 3v10" />',
  body: '<path d="M8 1.8 13.5 5v6L8 14.2 2.5 11V5zM2.5 5 8 8.1 13.5 5M8 8.1v6.1"/>',
  joint: '<circle cx="8" cy="8" r="2.2"/><path d="M1.5 12.5 6.2 9.4M14.5 3.5 9.8 6.6"/>',
  weld: '<path d="M2.5 5.5h4v5h-4zM9.5 5.5h4v5h-4zM6.5 8h3"/>',
  scope: '<path d="M2 4.2h4.2l1.3 1.6H14v7H2z"/>',
  signal: '<path d="M1.5 8h2.6l2-5 3.6 10 2-5h2.8"/>',
  home: '<path d="M2.5 7.5 8 2.8l5.5 4.7M4 6.6v6.6h8V6.6M6.7 13.2V9.6h2.6v3.6"/>',
  fit: '<path d="M2.5 5.5v-3h3M10.5 2.5h3v3M13.5 10.5v3h-3M5.5 13.5h-3v-3"/><circle cx="8" cy="8" r="2"/>',
  follow: '<circle cx="8" cy="8" r="4.5"/><circle cx="8" cy="8" r="1" fill="currentColor"/><path d="M8 1v3M8 12v3M1 8h3M12 8h3"/>',
  cubeFront: '<path d="M2.5 5.2h8v8h-8zM5.5 2.5h8v8" /><path d="M2.5 5.2h8v8h-8z" fill="currentColor" fill-opacity=".35"/>',
  cubeSide: '<path d="M10.5 5.5 13.5 2.5v8l-3 3zM2.5 5.5h8v8h-8zM5.5 2.5h8"/><path d="m10.5 5.5 3-3v8l-3 3z" fill="currentColor" fill-opacity=".35"/>',
  cubeTop: '<path d="m2.5 5.5 3-3h8l-3 3zM2.5 5.5h8v8h-8zM13.5 2.5v8l-3 3"/><path d="m2.5 5.5 3-3h8l-3 3z" fill="currentColor" fill-opacity=".35"/>',
  grid: '<path d="M2.5 2.5h11v11h-11zM2.5 6.2h11M2.5 9.8h11M6.2 2.5v11M9.8 2.5v11"/>',
  frames: '<path d="M5 11V2.5M5 11h8.5M5 11l-3 2.5M3.6 4 5 2.3 6.4 4M12 9.6l1.6 1.4L12 12.4"/>',
  shadow: '<circle cx="8" cy="6" r="3.6"/><path d="M3 13.2c2.6 1 7.4 1 10 0" />',
  contact: '<path d="M1.5 13h13"/><circle cx="8" cy="8" r="4.4"/><circle cx="8" cy="12.6" r="1.3" fill="currentColor" stroke="none"/>',
  force: '<path d="M1.5 13.5h13M8 13V3M4.8 6 8 2.6 11.2 6"/>',
  wrench: '<circle cx="5" cy="11" r="1.6"/><path d="M6.2 9.8 12 4M8.6 3.6 12.4 3.6 12.4 7.4M3 6.5A6 6 0 0 1 6.5 3M9.5 13.4A6 6 0 0 0 13 10"/>',
  pull: '<circle cx="3.4" cy="12.6" r="1.7" fill="currentColor"/><path d="m4.6 11.4 1-.2.2-2 1.9.3.2-2 1.9.3.2-2 1.4-.2M9.8 2.8h3.6v3.6"/>',
  filter: '<circle cx="7" cy="7" r="4"/><path d="m10 10 3.6 3.6"/>',
  close: '<path d="m4 4 8 8M12 4l-8 8"/>',
  export: '<path d="M8 2.5v7.2M5 7l3 3 3-3M2.8 12.8h10.4"/>',
  help: '<path d="M5.6 5.8A2.4 2.4 0 1 1 9 8.2c-.7.3-1 .7-1 1.5"/><circle cx="8" cy="12.2" r=".7" fill="currentColor"/>',
  theme: '<circle cx="8" cy="8" r="5.5"/><path d="M8 2.5v11a5.5 5.5 0 0 0 0-11z" fill="currentColor"/>',
  caret: '<path d="m6 4 4 4-4 4"/>',
  ok: '<path d="m3.2 8.4 3.2 3.2 6.4-7"/>',
  bad: '<path d="M8 3v6"/><circle cx="8" cy="12" r=".8" fill="currentColor"/>',
  copy: '<path d="M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3"/>',
  link: '<path d="M6.5 9.5 9.5 6.5M7 4.5l1.2-1.2a3.2 3.2 0 0 1 4.5 4.5L11.5 9M9 11.5l-1.2 1.2a3.2 3.2 0 0 1-4.5-4.5L4.5 7"/>',
} as const;

export type IconName = keyof typeof PATHS;

export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.innerHTML = PATHS[name];
  return svg;
}
