/** Half a minute of work for the compiler, in one file. */
export const slowSource = `
template <int seed> constexpr unsigned spin() {
  unsigned value = seed;
  for (int i = 0; i < 200000; i++) value = value * 1664525u + 1013904223u;
  return value;
}
${Array.from({ length: 200 }, (_, i) => `constexpr unsigned value${i} = spin<${i}>();`).join('\n')}
unsigned total() { return ${Array.from({ length: 200 }, (_, i) => `value${i}`).join(' + ')}; }
`;
