// Length and ticks of a time axis.

const TICK_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 10e3, 15e3, 30e3, 60e3, 120e3, 300e3, 600e3, 1800e3, 3600e3];
const AXIS_LENGTHS = [50, 100, 200, 500, 1e3, 2e3, 3e3, 4e3, 5e3, 6e3, 8e3, 10e3, 15e3, 20e3, 30e3, 45e3, 60e3, 90e3, 120e3, 180e3, 300e3, 600e3, 1200e3, 1800e3, 3600e3];
const HOUR = 3600e3;

/**
 * Return the shortest of a few axis lengths that a duration fits on; so the axis changes rarely while a request runs.
 * @param {number} ms
 */
export function axisLength(ms) {
  return AXIS_LENGTHS.find((length) => length >= ms) ?? Math.ceil(ms / HOUR) * HOUR;
}

/**
 * Return the times of the ticks: round numbers, each with at least `spacing` pixels.
 * @param {number} from the time at the left end, in milliseconds
 * @param {number} length in milliseconds
 * @param {number} width in pixels
 * @param {number} [spacing] in pixels
 */
export function axisTicks(from, length, width, spacing = 90) {
  const limit = Math.max(1, Math.floor(width / spacing));
  const step = TICK_STEPS.find((candidate) => length / candidate <= limit) ?? length;
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.floor((from + length - first) / step) + 1 }, (_, index) => first + index * step);
}
