import { expect, test } from 'vitest';

import { createRandom } from '../../../src/simulator/air.ts';

test('the same seed gives the same numbers, spread over 0 to 1', () => {
  const [first, again, other] = [createRandom(1), createRandom(1), createRandom(2)];
  const numbers = Array.from({ length: 1000 }, first);
  expect(numbers).toEqual(Array.from({ length: 1000 }, again));
  expect(numbers).not.toEqual(Array.from({ length: 1000 }, other));
  expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...numbers)).toBeLessThan(1);
  expect(numbers.filter((number) => number < 0.5).length).toBeGreaterThan(400);
});
