import { expect, test } from 'vitest';

import { linkOf, modelFacts } from '../../../src/simulator/models.ts';

test('a window of its own has four segments, at most 1460', () => {
  const { esp8266 } = modelFacts;
  expect(linkOf(esp8266)).toMatchObject({ windowBytes: 2144, segmentBytes: 536 });
  expect(linkOf(esp8266, { windowBytes: 5840 })).toMatchObject({ windowBytes: 5840, segmentBytes: 1460 });
  expect(linkOf(esp8266, { windowBytes: 65_536 }).segmentBytes).toBe(1460);
  expect(linkOf(esp8266, { windowBytes: 5840, segmentBytes: 536 }).segmentBytes).toBe(536);
  expect(linkOf(esp8266, { roundTripMs: 20 })).toMatchObject({ roundTripMs: 20, segmentBytes: 536 });
});
