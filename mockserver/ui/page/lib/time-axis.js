// A time axis: how far it reaches, and where its marks stand.

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 10e3, 15e3, 30e3, 60e3, 120e3, 300e3, 600e3, 1800e3, 3600e3];

/** The shortest axis, of few lengths, on which so many milliseconds fit; it does not creep as a call grows. */
export function axisLength(ms) {
  return LENGTHS.find((length) => length >= ms) ?? Math.ceil(ms / 3600e3) * 3600e3;
}

/** The moments at which marks stand, from one moment on, all of them round, each with at least `room` pixels. */
export function axisTicks(from, length, width, room = 90) {
  const most = Math.max(1, Math.floor(width / room));
  const step = STEPS.find((one) => length / one <= most) ?? length;
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.floor((from + length - first) / step) + 1 }, (_, index) => first + index * step);
}

const LENGTHS = [50, 100, 200, 500, 1e3, 2e3, 3e3, 4e3, 5e3, 6e3, 8e3, 10e3, 15e3, 20e3, 30e3, 45e3, 60e3, 90e3, 120e3, 180e3, 300e3, 600e3, 1200e3, 1800e3, 3600e3];
