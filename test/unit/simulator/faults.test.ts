import { expect, test } from 'vitest';

import { faultKinds, parseFaults } from '../../../src/simulator/faults.ts';

test('names alone, and with values', () => {
  expect(parseFaults(['silent', 'closesAtBytes=5000', 'lostOks', 'refusesToBegin=a=b'])).toEqual({
    silent: true,
    closesAtBytes: 5000,
    lostOks: 1,
    refusesToBegin: 'a=b',
  });
  expect(parseFaults([])).toEqual({});
});

test('a port of 0, and a fault of the boot with and without its value', () => {
  expect(parseFaults(['returnsAtPort', 'crashesAfterMs', 'crashingImages', 'bootReason=panic'])).toEqual({
    returnsAtPort: 0,
    crashesAfterMs: 3000,
    crashingImages: 'first',
    bootReason: 'panic',
  });
});

test('every name is one that the parser knows', () => {
  const names = Object.keys(faultKinds);
  expect(Object.keys(parseFaults(names))).toEqual(names);
});

test('an unknown name is answered with the nearest', () => {
  expect(() => parseFaults(['lostInvitation'])).toThrow(expect.objectContaining({ code: 'USAGE' }));
  expect(() => parseFaults(['lostInvitation'])).toThrow(
    expect.objectContaining({ hint: expect.stringContaining('"lostInvitations"') }),
  );
  expect(() => parseFaults(['toString'])).toThrow(expect.objectContaining({ code: 'USAGE' }));
});

test.each(['closesAtBytes=many', 'closesAtBytes=', 'closesAtBytes=-1', 'silent=yes'])(
  '%s is refused',
  (spec) => {
    expect(() => parseFaults([spec])).toThrow(expect.objectContaining({ code: 'USAGE' }));
  },
);
